# bench [WORD] [--quick] [OPTION...]: time gpustack beside ansible-playbook and bare ssh on the same hosts (minutes); docs/benchmarks.md lists the words
set -euo pipefail
case ${1:-} in
  micro)
    bash tests/tools/dev/build.sh micro_bench
    mkdir -p build/bench
    exec build/release/bin/micro_bench --benchmark_out=build/bench/micro.json --benchmark_out_format=json "${@:2}"
    ;;
  scale | templates)
    program=scale_bench
    [ "$1" = scale ] || program=template_bench
    bash tests/tools/dev/build.sh "$program"
    exec /usr/bin/python3 "tests/bench/$1.py" build/release "${@:2}"
    ;;
esac
bash tests/tools/dev/build.sh gpustack bench_relay
exec /usr/bin/python3 tests/bench/bench.py build/bin "$@"

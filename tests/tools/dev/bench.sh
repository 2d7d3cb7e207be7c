# bench [scale|templates|[--quick] [OPTION...]]: time gpustack beside ansible-playbook on the same hosts (minutes); its own cost; beside Jinja2
set -euo pipefail
case ${1:-} in
  scale | templates)
    program=scale_bench
    [ "$1" = scale ] || program=template_bench
    bash tests/tools/dev/build.sh "$program"
    exec /usr/bin/python3 "tests/bench/$1.py" build/release "${@:2}"
    ;;
esac
bash tests/tools/dev/build.sh gpustack
exec /usr/bin/python3 tests/bench/bench.py build/bin "$@"

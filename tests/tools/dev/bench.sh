# bench [scale|[--quick] [OPTION...]]: time gpustack beside ansible-playbook on the same hosts (minutes); scale: its own cost
set -euo pipefail
if [ "${1:-}" = scale ]; then
  bash tests/tools/dev/build.sh scale_bench
  exec /usr/bin/python3 tests/bench/scale.py build/release "${@:2}"
fi
bash tests/tools/dev/build.sh gpustack
exec /usr/bin/python3 tests/bench/bench.py build/bin "$@"

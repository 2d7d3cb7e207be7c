# lint [all|FILE...]: check the layers; with files also run clang-tidy on them, with `all` on every source
set -euo pipefail
/usr/bin/python3 tests/tools/check_layers.py
if [ $# -gt 0 ]; then
  [ "$1" != all ] || shift
  cmake --preset dev >/dev/null
  /usr/bin/python3 tests/tools/tidy.py build/dev "$@"
fi

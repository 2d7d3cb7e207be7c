# lint [FILE...]: check the layers; with files, also run clang-tidy on them
set -euo pipefail
/usr/bin/python3 tests/tools/check_layers.py
if [ $# -gt 0 ]; then
  [ -f build/dev/compile_commands.json ] || cmake --preset dev >/dev/null
  clang-tidy -p build/dev --quiet "$@"
fi

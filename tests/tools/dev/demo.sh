# demo [--keep STATE] [--expect FILE]: build, start five aarch64 hosts on this machine and apply examples/edge-fleet to them
set -euo pipefail
bash tests/tools/dev/build.sh gpustack package_memo
exec /usr/bin/python3 tests/tools/demo.py build/bin "$@"

# bench [--quick] [OPTION...]: time gpustack beside ansible-playbook on the same ten hosts of this machine (minutes)
set -euo pipefail
bash tests/tools/dev/build.sh gpustack
exec /usr/bin/python3 tests/bench/bench.py build/bin "$@"

# docs [--record]: write docs/modules anew from the program in build/bin; with --record read Ansible's options anew, too
set -euo pipefail
/usr/bin/python3 tests/tools/module_docs.py "$@"

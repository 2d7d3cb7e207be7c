# docs [--record]: write docs/modules from the program in build/bin and the tables of docs/platforms anew; with --record read Ansible's options anew, too
set -euo pipefail
/usr/bin/python3 tests/tools/module_docs.py "$@"
/usr/bin/python3 tests/tools/platform_docs.py

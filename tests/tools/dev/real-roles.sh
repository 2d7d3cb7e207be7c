# real-roles DIR [--only ROLE...]: roles of others in DIR through gpustack and ansible-playbook, on twin hosts with systemd
set -euo pipefail
[ -x build/bin/gpustack ] || { echo "dev real-roles: build first (./dev build)" >&2; exit 5; }
[ $# -ge 1 ] || { echo "usage: ./dev real-roles DIR [--only ROLE...] [--output FOLDER]   (how DIR is laid out: CONTRIBUTING.md)" >&2; exit 5; }
exec /usr/bin/python3 tests/tools/real_roles.py "$@"

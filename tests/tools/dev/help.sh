# help: list the verbs
set -euo pipefail
echo "usage: ./dev VERB [ARGUMENT...]"
for script in tests/tools/dev/*.sh; do
  sed -n '1s/^# */  /p' "$script"
done

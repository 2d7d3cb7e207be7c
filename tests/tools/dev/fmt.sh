# fmt [--check] [FILE...]: format C++ with clang-format (all tracked files, or those named)
set -euo pipefail
mode=(-i)
if [ "${1:-}" = --check ]; then
  mode=(--dry-run --Werror)
  shift
fi
files=("$@")
if [ ${#files[@]} -eq 0 ]; then
  mapfile -t files < <(git ls-files '*.cpp' '*.hpp')
fi
printf '%s\0' "${files[@]}" | xargs -0 -r -n 32 -P "$(nproc)" clang-format "${mode[@]}" --style=file

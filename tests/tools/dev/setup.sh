# setup: install the packages of packages.txt with apt-get, unless all are there
set -euo pipefail

mapfile -t packages < <(sed 's/#.*//' packages.txt | awk 'NF { print $1 }')

is_installed() {
  local name=$1
  dpkg-query -W -f '${db:Status-Status}\n' "$name" 2>/dev/null | grep -qx installed
}

missing=()
for package in "${packages[@]}"; do
  is_installed "$package" || missing+=("$package")
done
if [ ${#missing[@]} -eq 0 ]; then
  echo "setup: all ${#packages[@]} packages are installed"
  exit 0
fi

as_root=()
if [ "$(id -u)" -ne 0 ]; then as_root=(sudo); fi
# The aarch64 runner links static arm64 libraries from Debian's own packages.
if printf '%s\n' "${missing[@]}" | grep -q ':arm64$' && ! dpkg --print-foreign-architectures | grep -qx arm64 &&
  [ "$(dpkg --print-architecture)" != arm64 ]; then
  "${as_root[@]}" dpkg --add-architecture arm64
fi
echo "setup: installing ${missing[*]}"
"${as_root[@]}" apt-get update -q
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends \
  -o DPkg::Lock::Timeout=600 "${missing[@]}"

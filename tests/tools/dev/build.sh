# build [TARGET...]: setup, then the controller, both runners and the tests; programs end up in build/bin
set -euo pipefail
bash tests/tools/dev/setup.sh

jobs=${GPUSTACK_JOBS:-$(nproc)}
build() {
  local preset=$1
  shift
  cmake --preset "$preset" >"build/$preset-configure.log" 2>&1 || {
    cat "build/$preset-configure.log" >&2
    return 1
  }
  cmake --build "build/$preset" -j "$jobs" "$@"
}

place() {
  install -m 755 "build/$1" "build/bin/$2.new"
  mv "build/bin/$2.new" "build/bin/$2"
}

mkdir -p build/bin
# The runners first: the controller carries them along. This machine's own comes out of the release build.
machine=$(uname -m)
if [ "$machine" = x86_64 ]; then
  build runner-aarch64 --target gpustack-runner
  place runner-aarch64/bin/gpustack-runner gpustack-runner-aarch64
fi
build release --target gpustack-runner
place release/bin/gpustack-runner "gpustack-runner-$machine"
targets=()
for target in "$@"; do targets+=(--target "$target"); done
build release "${targets[@]}"
if [ -x build/release/bin/gpustack ]; then place release/bin/gpustack gpustack; fi

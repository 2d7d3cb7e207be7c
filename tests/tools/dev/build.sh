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

mkdir -p build/bin
# The runners first: the controller carries them along.
for architecture in aarch64 x86_64; do
  build "runner-$architecture" --target gpustack-runner
  install -m 755 "build/runner-$architecture/bin/gpustack-runner" "build/bin/gpustack-runner-$architecture.new"
  mv "build/bin/gpustack-runner-$architecture.new" "build/bin/gpustack-runner-$architecture"
done
targets=()
for target in "$@"; do targets+=(--target "$target"); done
build release "${targets[@]}"
if [ -x build/release/bin/gpustack ]; then
  install -m 755 build/release/bin/gpustack build/bin/gpustack.new
  mv build/bin/gpustack.new build/bin/gpustack
fi

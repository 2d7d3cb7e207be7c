# test [quick|all|asan|vm|unit NAME]: build, run the tests (asan: with sanitizers, the runner on hosts too; vm: on a booted aarch64 machine), print the totals
set -euo pipefail

kind=${1:-all}
preset=release
filter=()
case $kind in
  all) ;;
  quick) filter=(-L 'unit|golden|layers|lint') ;;
  asan)
    preset=asan
    # All but the tests of what is shipped: the documents' commands and the installation.
    filter=(-LE examples -E '^install_functional$')
    ;;
  vm) filter=(-C vm -L '^vm$') ;;
  unit)
    [ $# -eq 2 ] || { echo "usage: ./dev test unit NAME   (a test program, e.g. sdk_test)" >&2; exit 5; }
    filter=(-R "^$2\$")
    ;;
  *)
    echo "dev test: expected quick, all, asan, vm or unit NAME, found '$kind'" >&2
    exit 5
    ;;
esac

jobs=${GPUSTACK_JOBS:-$(nproc)}
if [ "$preset" = release ]; then
  bash tests/tools/dev/build.sh
else
  bash tests/tools/dev/setup.sh
  cmake --preset "$preset" >/dev/null
  cmake --build "build/$preset" -j "$jobs"
  # Test hosts get the runner of this build; without the debug information it is small enough to be sent.
  strip -g -o "build/$preset/bin/gpustack-runner-$(uname -m)" "build/$preset/bin/gpustack-runner"
fi

results=build/$preset/test-results
rm -rf "$results"
mkdir -p "$results"
status=0
(cd "build/$preset" && ctest -j "$jobs" --output-on-failure --output-junit "$PWD/ctest.xml" "${filter[@]}") || status=$?
/usr/bin/python3 tests/tools/dev/totals.py "$results" "build/$preset/ctest.xml" || status=1
exit $status

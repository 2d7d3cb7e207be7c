# fuzz [TARGET|all [SECONDS]]: give yaml, jinja, inventory, vault or wire random inputs, 600 seconds each unless told
set -euo pipefail

targets=(yaml jinja inventory vault wire)
chosen=${1:-all}
seconds=${2:-600}
if [ "$chosen" != all ]; then
  [[ " ${targets[*]} " == *" $chosen "* ]] || { echo "dev fuzz: expected ${targets[*]} or all, found '$chosen'" >&2; exit 5; }
  targets=("$chosen")
fi
bash tests/tools/dev/setup.sh
# clang-tidy brings the compiler along, under a name with its version where the package clang is not there.
compiler=$(compgen -c clang++ | sort | head -1)
[ -n "$compiler" ] || { echo "dev fuzz: clang++ is missing: apt-get install clang libclang-rt-dev" >&2; exit 1; }
cmake --preset fuzz -DCMAKE_CXX_COMPILER="$compiler" >/dev/null
cmake --build build/fuzz -j "${GPUSTACK_JOBS:-$(nproc)}" --target "${targets[@]/%/_fuzz}"

# What is found stands in build/fuzz/found; the corpus of the repository is read, not written.
fuzz() {
  local name=$1
  mkdir -p "build/fuzz/corpus/$name" build/fuzz/found
  "build/fuzz/bin/${name}_fuzz" -max_total_time="$seconds" -timeout=20 -rss_limit_mb=3000 -max_len=4096 -print_final_stats=1 \
    -artifact_prefix="build/fuzz/found/$name-" "build/fuzz/corpus/$name" "tests/fuzz/corpus/$name" >"build/fuzz/$name.log" 2>&1 || {
    echo "fuzz: $name has a finding, see build/fuzz/$name.log" >&2
    tail -30 "build/fuzz/$name.log" >&2
    return 1
  }
  echo "fuzz: $name: no finding in $seconds s, $(sed -n 's/^stat::number_of_executed_units: *//p' "build/fuzz/$name.log") inputs"
}
export -f fuzz
export seconds
printf '%s\n' "${targets[@]}" | xargs -P "${GPUSTACK_JOBS:-$(nproc)}" -I{} bash -c 'fuzz {}'

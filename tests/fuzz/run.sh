#!/usr/bin/env bash
# Builds the fuzz targets and runs each for some seconds; fails at the first panic, input that takes too long, or memory
# beyond the limit. Needs a C++ compiler (libFuzzer comes as source) and works with the stable toolchain.
#   tests/fuzz/run.sh [SECONDS] [--json FILE] [TARGET…]
# What a failure leaves in target/artifacts/TARGET/ is replayed by target/…/release/TARGET FILE. What a run found new to
# try stays in target/corpus/TARGET/, from where the next one goes on.
# A cold build takes 7 to 8 minutes of processor time, which was 9 minutes on two cores that others used as well
# (rustc 1.95). Three of them are for flex-copy and the SDK below it; optimised, aws-sdk-s3 alone would take as long.
set -euo pipefail
cd "$(dirname "$0")"

seconds=10 json="" targets=()
while [ $# -gt 0 ]; do
  case "$1" in
    --json) json=$2; shift ;;
    [0-9]*) seconds=$1 ;;
    *) targets+=("$1") ;;
  esac
  shift
done
[ ${#targets[@]} -gt 0 ] || for file in targets/*.rs; do targets+=("$(basename "$file" .rs)"); done

# The coverage that cargo-fuzz asks for, which rustc can do without being a nightly. With --target it is for the targets
# alone, not for build scripts.
host=$(rustc -vV | sed -n 's/^host: //p')
flags="-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 -Cllvm-args=-sanitizer-coverage-inline-8bit-counters"
flags+=" -Cllvm-args=-sanitizer-coverage-pc-table -Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=1"
out=${CARGO_TARGET_DIR:-target}
mkdir -p "$out"
out=$(cd "$out" && pwd)
RUSTFLAGS="$flags" cargo build --release --locked --target "$host" --target-dir "$out" "${targets[@]/#/--bin=}"

results=()
for target in "${targets[@]}"; do
  mkdir -p "$out/corpus/$target" "$out/artifacts/$target"
  log="$out/$target.log"
  # The corpus found before, then the seeds; what is new goes into the first.
  if ! "$out/$host/release/$target" "$out/corpus/$target" "seeds/$target" -max_total_time="$seconds" -timeout=25 \
    -rss_limit_mb=2048 -max_len=8192 -print_final_stats=1 -artifact_prefix="$out/artifacts/$target/" >"$log" 2>&1; then
    tail -n 60 "$log" >&2
    printf 'fuzz target %s failed; %s has the input\n' "$target" "$out/artifacts/$target" >&2
    exit 1
  fi
  executions=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
  edges=$(grep -ao 'cov: [0-9]*' "$log" | tail -n 1 | cut -d' ' -f2)
  printf '%-16s %12s executions in %s s, %s edges\n' "$target" "$executions" "$seconds" "$edges"
  results+=("{\"target\":\"$target\",\"executions\":$executions,\"seconds\":$seconds,\"edges\":$edges}")
done
if [ -n "$json" ]; then
  (IFS=,; printf '[%s]\n' "${results[*]}") >"$json"
fi

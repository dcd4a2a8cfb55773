#!/bin/sh
# run.sh - fuzzes every target from the golden messages and the corpus; prints what each reached.
#
#   ./run.sh [SECONDS] [TARGET...]    SECONDS for each target (30); all targets where none is named
#
# Afterwards corpus/ holds as few inputs as reach the same edges. Fails on the first target that
# found something; the input is in artifacts/.
set -eu
cd "$(dirname "$0")/.."
seconds=${1:-30}
[ $# -eq 0 ] || shift
export RUSTC_BOOTSTRAP=1 # the sanitizer's flag is unstable; with this a stable toolchain takes it

cargo run --quiet --manifest-path fuzz/Cargo.toml --example seed
cargo fuzz build --features service
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
export TMPDIR=$scratch # for the folders of a service
[ $# -gt 0 ] || set -- $(cargo fuzz list)
for target; do
    corpus=fuzz/corpus/$target log=$scratch/log few=$scratch/few
    limits='-max_len=16384 -timeout=5 -malloc_limit_mb=32'
    # An input is a sequence of actions, after which the service has 20 s to be as it was. Its
    # threads go on between inputs, so that what is leaked cannot be told.
    [ "$target" != service ] || limits='-max_len=512 -timeout=60 -malloc_limit_mb=128 -detect_leaks=0'
    mkdir -p "$corpus"
    if ! cargo fuzz run --features service "$target" -- -max_total_time="$seconds" $limits \
        -rss_limit_mb=1024 -print_final_stats=1 >"$log" 2>&1; then
        tail -n 60 "$log"
        exit 1
    fi
    reached=$(grep -o 'cov: [0-9]* ft: [0-9]*' "$log" | tail -n 1)
    executed=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
    mkdir "$few"
    cargo fuzz run --features service "$target" "$few" "$corpus" -- -set_cover_merge=1 -use_counters=0 \
        $limits >"$log" 2>&1
    rm -r "$corpus"
    mv "$few" "$corpus"
    kept=$(find "$corpus" -type f | wc -l)
    echo "$target: $executed executions, $reached, corpus of $kept"
done

#!/bin/sh
# run.sh - fuzzes every target from the golden messages and the corpus; prints what each reached.
#
#   ./run.sh [SECONDS] [TARGET...]    SECONDS for each target (30); all targets where none is named
#
# FUZZ_JOBS  so many targets at the same time (1)
#
# Afterwards corpus/ holds as few inputs as reach the same edges. Fails when a target found
# something; the input is in artifacts/.
set -eu
self=$(realpath "$0")
cd "$(dirname "$self")/.."
export RUSTC_BOOTSTRAP=1 # the sanitizer's flag is unstable; with this a stable toolchain takes it

# features TARGET...: what the targets need; without the whole service they are built in seconds.
features() {
    for target; do
        [ "$target" != service ] || echo '--features service'
    done
}

# fuzz SECONDS TARGET
fuzz() {
    seconds=$1 target=$2
    features=$(features "$target")
    scratch=$(mktemp -d)
    trap 'rm -rf "$scratch"' EXIT
    export TMPDIR=$scratch # for the folders of a service
    corpus=fuzz/corpus/$target log=$scratch/log few=$scratch/few
    limits='-max_len=16384 -timeout=5 -malloc_limit_mb=32'
    # An input is a sequence of actions, after which the service has 20 s to be as it was. Its
    # threads go on between inputs, so that what is leaked cannot be told.
    [ "$target" != service ] || limits='-max_len=512 -timeout=60 -malloc_limit_mb=128 -detect_leaks=0'
    mkdir -p "$corpus"
    if ! cargo fuzz run $features "$target" -- -max_total_time="$seconds" $limits \
        -rss_limit_mb=1024 -print_final_stats=1 >"$log" 2>&1; then
        tail -n 60 "$log"
        exit 1
    fi
    reached=$(grep -o 'cov: [0-9]* ft: [0-9]*' "$log" | tail -n 1)
    executed=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
    mkdir "$few"
    cargo fuzz run $features "$target" "$few" "$corpus" -- -set_cover_merge=1 -use_counters=0 \
        $limits >"$log" 2>&1
    rm -r "$corpus"
    mv "$few" "$corpus"
    kept=$(find "$corpus" -type f | wc -l)
    echo "$target: $executed executions in $seconds s, $reached, corpus of $kept"
}

if [ "${1:-}" = --one ]; then
    fuzz "$2" "$3"
    exit
fi
seconds=${1:-30}
[ $# -eq 0 ] || shift
[ $# -gt 0 ] || set -- $(cargo fuzz list)
cargo run --quiet --manifest-path fuzz/Cargo.toml --example seed
cargo fuzz build $(features "$@" | head -n 1)
printf '%s\n' "$@" | xargs -P "${FUZZ_JOBS:-1}" -n 1 "$self" --one "$seconds"

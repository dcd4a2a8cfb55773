#!/usr/bin/env bash
#
# soak.sh - the long runs: random faults on every camera, then readers that come and go until the
#           time is over. Prints a table and the figures at the end.
#
#   tests/soak.sh                 all of it
#   tests/soak.sh RUN...          only these: shim, vivid, uvc, readers
#
# SOAK_SECONDS  how long all of it takes, at least (7200); the readers have what the faults leave,
#               60 s or more
# FAULTS_SEEDS  the seeds ("1 2 3"), each of which is played on every camera
# FAULTS_STEPS  faults for each seed and camera (500)
#
# The pretended camera (shim) is here, vivid and uvc are in a guest (tests/run-suites.sh). Logs are in
# target/soak. A run that fails does not stop the others. Exit status 0 when all passed.

set -uo pipefail
cd "$(dirname "$0")/.." || exit 1

case ${1:-} in -h|--help) sed -n '3,/^$/{s/^# \{0,1\}//;p}' "$0"; exit 0 ;; esac
runs=("$@")
[ ${#runs[@]} -gt 0 ] || runs=(shim vivid uvc readers)
for run in "${runs[@]}"; do
  case $run in shim|vivid|uvc|readers) ;; *) echo "soak: there is no run $run" >&2; exit 2 ;; esac
done
seconds=${SOAK_SECONDS:-7200}
read -ra seeds <<<"${FAULTS_SEEDS:-1 2 3}"
export FAULTS_STEPS=${FAULTS_STEPS:-500}
# Seconds for a run in the guest: some 1.5 for each fault, and as much again for a slow machine.
export GUEST_TIMEOUT=${GUEST_TIMEOUT:-$((FAULTS_STEPS * 3 + 300))}

logs=${CARGO_TARGET_DIR:-target}/soak
rm -rf "$logs"; mkdir -p "$logs"
began=$EPOCHSECONDS rows=() failed=0

# run NAME COMMAND...: runs, times and notes it; its output goes to a log
run() {
  local name=$1 start=$EPOCHSECONDS status=0 result=passed; shift
  printf '%s …\n' "$name"
  "$@" >"$logs/$name.log" 2>&1 || status=$?
  if [ $status != 0 ]; then
    failed=1 result="FAILED ($status)"
    tail -n 40 "$logs/$name.log"
  fi
  rows+=("$(printf '%-20s %6s s  %s' "$name" $((EPOCHSECONDS - start)) "$result")")
}

# faults WHERE: every seed on one camera
faults() {
  local seed
  for seed in "${seeds[@]}"; do
    export FAULTS_SEED=$seed
    case $1 in
      shim) run "shim-$seed" cargo test --package tests --test faults -- --nocapture ;;
      *) run "$1-$seed" tests/run-suites.sh "faults_$1" -- --nocapture ;;
    esac
  done
}

cargo build --workspace --bins || exit
for what in "${runs[@]}"; do
  if [ "$what" = readers ]; then
    left=$((seconds - (EPOCHSECONDS - began)))
    [ $left -ge 60 ] || left=60
    run readers env SOAK_SECONDS=$left cargo test --package tests --test soak -- --nocapture
  else
    faults "$what"
  fi
done

printf '\n%-20s %8s\n' run time
printf '%s\n' "${rows[@]}"
printf '\n'
grep -hE -A4 '^faults on ' "$logs"/*.log | grep -v '^--$'
grep -hE '^(fresh|round|idle|        at most) ' "$logs/readers.log" 2>/dev/null
exit $failed

#!/usr/bin/env bash
#
# run-suites.sh - all tests of the project, each suite timed, a table at the end.
#
#   tests/run-suites.sh                     everything: lint, fast, and each suite in the guest
#   tests/run-suites.sh SUITE...            only these: lint, fast, vivid, uvc, loopback, or one target
#                                           such as device_vivid (tests/tests/device_vivid.rs)
#   tests/run-suites.sh SUITE... -- ARG...  ARG... goes to the test programs: a name, --nocapture
#
# lint   formatting, clippy, licences (make lint)
# fast   cargo test --workspace: no camera needed
# vivid  tests/tests/*_vivid.rs, each in a guest of its own with two cameras of the kernel's vivid
#        driver (tests/vm/vm-camera.sh)
# uvc    tests/tests/*_uvc.rs, likewise with a USB webcam (tests/vm/uvcsim; its commands go to
#        /run/uvcsim, its frames lie in /frames)
# loopback  tests/tests/*_loopback.rs, likewise with vivid's cameras, ffmpeg, and three devices of
#        Debian's v4l2loopback: /dev/video10 to 12, of which the first has exclusive_caps=1
#
# In the guest the service's binary is at $CAMERA_SERVICE_BIN, tests run as root, one at a time.
# Builds are those of the dev profile, stripped. GUEST_TIMEOUT (default 900) is the most seconds
# that a suite in the guest may take, boot included. FAULTS_SEED and FAULTS_STEPS reach it too
# (tests/src/faults).
#
# A suite that fails does not stop the others. Exit status 0 when all passed.

set -uo pipefail
cd "$(dirname "$0")/.." || exit 1

rows=() failed=0 args=() wanted=()
while [ $# -gt 0 ]; do
  case $1 in
    --) shift; args=("$@"); break ;;
    -h|--help) sed -n '3,/^$/{s/^# \{0,1\}//;p}' "$0"; exit 0 ;;
    *) wanted+=("$1"); shift ;;
  esac
done

# is NAME...: whether one of these names was asked for
is() {
  local name want
  [ ${#wanted[@]} -gt 0 ] || return 0
  for name; do for want in "${wanted[@]}"; do [ "$name" != "$want" ] || return 0; done; done
  return 1
}

# suite NAME COMMAND...: runs and times it
suite() {
  local name=$1 start=$EPOCHREALTIME status=0; shift
  printf '\n=== %s\n' "$name"
  "$@" || status=$?
  local seconds; seconds=$(awk -v a="$start" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.1f", b - a }')
  if [ $status = 0 ]; then rows+=("$(printf '%-24s %8s s  passed' "$name" "$seconds")")
  else
    failed=1
    rows+=("$(printf '%-24s %8s s  FAILED (%s)' "$name" "$seconds" "$status")")
  fi
  return $status
}

target_dir=$(realpath -m "${CARGO_TARGET_DIR:-target}")
guest_dir=$target_dir/guest

# Builds what goes into the guest, once. Leaves "name path" of each test program in
# $guest_dir/list and the stripped programs beside it.
build_guest() {
  rm -rf "$guest_dir"; mkdir -p "$guest_dir"
  cargo build --workspace --bins --message-format short &&
  cargo test --workspace --features tests/vm --test '*_vivid' --test '*_uvc' --test '*_loopback' --no-run \
    --message-format json-render-diagnostics >"$guest_dir/messages" || return
  strip -o "$guest_dir/camera-service" "$target_dir/debug/camera-service" || return
  sed -n 's/.*"kind":\["test"\].*"name":"\([a-z0-9_]*_\(vivid\|uvc\|loopback\)\)".*"executable":"\([^"]*\)".*/\1 \3/p' \
    "$guest_dir/messages" >"$guest_dir/list"
  local name path
  while read -r name path; do strip -o "$guest_dir/$name" "$path" || return; done <"$guest_dir/list"
  [ -s "$guest_dir/list" ] || { echo 'run-suites: cargo named no test program' >&2; return 1; }
  if grep -q '_uvc ' "$guest_dir/list"; then
    cargo build --release --manifest-path tests/vm/uvcsim/Cargo.toml --locked \
      --target-dir "$target_dir/uvcsim"
  fi
}

# in_guest NAME: runs one test program there
in_guest() {
  local name=$1 options=()
  case $name in
    *_uvc) options=(--no-vivid --uvc --setup tests/vm/setup-uvc.sh
                    --extra "$target_dir/uvcsim/release/uvcsim:/bin/uvcsim"
                    --extra tests/vm/uvcsim/frames:/frames) ;;
    *_loopback) options=(--loopback 'max_buffers=8 video_nr=10,11,12 exclusive_caps=1,0,0 card_label=One,Two,Three'
                         --extra "$(command -v ffmpeg):/bin/ffmpeg") ;;
  esac
  tests/vm/vm-camera.sh run -v --timeout "${GUEST_TIMEOUT:-900}" "${options[@]}" \
    --extra "$guest_dir/camera-service:/bin/camera-service" \
    --env CAMERA_SERVICE_BIN=/bin/camera-service --env RUST_BACKTRACE=1 \
    ${FAULTS_SEED:+--env "FAULTS_SEED=$FAULTS_SEED"} ${FAULTS_STEPS:+--env "FAULTS_STEPS=$FAULTS_STEPS"} \
    "$guest_dir/$name" --test-threads=1 "${args[@]}"
}

targets=()
for file in tests/tests/*_vivid.rs tests/tests/*_uvc.rs tests/tests/*_loopback.rs; do
  name=$(basename "$file" .rs)
  ! is "$name" "${name##*_}" || targets+=("$name")
done
known=" lint fast vivid uvc loopback ${targets[*]} "
for want in "${wanted[@]}"; do
  case $known in *" $want "*) ;; *) echo "run-suites: there is no suite $want" >&2; exit 2 ;; esac
done

! is lint || suite lint make --no-print-directory lint
# The programs first: tests run them, and would each have to see to it that they are built.
fast() { cargo build --workspace --bins && cargo test --workspace -- "${args[@]}"; }
! is fast || suite fast fast
if [ ${#targets[@]} -gt 0 ]; then
  if suite 'build for the guest' build_guest; then
    for name in "${targets[@]}"; do suite "$name" in_guest "$name"; done
  fi
fi

printf '\n%-24s %10s\n' suite time
printf '%s\n' "${rows[@]}"
exit $failed

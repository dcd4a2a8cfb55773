#!/usr/bin/env bash
#
# run.sh - the tests as Windows programs under Wine, each suite timed, a table at the end.
#
#   tests/windows/run.sh                     all of them
#   tests/windows/run.sh SUITE...            only these: unit, one target of tests/tests such as
#                                            streams, or gui_wine
#   tests/windows/run.sh SUITE... -- ARG...  ARG... goes to the test programs: a name, --nocapture
#
# unit      the unit tests of protocol, camera-service and the harness
# streams, publish, publish_bad, bad_input, settings, windows, windows_denied
#           the end-to-end tests that need no Linux, with the real service and command line
# *_wine    tests that run here and drive the Windows programs from outside: the window's pixels
#
# win-check.sh, beside this, has the compiler and Wine, and is the manual of both. Needs what that
# needs: root, and 5 GB where it was never run before. docs/windows.md says what Wine cannot show.
#
# A suite that fails does not stop the others. Exit status 0 when all passed.

set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1

e2e=(streams publish publish_bad bad_input settings windows windows_denied)
rows=() failed=0 args=() wanted=()
while [ $# -gt 0 ]; do
  case $1 in
    --) shift; args=("$@"); break ;;
    -h|--help) sed -n '3,/^$/{s/^# \{0,1\}//;p}' "$0"; exit 0 ;;
    *) wanted+=("$1"); shift ;;
  esac
done

wine=()
for file in tests/tests/*_wine.rs; do [ ! -e "$file" ] || wine+=("$(basename "$file" .rs)"); done
known=" unit ${e2e[*]} ${wine[*]} "
for want in "${wanted[@]}"; do
  case $known in *" $want "*) ;; *) echo "run.sh: there is no suite $want" >&2; exit 2 ;; esac
done

# is NAME: whether this suite was asked for
is() {
  local want
  [ ${#wanted[@]} -gt 0 ] || return 0
  for want in "${wanted[@]}"; do [ "$1" != "$want" ] || return 0; done
  return 1
}

# suite NAME COMMAND...: runs and times it
suite() {
  local name=$1 start=$EPOCHREALTIME status=0 seconds; shift
  printf '\n=== %s\n' "$name"
  "$@" || status=$?
  seconds=$(awk -v a="$start" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.1f", b - a }')
  if [ $status = 0 ]; then rows+=("$(printf '%-24s %8s s  passed' "$name" "$seconds")")
  else
    failed=1
    rows+=("$(printf '%-24s %8s s  FAILED (%s)' "$name" "$seconds" "$status")")
  fi
  return $status
}

check=tests/windows/win-check.sh
made=$(realpath -m "${WINX_TARGET:-${CARGO_TARGET_DIR:-target}/windows}")/x86_64-pc-windows-gnu/debug

# under_wine EXE: a test program to its end. Few at a time: Wine's server has one thread for all.
under_wine() {
  local program
  # A program that was started in one folder and runs in another must be named in full.
  program='Z:'${made//\//\\}'\camera-service.exe'
  CAMERA_SERVICE_BIN=$program RUST_BACKTRACE=1 "$check" run -t "${WINE_TIMEOUT:-600}" "$1" --test-threads=2 "${args[@]}" </dev/null
}

# built WHAT COMMAND...: the test programs that a build made, as "name path", go to the list
list=$(mktemp); trap 'rm -f "$list"' EXIT
built() {
  local exe name
  "$@" >"$list.new" || return
  while read -r exe; do
    name=$(basename "$exe" .exe)
    # Test programs end in a hash of their build; the service is none.
    [ "$name" = camera-service ] || printf '%s %s\n' "${name%-*}" "$exe"
  done <"$list.new" >>"$list"
  rm -f "$list.new"
}

# The programs and the tests in one go: each package then has the same features as every other time.
programs() {
  local targets=() name exe
  for name in "${e2e[@]}"; do ! is "$name" || targets+=(--test "$name"); done
  : >"$list"
  CARGO_BUILD_WARNINGS=deny built "$check" build . camera-service --package tests --bins "${targets[@]}" || return
  is gui_wine || return 0
  CARGO_BUILD_WARNINGS=deny "$check" build . control-gui --bins >/dev/null
}
suite 'build the programs' programs || { printf '%s\n' "${rows[@]}"; exit 1; }
while read -r name exe; do
  ! is "$name" || suite "$name" under_wine "$exe"
done <"$list"

# With the harness, whose own tests come along: packages have the same features as above only so.
! is unit || suite unit "$check" test . protocol --package camera-service --package tests --lib --features protocol/client \
  -- --test-threads=2 "${args[@]}"

targets=()
for name in "${wine[@]}"; do ! is "$name" || targets+=(--test "$name"); done
if [ ${#targets[@]} -gt 0 ]; then
  suite "${targets[*]//--test /}" env WINDOWS_PROGRAMS="$made" \
    cargo test --package tests --features tests/wine "${targets[@]}" -- --test-threads=1 "${args[@]}"
fi

printf '\n%-24s %10s\n' suite time
printf '%s\n' "${rows[@]}"
exit $failed

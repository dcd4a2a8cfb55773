#!/usr/bin/env bash
#
# run.sh - starts the service with the cameras of this machine, or a test camera where there is
# none, says how to watch, and stays until Ctrl-C. `make run` builds first.
#
#   scripts/run.sh BINARY [ARG for serve]...

set -euo pipefail
binary=$1; shift

show() {
  local id=$1
  cat <<EOF

camera-service is running with $id. In another terminal:

  $binary stream $id --format jpeg -o - | ffplay -loglevel error -f mjpeg -     watch it
  $binary snapshot $id -o picture.jpg                                           take a picture
  $binary controls $id                                                          brightness and so on
  $binary check $id --seconds 5                                                 rate, latency, whole frames
  $binary list                                                                  all cameras

Ctrl-C ends it.
EOF
}

gui=$(dirname "$binary")/control-gui
# Whether a window can be opened.
has_display() { [ -x "$gui" ] && [ -n "${DISPLAY:-}${WAYLAND_DISPLAY:-}" ]; }

# The id of the first camera; nothing where there is none.
first_camera() {
  "$binary" list --json | grep -o '"id": *"[^"]*"' | head -n 1 | cut -d'"' -f4 || true
}

service=
# Ctrl-C reaches the service as well, which ends by itself; any other end of this script ends it.
trap '[ -z "$service" ] || { kill -TERM "$service" 2>/dev/null || true; wait "$service" || true; }' EXIT
trap 'exit 0' INT TERM

# start ARG...: returns once the service answers
start() {
  "$binary" serve "$@" &
  service=$!
  for _ in $(seq 100); do
    if "$binary" status >/dev/null 2>&1; then return 0; fi
    if ! kill -0 "$service" 2>/dev/null; then
      local status=0
      wait "$service" || status=$?
      service=
      exit "$status"
    fi
    sleep 0.1
  done
  echo 'The service does not answer; see what it said above.' >&2
  exit 1
}

if "$binary" status >/dev/null 2>&1; then
  id=$(first_camera)
  echo 'A camera-service is running already.'
  if has_display; then exec "$gui"; fi
  [ -z "$id" ] || show "$id"
  exit 3
fi

start "$@"
id=$(first_camera)
if [ -z "$id" ]; then
  echo 'No camera was found: starting with a test camera.'
  "$binary" shutdown >/dev/null
  wait "$service" || true
  start "$@" --test-camera
  id=$(first_camera)
fi
show "$id"
# Its window may be closed and opened again; the service stays.
if has_display; then "$gui" ${id:+--camera "$id"} & fi
wait "$service"

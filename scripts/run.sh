#!/usr/bin/env bash
#
# run.sh - starts the service with the cameras of this machine, or a test camera where there is
# none, says how to watch, and stays until Ctrl-C. Opens its window; where there is no display it
# starts the bridge, for this machine alone, and says where its page is. `make run` builds first.
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
bridge=
said=$(mktemp)
# Ctrl-C reaches them as well, and they end by themselves; any other end of this script ends them.
stop() {
  local process
  for process in $bridge $service; do
    kill -TERM "$process" 2>/dev/null || true
    wait "$process" || true
  done
  rm -f "$said"
}
trap stop EXIT
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

# The address of the bridge's page, from what the file says.
page_address() { grep -om 1 'https\?://[^ ]*' "$said"; }

# Starts the bridge unless the service runs it, and says how to come to its page.
show_page() {
  local url port
  "$binary" bridge status >"$said" || true
  if ! page_address >/dev/null; then
    "$binary" bridge --log warn >"$said" &
    bridge=$!
    for _ in $(seq 50); do
      if page_address >/dev/null || ! kill -0 "$bridge" 2>/dev/null; then break; fi
      sleep 0.1
    done
  fi
  url=$(page_address) || {
    echo 'There is no display, and the bridge, whose page shows cameras too, did not start: see above.'
    return
  }
  port=${url##*:}; port=${port%%/*}
  cat <<EOF
There is no display for a window. In a browser:

  $url

From another machine, first:  ssh -L $port:127.0.0.1:$port ${USER:-root}@$(hostname)
It asks for a token, which this makes:

  $binary token add me --scope watch,control --expires 12h

EOF
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
if has_display; then "$gui" ${id:+--camera "$id"} & else show_page; fi
wait "$service"

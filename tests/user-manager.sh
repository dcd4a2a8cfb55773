#!/usr/bin/env bash
#
# user-manager.sh - runs a program beside a real `systemd --user`, on machines where none runs.
#
#   tests/user-manager.sh [--uid N] [--logind] FOLDER PROGRAM [ARG...]
#
# The manager has mounts and control groups of its own, HOME and all XDG folders below FOLDER, and is
# that of root or of the user N. PROGRAM runs as that user with the same folders, and so can any
# other program that is given them: `systemctl --user` finds it by XDG_RUNTIME_DIR=FOLDER/run. When
# PROGRAM ends, the manager and all that it runs end too. Needs root. Exit status: PROGRAM's; 77
# where there can be no manager, and why on stderr. The manager's log: FOLDER/manager.log
#
# --logind adds a system bus with systemd-logind, which has polkit say who may do what. It remembers
# nothing, is in the same mounts only (FOLDER/pid is a process of them), and logs to FOLDER/logind.log

set -euo pipefail

skip() { echo "user-manager: $*" >&2; exit 77; }

if [ "${1:-}" != --inside ]; then
  [ "$(id -u)" = 0 ] || skip 'only root can make namespaces for it'
  for program in unshare setpriv systemctl /lib/systemd/systemd; do
    command -v "$program" >/dev/null || skip "there is no $program"
  done
  # Version 2 of control groups is mounted anew inside, so one of it is made here and entered.
  groups=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)
  [ -n "$groups" ] || skip 'there is no cgroup2 file system'
  group=$groups/user-manager-$$
  mkdir "$group" 2>/dev/null || skip "no control group can be made in $groups"
  trap 'echo 1 >"$group/cgroup.kill"
        for _ in $(seq 50); do
          find "$group" -depth -type d -exec rmdir {} + 2>/dev/null || true
          [ -e "$group" ] || break
          sleep 0.1
        done' EXIT
  status=0
  (echo $BASHPID >"$group/cgroup.procs" || exit 77
   exec unshare --mount --cgroup --propagation private "$0" --inside "$@") || status=$?
  exit $status
fi

shift
uid=0 logind=
if [ "$1" = --uid ]; then uid=$2; shift 2; fi
if [ "$1" = --logind ]; then logind=1; shift; fi
folder=$1; shift
mount -t cgroup2 cgroup2 /sys/fs/cgroup || skip 'control groups cannot be mounted'
# It looks here for whether systemd is what the machine runs.
mount -t tmpfs tmpfs /run
mkdir -p /run/systemd/system
export HOME=$folder/home XDG_RUNTIME_DIR=$folder/run XDG_CONFIG_HOME=$folder/config \
       XDG_STATE_HOME=$folder/state XDG_DATA_HOME=$folder/data XDG_CACHE_HOME=$folder/cache
mkdir -p "$HOME" "$XDG_RUNTIME_DIR" "$XDG_CONFIG_HOME" "$XDG_STATE_HOME" "$XDG_DATA_HOME" "$XDG_CACHE_HOME"
chmod 700 "$XDG_RUNTIME_DIR"
as=(setpriv --reuid="$uid" --regid="$uid" --clear-groups)
[ "$uid" = 0 ] && as=(env)
echo $$ >"$folder/pid"
if [ -n "$logind" ]; then
  for program in dbus-daemon /lib/systemd/systemd-logind /usr/lib/polkit-1/polkitd; do
    command -v "$program" >/dev/null || skip "there is no $program"
  done
  mkdir -p /var/lib/systemd /run/dbus
  mount -t tmpfs tmpfs /var/lib/systemd
  dbus-daemon --system --nofork --nopidfile >"$folder/logind.log" 2>&1 &
  for _ in $(seq 100); do [ ! -S /run/dbus/system_bus_socket ] || break; sleep 0.1; done
  /lib/systemd/systemd-logind >>"$folder/logind.log" 2>&1 &
  for _ in $(seq 100); do
    loginctl list-users >/dev/null 2>&1 && break
    kill -0 $! 2>/dev/null || { cat "$folder/logind.log" >&2; skip 'systemd-logind does not start here'; }
    sleep 0.1
  done
  # What polkit grants on every desktop. One that cannot be asked here grants nothing.
  { "${as[@]}" loginctl enable-linger "$uid" && "${as[@]}" loginctl disable-linger "$uid"; } \
    || { cat "$folder/logind.log" >&2; skip 'polkit cannot be asked here'; }
fi
mkdir /sys/fs/cgroup/manager
chown -R "$uid:$uid" "$folder" /sys/fs/cgroup/manager
unset DBUS_SESSION_BUS_ADDRESS CAMERA_SERVICE_SOCKET
(echo $BASHPID >/sys/fs/cgroup/manager/cgroup.procs
 exec "${as[@]}" /lib/systemd/systemd --user --unit=basic.target --log-target=console) >"$folder/manager.log" 2>&1 &
for _ in $(seq 100); do
  "${as[@]}" systemctl --user is-active --quiet basic.target 2>/dev/null && break
  kill -0 $! 2>/dev/null || { cat "$folder/manager.log" >&2; skip 'systemd --user does not start here'; }
  sleep 0.1
done
status=0
"${as[@]}" "$@" || status=$?
exit $status

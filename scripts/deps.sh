#!/usr/bin/env bash
#
# deps.sh - installs what is missing to build or to test, and nothing else.
#
#   scripts/deps.sh build    a C compiler, cmake and nasm (for libjpeg-turbo)
#   scripts/deps.sh test     that, the guest with real drivers (qemu, busybox, v4l2-ctl, …), and a
#                            screen for the GUI (Xvfb, xdotool, software Vulkan and OpenGL), a
#                            browser for the page (Chromium, driven from Node.js), and systemd, whose
#                            user manager and logind (with polkit) the service is installed for
#
# Debian and its derivatives; elsewhere it names what is missing. Rust is not installed, only
# looked for.

set -euo pipefail

say() { printf '%s\n' "$*" >&2; }

# Entries are "command:package"; "-" in place of a command is followed by a file to look for.
wanted=(cc:gcc make:make cmake:cmake nasm:nasm pkg-config:pkg-config -/usr/include/stdio.h:libc6-dev
        -/etc/ssl/certs/ca-certificates.crt:ca-certificates)
case ${1:-build} in
  build) ;;
  test) wanted+=(qemu-system-x86_64:qemu-system-x86 busybox:busybox-static cpio:cpio depmod:kmod
                 xz:xz-utils v4l2-ctl:v4l-utils python3:python3 strip:binutils ffmpeg:ffmpeg
                 curl:curl gst-launch-1.0:gstreamer1.0-tools
                 Xvfb:xvfb xdotool:xdotool openbox:openbox xprop:x11-utils
                 chromium:chromium node:nodejs npm:npm
                 systemd-analyze:systemd setpriv:util-linux unshare:util-linux
                 dbus-daemon:dbus -/usr/lib/polkit-1/polkitd:polkitd)
        # What the GUI loads when it runs, and a GPU made of software.
        lib=/usr/lib/$(uname -m)-linux-gnu
        wanted+=("-$lib/libxkbcommon.so.0:libxkbcommon0"
                 "-$lib/libxkbcommon-x11.so.0:libxkbcommon-x11-0" "-$lib/libXcursor.so.1:libxcursor1"
                 "-$lib/libXi.so.6:libxi6" "-$lib/libX11-xcb.so.1:libx11-xcb1"
                 "-$lib/libEGL.so.1:libegl1" "-$lib/dri/swrast_dri.so:libgl1-mesa-dri"
                 "-$lib/libvulkan.so.1:libvulkan1"
                 "-$lib/libvulkan_lvp.so:mesa-vulkan-drivers")
        # Clients of the bridge that others wrote.
        python=/usr/lib/python3/dist-packages
        wanted+=("-$lib/gstreamer-1.0/libgstsoup.so:gstreamer1.0-plugins-good"
                 "-$python/websockets/__init__.py:python3-websockets"
                 "-$python/prometheus_client/__init__.py:python3-prometheus-client") ;;
  *) sed -n '3,/^$/{s/^# \{0,1\}//;p}' "$0" >&2; exit 2 ;;
esac

missing=()
for entry in "${wanted[@]}"; do
  what=${entry%%:*}
  case $what in
    -*) [ -e "${what#-}" ] && continue ;;
    *) PATH=$PATH:/usr/sbin:/sbin command -v "$what" >/dev/null && continue ;;
  esac
  missing+=("${entry#*:}")
done

if [ ${#missing[@]} -gt 0 ]; then
  if ! command -v apt-get >/dev/null; then
    say "Missing here (by their Debian names): ${missing[*]}"
    say "Install them with this system's package manager, then try again."
    exit 1
  fi
  sudo=()
  if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null || { say "Please install as root: apt-get install ${missing[*]}"; exit 1; }
    sudo=(sudo)
  fi
  say "Installing ${missing[*]}"
  install=("${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq
           -o Dpkg::Use-Pty=0 --no-install-recommends "${missing[@]}")
  # Package lists may be missing or too old; only then are they fetched.
  "${install[@]}" >/dev/null 2>&1 || {
    "${sudo[@]}" apt-get update -qq >/dev/null
    "${install[@]}" >/dev/null
  }
fi

if ! command -v cargo >/dev/null; then
  say 'Rust is missing. Install it from https://rustup.rs, for example:'
  say "  curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh"
  say 'then open a new shell and try again.'
  exit 1
fi
if [ "${1:-build}" = test ]; then
  for part in fmt clippy; do
    cargo "$part" --version >/dev/null 2>&1 && continue
    if command -v rustup >/dev/null; then rustup component add "${part/fmt/rustfmt}"
    else say "cargo $part is missing; install the rustfmt and clippy that belong to this Rust"; exit 1; fi
  done
fi

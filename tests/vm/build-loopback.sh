#!/usr/bin/env bash
#
# build-loopback.sh - builds Debian's v4l2loopback for the kernel that vm-camera.sh boots.
#
#   build-loopback.sh KERNEL FOLDER      leaves FOLDER/v4l2loopback.ko
#
# KERNEL is its name, such as 6.1.0-56-amd64. Downloads Debian's packages v4l2loopback-source,
# linux-headers-KERNEL and what belongs to that, and unpacks them into a temporary folder: nothing
# is installed, and root is not needed. Takes a C compiler, make and libelf1. vm-camera.sh calls
# this once for each kernel and keeps the result.

set -euo pipefail

die() { printf 'build-loopback: %s\n' "$*" >&2; exit 2; }

[ $# = 2 ] || { sed -n '3,/^$/{s/^# \{0,1\}//;p}' "$0" >&2; exit 2; }
kernel=$1 folder=$(realpath -m -- "$2")
flavour=${kernel##*-}                         # amd64
common=linux-headers-${kernel%-"$flavour"}-common
kbuild=linux-kbuild-$(printf '%s' "$kernel" | cut -d. -f1,2)

work=$(mktemp -d "${TMPDIR:-/tmp}/build-loopback.XXXXXX")
trap 'rm -rf -- "$work"' EXIT
mkdir "$work/debs" "$work/root" "$work/module"
(cd "$work/debs" &&
 apt-get download -qq "linux-headers-$kernel" "$common" "$kbuild" v4l2loopback-source 2>"$work/apt.err") ||
  { cat "$work/apt.err" >&2; die "cannot download the packages (apt-get update?)"; }
for deb in "$work"/debs/*.deb; do dpkg-deb -x "$deb" "$work/root"; done
tar -xf "$work"/root/usr/src/v4l2loopback.tar.* -C "$work/module"

# The headers name each other by the places where they would be installed.
headers=$work/root/usr/src/linux-headers-$kernel
sed -i "s|/usr/src/|$work/root/usr/src/|g" "$headers/Makefile"
for link in scripts tools; do
  [ -e "$work/root/usr/lib/$kbuild/$link" ] || continue
  for at in "$headers" "$work/root/usr/src/$common"; do
    rm -rf -- "${at:?}/$link"; ln -s "$work/root/usr/lib/$kbuild/$link" "$at/$link"
  done
done

module=$(dirname "$(find "$work/module" -name v4l2loopback.c -print -quit)")
make -C "$headers" M="$module" modules >"$work/make.log" 2>&1 ||
  { tail -20 "$work/make.log" >&2; die 'the module does not build'; }
mkdir -p "$folder"
strip --strip-debug -o "$work/v4l2loopback.ko" "$module/v4l2loopback.ko"
mv "$work/v4l2loopback.ko" "$folder/v4l2loopback.ko"

#!/usr/bin/env bash
#
# vm-camera.sh - run one program against a real Linux V4L2 camera, on a machine
#                that has no camera and cannot load kernel modules.
#
# It boots an unmodified Debian kernel in qemu-system-x86_64 (plain software
# emulation: no KVM, no root, no /dev/video* on the host), loads the kernel's
# "vivid" virtual video driver in it, runs your program there, copies its stdout
# and stderr out as they appear, and exits with its exit status.
#
#   vm-camera.sh run  [OPTIONS] [--] PROGRAM [ARG...]   run an executable
#   vm-camera.sh sh   [OPTIONS] [--] SCRIPT  [ARG...]   run a /bin/sh script
#   vm-camera.sh prepare                                packages + kernel only
#   vm-camera.sh clean                                  drop the kernel cache
#
# PROGRAM is put into the guest at the path it has here, with the shared
# libraries ldd(1) names for it.  The guest is otherwise only busybox, v4l2-ctl
# and what you add with --extra or --share.
#
# OPTIONS
#   --vivid 'P=V ...'     vivid parameters (default: two webcams, capture only:
#                         "n_devs=2 node_types=0x1,0x1 num_inputs=1,1
#                         input_types=0,0"); --no-vivid loads none
#   --module 'NAME P=V'   load this module too, after vivid (may repeat)
#   --add-module NAME     carry this module, but do not load it: the guest's
#                         script does, with "load NAME P=V ..." (may repeat)
#   --ko 'FILE P=V'       load this module file, built for the guest's kernel, such
#                         as v4l2loopback's (may repeat)
#   --loopback 'P=V ...'  load Debian's v4l2loopback with these parameters, after vivid; it
#                         is built for the guest's kernel, once (build-loopback.sh)
#   --uvc                 load vhci_hcd and uvcvideo: a program that speaks USB/IP
#                         can then plug in a UVC webcam of its own making
#   --setup FILE          run this /bin/sh script in the guest before the program,
#                         in the shell that then becomes the program: start
#                         helpers here, in the background (may repeat)
#   --extra FILE:PATH     put FILE (or a folder) into the guest at PATH; an ELF
#                         file brings its shared libraries (may repeat)
#   --share DIR:PATH[:rw] mount this folder of the host over 9p, read-only unless
#                         :rw (may repeat)
#   --forward HP:GP       127.0.0.1:HP on the host reaches port GP of the guest
#                         (address 10.0.2.15, so listen on 0.0.0.0); the guest
#                         itself can reach nothing outside (may repeat)
#   --env NAME=VALUE      environment of the program (may repeat)
#   --cwd PATH            its working folder in the guest (default /tmp)
#   --timeout SECONDS     for the whole run, boot included (default 300)
#   --mem SIZE            guest memory (default 2G)
#   --smp N               guest CPUs (default 2)
#   --accel tcg|kvm       (default tcg; kvm only where the host has a usable one)
#   --kernel-deb FILE     use these package files in place of the Debian kernel
#                         that apt offers (may repeat)
#   --logs DIR            keep stdout, stderr and the kernel's console here
#   -v, --verbose         say what happens and how long it took, on stderr
#
# The kernel is kept in ~/.cache/camera-service/vm (about 260 MB).
#
# EXIT STATUS
#   the program's own (128+N when signal N ended it); 124 on timeout; 125 when
#   the guest died without a report (the console's end is shown); 2 on bad use.
#
# NEEDS Debian or a derivative, x86_64.  Packages are installed if they are
# missing and this is root (or sudo needs no password); else it says which.

set -euo pipefail

PROG=${0##*/}
CACHE=${XDG_CACHE_HOME:-$HOME/.cache}/camera-service/vm
LAYOUT=1                # bump when what is kept in the cache changes

die()  { printf '%s: %s\n' "$PROG" "$*" >&2; exit 2; }
say()  { [ "$verbose" = 0 ] || printf '%s: %s\n' "$PROG" "$*" >&2; }
now()  { date +%s.%N; }
since() { awk -v a="$1" -v b="${2:-$(now)}" 'BEGIN { printf "%.1f", b - a }'; }
usage() { sed -n '3,/^# NEEDS/{s/^# \{0,1\}//;p}' "$0"; }

# ------------------------------------------------------------------ options

verbose=0 vivid='n_devs=2 node_types=0x1,0x1 num_inputs=1,1 input_types=0,0'
use_vivid=1 timeout=300 mem=2G smp=2 accel=tcg cwd=/tmp logs='' uvc=0 use_loopback=0 loopback=''
modules=() add_modules=() kos=() setups=() extras=() shares=() forwards=() envs=() kernel_debs=()

mode=${1:-}; [ $# -eq 0 ] || shift
case $mode in
  run|sh|prepare|clean) ;;
  -h|--help|help) usage; exit 0 ;;
  *) usage >&2; exit 2 ;;
esac

while [ $# -gt 0 ]; do
  case $1 in --no-vivid|--uvc|-v|--verbose|-h|--help|--) ;;
             --*) [ $# -ge 2 ] || die "$1 needs a value" ;; esac
  case $1 in
    --vivid)      vivid=$2; shift 2 ;;
    --no-vivid)   use_vivid=0; shift ;;
    --module)     modules+=("$2"); shift 2 ;;
    --add-module) add_modules+=("$2"); shift 2 ;;
    --ko)         kos+=("$2"); shift 2 ;;
    --uvc)        uvc=1; shift ;;
    --loopback)   loopback=$2 use_loopback=1; shift 2 ;;
    --setup)      setups+=("$2"); shift 2 ;;
    --extra)      extras+=("$2"); shift 2 ;;
    --share)      shares+=("$2"); shift 2 ;;
    --forward)    forwards+=("$2"); shift 2 ;;
    --env)        envs+=("$2"); shift 2 ;;
    --cwd)        cwd=$2; shift 2 ;;
    --timeout)    timeout=$2; shift 2 ;;
    --mem)        mem=$2; shift 2 ;;
    --smp)        smp=$2; shift 2 ;;
    --accel)      accel=$2; shift 2 ;;
    --kernel-deb) kernel_debs+=("$2"); shift 2 ;;
    --logs)       logs=$2; shift 2 ;;
    -v|--verbose) verbose=1; shift ;;
    -h|--help)    usage; exit 0 ;;
    --)           shift; break ;;
    -*)           die "unknown option $1 (see --help)" ;;
    *)            break ;;
  esac
done

if [ "$mode" = clean ]; then rm -rf -- "$CACHE"; exit 0; fi

# ------------------------------------------- host packages, kernel, modules

# A machine just made has no package lists: apt knows nothing until they are fetched.
apt_lists() {
  case $(apt-cache policy linux-image-amd64 2>/dev/null) in *'Candidate: '[0-9]*) return 0 ;; esac
  say "fetching apt's package lists"
  "$@" apt-get update -qq >/dev/null
}

# Installs what is missing.  Each entry is "command:package".
need_packages() {
  local missing=() entry
  for entry in qemu-system-x86_64:qemu-system-x86 busybox:busybox-static \
               cpio:cpio depmod:kmod xz:xz-utils v4l2-ctl:v4l-utils; do
    PATH=$PATH:/usr/sbin:/sbin command -v "${entry%%:*}" >/dev/null ||
      missing+=("${entry#*:}")
  done
  # busybox must be the static one: it is the guest's whole user space
  if command -v busybox >/dev/null && ldd "$(command -v busybox)" >/dev/null 2>&1
  then missing+=(busybox-static); fi
  [ ${#missing[@]} -gt 0 ] || return 0
  local sudo=()
  if [ "$(id -u)" != 0 ]; then
    sudo -n true 2>/dev/null ||
      die "please install: ${missing[*]}  (apt-get install --no-install-recommends ...)"
    sudo=(sudo -n)
  fi
  say "installing ${missing[*]}"
  apt_lists "${sudo[@]}"
  local install=("${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq
                 -o Dpkg::Use-Pty=0 --no-install-recommends "${missing[@]}")
  # lists that are too old name files that the mirror no longer has
  "${install[@]}" >/dev/null || { "${sudo[@]}" apt-get update -qq >/dev/null; "${install[@]}" >/dev/null; }
}

# vmlinuz -> the ELF file packed in it.  qemu can start that directly (PVH entry)
# and so skips the guest's own unpacking, half of the boot time when emulated.
# Offsets are those of the x86 boot protocol's header.
unpack_vmlinux() {
  local from=$1 to=$2 setup off len magic
  u() { od -An -t"u$2" -j "$1" -N "$2" "$from" | tr -d ' '; }
  setup=$(u $((0x1f1)) 1) off=$(u $((0x248)) 4) len=$(u $((0x24c)) 4)
  off=$(( (setup + 1) * 512 + off ))
  magic=$(od -An -tx1 -j "$off" -N 4 "$from" | tr -d ' ')
  local tool
  case $magic in
    fd377a58) tool='xz -dc --single-stream' ;;
    28b52ffd) tool='zstd -dc' ;;
    1f8b*)    tool='gzip -dc' ;;
    *)        return 1 ;;
  esac
  # the payload is followed by its size, so the tool may grumble about the tail
  tail -c +$((off + 1)) "$from" | head -c "$len" | $tool >"$to" 2>/dev/null || true
  [ "$(od -An -tx1 -N 4 "$to" | tr -d ' ')" = 7f454c46 ]
}

# Fills $CACHE/<kernel>/ and sets KDIR, KVER, KIMG.
need_kernel() {
  local tag pkg tmp deb
  if [ ${#kernel_debs[@]} -gt 0 ]; then
    tag=files-$(cat -- "${kernel_debs[@]}" | sha256sum | cut -c1-16)
  else
    if [ "$(id -u)" = 0 ]; then apt_lists; fi
    # the plain flavour: Debian's "cloud" one has no media drivers at all
    pkg=$(apt-cache depends --important linux-image-amd64 2>/dev/null |
          awk '/Depends: linux-image-[0-9]/ { print $2; exit }')
    [ -n "$pkg" ] || die "apt knows no linux-image-amd64 (apt-get update? or --kernel-deb)"
    tag=${pkg#linux-image-}_$(apt-cache show "$pkg" | awk '/^Version:/ { print $2; exit }')
    tag=${tag//[^A-Za-z0-9._+~-]/_}
  fi
  KDIR=$CACHE/$tag.$LAYOUT
  if [ ! -e "$KDIR/complete" ]; then
    mkdir -p "$CACHE"
    tmp=$(mktemp -d "$CACHE/.new.XXXXXX")
    TRASH+=("$tmp")
    if [ ${#kernel_debs[@]} -gt 0 ]; then
      for deb in "${kernel_debs[@]}"; do dpkg-deb -x "$deb" "$tmp/x"; done
    else
      say "downloading $pkg"
      (cd "$tmp" && apt-get download -qq "$pkg" 2>"$tmp/apt.err") ||
        { cat "$tmp/apt.err" >&2; die "cannot download $pkg"; }
      dpkg-deb -x "$tmp"/*.deb "$tmp/x"
      rm -f "$tmp"/*.deb
    fi
    # merged-/usr packages have usr/lib/modules
    [ -d "$tmp/x/lib/modules" ] || { mkdir -p "$tmp/x/lib" &&
                                     mv "$tmp/x/usr/lib/modules" "$tmp/x/lib/"; }
    local ver; ver=$(ls "$tmp/x/lib/modules"); ver=${ver%%$'\n'*}
    # most of the 400 MB are drivers that no guest of ours can have a use for
    (cd "$tmp/x/lib/modules/$ver/kernel" &&
     rm -rf drivers/gpu drivers/scsi drivers/infiniband drivers/md drivers/mtd \
            drivers/iio drivers/hwmon drivers/net/ethernet drivers/net/wireless \
            drivers/media/pci drivers/media/dvb-frontends drivers/isdn)
    mkdir "$tmp/k"
    mv "$tmp/x/lib" "$tmp/k/lib"
    mv "$tmp/x/boot/vmlinuz-$ver" "$tmp/k/vmlinuz"
    PATH=$PATH:/usr/sbin:/sbin depmod -b "$tmp/k" "$ver" 2>/dev/null
    unpack_vmlinux "$tmp/k/vmlinuz" "$tmp/k/vmlinux" || rm -f "$tmp/k/vmlinux"
    printf '%s\n' "$ver" >"$tmp/k/complete"
    mv -T "$tmp/k" "$KDIR" 2>/dev/null || [ -e "$KDIR/complete" ] ||
      die "cannot write $KDIR"
  fi
  KVER=$(cat "$KDIR/complete")
  KIMG=$KDIR/vmlinux; [ -e "$KIMG" ] || KIMG=$KDIR/vmlinuz
}

# Builds v4l2loopback where this kernel has none yet, and has it loaded.
need_loopback() {
  local ko=$KDIR/v4l2loopback.ko new
  if [ ! -e "$ko" ]; then
    say 'building v4l2loopback'
    new=$(mktemp -d "$CACHE/.new.XXXXXX")
    TRASH+=("$new")
    "$(dirname "$0")/build-loopback.sh" "$KVER" "$new" || die 'v4l2loopback cannot be had'
    mv "$new/v4l2loopback.ko" "$ko"
  fi
  kos+=("$ko $loopback")
}

# The files that loading module $1 takes, in loading order; none if it is built in.
module_files() {
  PATH=$PATH:/usr/sbin:/sbin modprobe -C /dev/null -d "$KDIR" -S "$KVER" \
    --show-depends "$1" >"$WORK/depends" 2>/dev/null ||
    die "kernel $KVER has no module $1"
  awk '$1 == "insmod" { print $2 }' "$WORK/depends"
}

# ---------------------------------------------------------------- guest image

# the words given, quoted for sh
quote() { local s; for s; do printf " '%s'" "${s//\'/\'\\\'\'}"; done; }

# put FILE GUESTPATH: copies, and brings an ELF file's shared libraries
put() {
  local from=$1 to=$ROOT$2 lib
  mkdir -p "$(dirname "$to")"
  if [ -d "$from" ]; then cp -rL --preserve=mode -- "$from" "$to"; return; fi
  cp -L --preserve=mode -- "$from" "$to"
  while read -r lib; do
    [ -e "$ROOT$lib" ] && continue
    mkdir -p "$ROOT$(dirname "$lib")"
    cp -L --preserve=mode -- "$lib" "$ROOT$lib"
    case $(dirname "$lib") in
      /lib|/lib64|/usr/lib|/usr/lib64|/lib/*-linux-gnu|/usr/lib/*-linux-gnu) ;;
      *) case :$LIBPATH: in *:"$(dirname "$lib")":*) ;;
                            *) LIBPATH=${LIBPATH:+$LIBPATH:}$(dirname "$lib") ;; esac ;;
    esac
  done < <(ldd "$from" 2>/dev/null |
           awk '$2 == "=>" && $3 ~ /^\// { print $3 } $1 ~ /^\// { print $1 }')
}

# carry NAME: puts the module and what it needs into the guest; the order file
# /vmcam/mod/NAME is what "load NAME" follows there
carry() {
  local name=${1//-/_} f ko
  [ -e "$ROOT/vmcam/mod/$name" ] && return 0
  module_files "$1" >"$WORK/mods"
  while read -r f; do
    ko=$(basename "$f"); ko=${ko%%.ko*}.ko
    [ -e "$ROOT/vmcam/ko/$ko" ] ||
      case $f in
        *.xz)  xz -dc "$f" >"$ROOT/vmcam/ko/$ko" ;;
        *.zst) zstd -qdc "$f" >"$ROOT/vmcam/ko/$ko" ;;
        *)     cp -- "$f" "$ROOT/vmcam/ko/$ko" ;;
      esac
    echo "$ko"
  done <"$WORK/mods" >"$ROOT/vmcam/mod/$name"
}

build_root() {
  ROOT=$WORK/root LIBPATH=''
  mkdir -p "$ROOT"/{bin,dev,proc,sys,tmp,run,etc,root,vmcam/ko,vmcam/mod}
  cp -L -- "$(command -v busybox)" "$ROOT/bin/busybox"
  put "$(command -v v4l2-ctl)" /bin/v4l2-ctl
  local e
  for e in "${extras[@]}"; do
    [ -e "${e%%:*}" ] || die "--extra $e: no such file here"
    [ "${e#*:/}" != "$e" ] || die "--extra $e: want FILE:/GUEST/PATH"
    put "${e%%:*}" "${e#*:}"
  done
  printf 'root:x:0:0:root:/root:/bin/sh\ntester:x:1000:1000::/tmp:/bin/sh\n' >"$ROOT/etc/passwd"
  printf 'root:x:0:\nvideo:x:44:\ntester:x:1000:\n' >"$ROOT/etc/group"
  printf '127.0.0.1 localhost vmcam\n' >"$ROOT/etc/hosts"
  printf 'passwd: files\ngroup: files\nhosts: files\n' >"$ROOT/etc/nsswitch.conf"

  # "load NAME [P=V...]": insert a module after what it depends on
  cat >"$ROOT/bin/load" <<'EOF'
#!/bin/sh
name=$(echo "$1" | tr - _); shift
[ -e "/vmcam/mod/$name" ] || { echo "load: $name was not carried" >&2; exit 1; }
while read -r ko; do
  m=$(echo "${ko%%.ko*}" | tr - _)
  [ -d "/sys/module/$m" ] && continue
  if [ "$m" = "$name" ]; then insmod "/vmcam/ko/$ko" "$@" || exit 1
  else insmod "/vmcam/ko/$ko" || exit 1; fi
done <"/vmcam/mod/$name"
EOF
  chmod +x "$ROOT/bin/load"

  # modules that the guest itself needs, then the cameras
  {
    local m n i
    for m in virtio_pci virtio_console; do carry $m; echo "load $m"; done
    if [ ${#shares[@]} -gt 0 ]; then
      for m in 9p 9pnet_virtio; do carry $m; echo "load $m"; done
    fi
    if [ ${#forwards[@]} -gt 0 ]; then carry virtio_net; echo 'load virtio_net'; fi
    if [ $use_vivid = 1 ]; then carry vivid; printf 'load vivid %s\n' "$vivid"; fi
    if [ $uvc = 1 ]; then
      for m in vhci_hcd uvcvideo; do carry $m; echo "load $m"; done
    fi
    for m in "${add_modules[@]}"; do carry "$m"; done
    for m in "${kos[@]}"; do
      i=${m%% *}; n=$(basename "${i%%.ko*}"); n=${n//-/_}
      : >"$ROOT/vmcam/mod/$n"
      for e in $(modinfo -F depends "$i" | tr , ' '); do
        carry "$e"; cat "$ROOT/vmcam/mod/$e" >>"$ROOT/vmcam/mod/$n"
      done
      cp -- "$i" "$ROOT/vmcam/ko/"; basename "$i" >>"$ROOT/vmcam/mod/$n"
      printf 'load %s\n' "$n${m#"$i"}"
    done
    for m in "${modules[@]}"; do n=${m%% *}; carry "$n"; printf 'load %s\n' "$m"; done
  } >"$ROOT/vmcam/modules.sh"

  {
    i=0
    for m in "${shares[@]}"; do
      IFS=: read -r _ n _ <<<"$m"
      printf "mkdir -p%s && mount -t 9p -o trans=virtio,version=9p2000.L,msize=262144 s%s%s || exit 1\n" \
        "$(quote "$n")" "$i" "$(quote "$n")"
      i=$((i + 1))
    done
  } >"$ROOT/vmcam/mounts.sh"

  {
    echo 'export PATH=/bin:/sbin:/usr/bin:/usr/sbin HOME=/root LANG=C.UTF-8'
    [ -z "$LIBPATH" ] || printf 'export%s\n' "$(quote "LD_LIBRARY_PATH=$LIBPATH")"
    for m in "${envs[@]}"; do printf 'export%s\n' "$(quote "$m")"; done
    printf 'cd%s || exit 126\nset --%s\n' "$(quote "$cwd")" "$(quote "${CMD[@]}")"
    for m in "${setups[@]}"; do cat -- "$m"; echo; done
    printf 'exec "$@"\n'
  } >"$ROOT/vmcam/cmd"

  cat >"$ROOT/init" <<'EOF'
#!/bin/busybox sh
/bin/busybox mkdir -p /sbin /usr/bin /usr/sbin
/bin/busybox --install -s /bin
export PATH=/bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mkdir -p /dev/pts /dev/shm
mount -t devpts devpts /dev/pts
mount -t tmpfs -o mode=1777 shm /dev/shm
chmod 1777 /tmp
ln -s /proc/self/fd /dev/fd
hostname vmcam
ip link set lo up

# port NAME: the device of the virtio-serial port of that name, once it is there
port() {
  i=0
  while [ $i -lt 1000 ]; do
    for p in /sys/class/virtio-ports/*; do
      [ "$(cat "$p/name" 2>/dev/null)" = "$1" ] && [ -e "/dev/${p##*/}" ] &&
        { echo "/dev/${p##*/}"; return; }
    done
    usleep 10000; i=$((i + 1))
  done
  echo /dev/console
}

status=125
. /vmcam/modules.sh || echo 'vm-camera: a module did not load'
chmod 666 /dev/video* 2>/dev/null
if [ -e /sys/class/net/eth0 ]; then
  ip addr add 10.0.2.15/24 dev eth0; ip link set eth0 up
fi
out=$(port vmcam.out) err=$(port vmcam.err) ready=$(port vmcam.ready) rep=$(port vmcam.status)
if sh /vmcam/mounts.sh; then
  echo ready >"$ready"
  sh /vmcam/cmd >"$out" 2>"$err" </dev/null
  status=$?
else
  echo 'vm-camera: a shared folder could not be mounted' >"$err"
fi
sync
echo "exit $status" >"$rep"
poweroff -f
EOF
  chmod +x "$ROOT/init"
}

# ----------------------------------------------------------------------- main

TRASH=()
# shellcheck disable=SC2317
cleanup() { local d; for d in "${TRASH[@]}"; do rm -rf -- "$d"; done; }
trap cleanup EXIT

t0=$(now)
need_packages
need_kernel
say "kernel $KVER in $KDIR"
if [ $use_loopback = 1 ]; then need_loopback; fi
[ "$mode" != prepare ] || exit 0
for f in "${setups[@]}"; do [ -r "$f" ] || die "cannot read $f"; done

[ $# -gt 0 ] || die "$mode needs a $([ "$mode" = sh ] && echo script || echo program)"
WORK=$(mktemp -d "${TMPDIR:-/tmp}/vm-camera.XXXXXX")
TRASH+=("$WORK")
if [ "$mode" = sh ]; then
  [ -r "$1" ] || die "cannot read $1"
  extras+=("$1:/vmcam/script"); CMD=(/bin/sh /vmcam/script "${@:2}")
else
  case $1 in
    */*) file=$(realpath -s -- "$1") ;;
    *)   file=$(type -P -- "$1") || die "no program $1"; file=$(realpath -s -- "$file") ;;
  esac
  [ -x "$file" ] || die "$1 is not executable"
  extras+=("$file:$file"); CMD=("$file" "${@:2}")
fi

build_root
(cd "$ROOT" && find . -print0 | cpio -0 -o -H newc --quiet -R 0:0) >"$WORK/initrd"

if [ -n "$logs" ]; then mkdir -p "$logs"; out=$(realpath "$logs"); else out=$WORK/io; mkdir "$out"; fi
for f in stdout stderr ready status console; do : >"$out/$f"; done

case $accel in
  tcg) cpu=max accel=tcg,thread=multi ;;
  *)   cpu=host ;;
esac
qemu=(qemu-system-x86_64 -M q35 -accel "$accel" -cpu "$cpu" -m "$mem" -smp "$smp"
      -nodefaults -no-user-config -display none -no-reboot
      -kernel "$KIMG" -initrd "$WORK/initrd"
      -append 'console=ttyS0 quiet panic=-1'
      -serial "file:$out/console" -device virtio-serial-pci)
for f in stdout:out stderr:err ready:ready status:status; do
  qemu+=(-chardev "file,id=${f#*:},path=$out/${f%:*}"
         -device "virtserialport,chardev=${f#*:},name=vmcam.${f#*:}")
done
i=0
for e in "${shares[@]}"; do
  IFS=: read -r host _ rw <<<"$e"
  ro=,readonly=on; [ "$rw" != rw ] || ro=
  [ -d "$host" ] || die "--share $e: no folder $host"
  qemu+=(-virtfs "local,path=$(realpath "$host"),mount_tag=s$i,security_model=none,multidevs=remap$ro")
  i=$((i + 1))
done
if [ ${#forwards[@]} -gt 0 ]; then
  net=user,id=n0,restrict=on
  for e in "${forwards[@]}"; do net+=",hostfwd=tcp:127.0.0.1:${e%%:*}-:${e#*:}"; done
  qemu+=(-netdev "$net" -device 'virtio-net-pci,netdev=n0')
fi
say "guest image $(du -h "$WORK/initrd" | cut -f1), prepared in $(since "$t0") s"
t1=$(now)
timeout --kill-after=5 "$timeout" "${qemu[@]}" </dev/null 2>"$WORK/qemu.err" >&2 &
vm=$!
trap 'kill -TERM "$vm" 2>/dev/null || true; cleanup; exit 143' TERM
trap 'kill -TERM "$vm" 2>/dev/null || true; cleanup; exit 130' INT
# plain files take all that qemu writes at once; these two follow them
tail -q -c +1 -s 0.1 -f --pid="$vm" "$out/stdout" & follow1=$!
tail -q -c +1 -s 0.1 -f --pid="$vm" "$out/stderr" >&2 & follow2=$!
rc=0; wait "$vm" || rc=$?
wait "$follow1" "$follow2" || true

[ ! -s "$out/ready" ] || say "program started $(since "$t1" "$(stat -c %.9Y "$out/ready")") s after power-on"
say "guest ran $(since "$t1") s; all in all $(since "$t0") s"
if [ "$rc" = 124 ] || [ "$rc" = 137 ]; then
  printf '%s: no end after %s s\n' "$PROG" "$timeout" >&2; exit 124
fi
status=$(awk '$1 == "exit" { print $2 }' "$out/status")
if [ -z "$status" ]; then
  { printf '%s: the guest died (qemu: %s); the end of its console:\n' "$PROG" "$rc"
    cat "$WORK/qemu.err"; tail -n 25 "$out/console"; } >&2
  exit 125
fi
exit "$status"

# Sourced in the guest before a test program: plugs in the USB webcam of uvcsim and waits until
# the kernel has made its two nodes (frames and metadata). Commands for it go to /run/uvcsim.
mkfifo /run/uvcsim
/bin/uvcsim --jpegs /frames --commands /run/uvcsim >/tmp/uvcsim.log 2>&1 &
i=0
while [ "$(ls /sys/class/video4linux 2>/dev/null | wc -l)" -lt 2 ]; do
  [ $i -lt 300 ] || { echo 'setup-uvc: the webcam did not appear' >&2; cat /tmp/uvcsim.log >&2; exit 125; }
  usleep 100000
  i=$((i + 1))
done
chmod 666 /dev/video*

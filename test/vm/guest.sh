# Process 1 of the VM after init.sh: what a booted system would have done, then the command.
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root
. /run/vm/settings
mount --bind "$KERNEL_MODULES" /lib/modules
for module in $LOAD_MODULES; do modprobe "$module"; done
busybox ip link set lo up
# The kernel gives process 1 no more than 4096.
ulimit -n 65536

port() {
  for link in /sys/class/virtio-ports/*; do
    [ "$(cat "$link/name")" = "$1" ] && echo "/dev/${link##*/}"
  done
}
: > /run/vm/started
sh /run/vm/command </dev/null >"$(port stdout)" 2>"$(port stderr)"
echo $? > /run/vm/status
# What was written to the ports is on its way as long as the VM runs.
sync
busybox reboot -f

#!/bin/busybox sh
# The initramfs's /init: this machine's files under a layer in memory, then guest.sh.
bb=/bin/busybox
share=trans=virtio,version=9p2000.L,msize=262144

$bb mount -t devtmpfs none /dev
$bb mount -t proc none /proc
$bb mount -t sysfs none /sys
$bb grep -qw vm.probe /proc/cmdline && $bb reboot -f
for module in $($bb cat /modules/order); do $bb insmod "/modules/$module"; done

$bb mount -t 9p -o "ro,cache=loose,$share" machine /machine
$bb mount -t tmpfs none /changes
$bb mkdir /changes/files /changes/work
$bb mount -t overlay -o lowerdir=/machine,upperdir=/changes/files,workdir=/changes/work none /new
$bb mkdir -p /new/dev /new/proc /new/sys /new/run /new/lib/modules
for fs in dev proc sys; do $bb mount --move "/$fs" "/new/$fs"; done

$bb mkdir -p /new/dev/pts /new/dev/shm
$bb mount -t devpts none /new/dev/pts
$bb mount -t tmpfs none /new/dev/shm
$bb mount -t tmpfs none /new/run
$bb mkdir /new/run/vm
$bb mount -t 9p -o "cache=none,$share" results /new/run/vm
$bb mount -t cgroup2 none /new/sys/fs/cgroup
$bb mount -t bpf none /new/sys/fs/bpf
$bb mount -t tracefs none /new/sys/kernel/tracing
$bb mount -t debugfs none /new/sys/kernel/debug
exec $bb switch_root /new /bin/sh /run/vm/guest.sh

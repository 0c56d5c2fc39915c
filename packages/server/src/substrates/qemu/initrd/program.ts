import { bootFolder, placeKeys, separateControlCard, serveForEver } from './access.js';

/**
 * The initramfs's init: loads the modules, mounts the root disk named on the kernel's command line, puts the way in, this
 * boot's keys and the network in place, and hands over to the image's init. The addresses are those of QEMU's user-mode
 * network, which are the same every time; asking for them would cost seconds.
 */
export const initrdProgram = `#!/bin/busybox sh
b=/bin/busybox
$b mount -t devtmpfs dev /dev
$b mount -t proc -o nosuid,nodev,noexec proc /proc
$b mount -t sysfs -o nosuid,nodev,noexec sysfs /sys
for module in $($b cat /modules/order); do $b insmod "/modules/$module"; done
root=/dev/vda
for word in $($b cat /proc/cmdline); do
  case $word in root=*) root=\${word#root=} ;; esac
done
tries=0
until [ -b "$root" ] || [ $tries -ge 500 ]; do $b usleep 10000; tries=$((tries + 1)); done
$b mount -t ext4 -o rw,noatime "$root" /root || { echo "cannot mount $root"; $b poweroff -f; }
$b mkdir -p /root/run
$b mount -t tmpfs -o mode=0755,nosuid,nodev,size=20% run /root/run
$b cp -a /run/. /root/run/
umask 077
${placeKeys}umask 022
${separateControlCard}if [ -e /sys/class/net/eth0 ]; then
  $b ip link set lo up
  $b ip link set eth0 up
  $b ip address add 10.0.2.15/24 dev eth0
  $b ip route add default via 10.0.2.2
  : >/root${bootFolder}/network-is-up
fi
for place in dev proc sys; do $b mount --move /$place /root/$place; done
$b mkdir -p /root/dev/pts /root/dev/mqueue /root/dev/hugepages
$b mount -t devpts -o nosuid,noexec,gid=5,mode=620,ptmxmode=000 devpts /root/dev/pts
# Every machine has these too. systemd would start a program for each, which is dear under translation.
none=nosuid,nodev,noexec
$b mount -t mqueue -o $none mqueue /root/dev/mqueue
$b mount -t hugetlbfs hugetlbfs /root/dev/hugepages
$b mount -t debugfs -o $none,mode=700 debugfs /root/sys/kernel/debug
$b mount -t tracefs -o $none,mode=700 tracefs /root/sys/kernel/tracing
case $($b chroot /root ${bootFolder}/access/bin/busybox readlink -f /sbin/init) in
  */systemd) ;;
  *) $b chroot /root ${bootFolder}/access/bin/sh -c '${serveForEver}' & ;;
esac
exec $b switch_root /root /sbin/init
`;

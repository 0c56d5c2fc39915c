import { sshIsUp } from '../console-mark.js';

/** A file of the tiny guest's root disk. */
export interface RootFile {
  readonly path: string;
  readonly mode: number;
  readonly content: string;
}

const boot = `#!/bin/sh
mount -t proc proc /proc
mount -t sysfs sys /sys
mkdir -p /dev/pts /dev/shm
mount -t devpts devpts /dev/pts
mount -t tmpfs -o mode=1777 shm /dev/shm
mount -t tmpfs -o mode=0755 run /run
mount -t tmpfs -o mode=1777 tmp /tmp
chown 0:0 / /root
hostname tiny
ip link set lo up
ip address add 10.0.2.15/24 dev eth0
ip link set eth0 up
ip route add default via 10.0.2.2
[ -s /etc/machine-id ] || tr -d - </proc/sys/kernel/random/uuid >/etc/machine-id
seed=/sys/firmware/qemu_fw_cfg/by_name/opt/murmur
mkdir -m 0700 -p /run/murmur-boot /run/murmur-boot/ssh
umask 077
if [ -d $seed ]; then
  cat $seed/client-key/raw >/run/murmur-boot/ssh/authorized_keys
  cat $seed/host-key/raw >/run/murmur-boot/host-key.openssh
  dropbearconvert openssh dropbear /run/murmur-boot/host-key.openssh /run/murmur-boot/host-key 2>/dev/null
  rm /run/murmur-boot/host-key.openssh
  echo "-r /run/murmur-boot/host-key" >/run/murmur-boot/dropbear-options
else
  echo -R >/run/murmur-boot/dropbear-options
fi
`;

const inittab = `::sysinit:/etc/boot
::respawn:/etc/serve-ssh
::shutdown:/etc/stop
`;

const serveSsh = `#!/bin/sh
echo ${sshIsUp} >/dev/ttyS0
exec /usr/sbin/dropbear -F -E -s -j -k $(cat /run/murmur-boot/dropbear-options)
`;

/** The disk has to be left unmounted or read-only, because a capture checks for a clean end. */
const stop = `#!/bin/sh
sync
umount -a -r 2>/dev/null
mount -o remount,ro / 2>/dev/null
`;

/** What the tiny guest's disk holds beside its programs. */
export const rootFiles: readonly RootFile[] = [
  { path: 'etc/boot', mode: 0o755, content: boot },
  { path: 'etc/serve-ssh', mode: 0o755, content: serveSsh },
  { path: 'etc/stop', mode: 0o755, content: stop },
  { path: 'etc/inittab', mode: 0o644, content: inittab },
  { path: 'etc/passwd', mode: 0o644, content: 'root:x:0:0:root:/root:/bin/sh\nmurmur:x:1000:1000:murmur:/home/murmur:/bin/sh\n' },
  { path: 'etc/group', mode: 0o644, content: 'root:x:0:\nmurmur:x:1000:\n' },
  { path: 'etc/shadow', mode: 0o600, content: 'root:*:19000:0:99999:7:::\nmurmur:*:19000:0:99999:7:::\n' },
  { path: 'etc/shells', mode: 0o644, content: '/bin/sh\n' },
  { path: 'etc/resolv.conf', mode: 0o644, content: 'nameserver 10.0.2.3\n' },
  { path: 'etc/hosts', mode: 0o644, content: '127.0.0.1 localhost tiny\n' },
  { path: 'etc/machine-id', mode: 0o644, content: '' },
];

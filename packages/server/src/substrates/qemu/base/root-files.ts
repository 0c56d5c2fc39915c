import { sshIsUp } from '../console-mark.js';

/** A file that the base has beyond Debian's packages. */
export interface RootFile {
  readonly path: string;
  readonly mode: number;
  readonly content: string;
}

/** Kept out of the first boots, or pointless on a machine that lives for minutes: each costs time or disturbs a script. */
export const maskedUnits = [
  'apt-daily.service',
  'apt-daily.timer',
  'apt-daily-upgrade.service',
  'apt-daily-upgrade.timer',
  'dpkg-db-backup.timer',
  'e2scrub_all.timer',
  'e2scrub_reap.service',
  'fstrim.timer',
  'man-db.timer',
  'getty@tty1.service',
  'serial-getty@ttyS0.service',
  'systemd-pstore.service',
  'dev-hugepages.mount',
  'dev-mqueue.mount',
  'sys-kernel-debug.mount',
  'sys-kernel-tracing.mount',
  'sys-fs-fuse-connections.mount',
  'sys-kernel-config.mount',
  'proc-sys-fs-binfmt_misc.automount',
  'proc-sys-fs-binfmt_misc.mount',
  'systemd-binfmt.service',
  'systemd-network-generator.service',
  'systemd-random-seed.service',
  'systemd-update-utmp.service',
  'systemd-update-utmp-runlevel.service',
  'kmod-static-nodes.service',
];

/**
 * Runs early in every boot. With a seed (a machine of Murmur's) the keys go to memory and nowhere else, and the network is set
 * up at once, because QEMU's user-mode network has the same addresses every time; without one (an image booted elsewhere) the
 * machine makes its own host key once and systemd's services ask for addresses. A disk larger than its image is filled.
 */
const boot = `#!/bin/sh
set -u
seed=/sys/firmware/qemu_fw_cfg/by_name/opt/murmur
[ -d /sys/firmware/qemu_fw_cfg ] || modprobe -q qemu_fw_cfg
umask 077
mkdir -p /run/murmur-boot
if [ -r "$seed/host-key/raw" ]; then
  cat "$seed/host-key/raw" >/run/murmur-boot/host-key
  cat "$seed/client-key/raw" >/run/murmur-boot/authorized-keys.root
  cat >/run/murmur-boot/sshd.conf <<EOF
HostKey /run/murmur-boot/host-key
AuthorizedKeysFile .ssh/authorized_keys /run/murmur-boot/authorized-keys.%u
PermitRootLogin prohibit-password
UsePAM no
EOF
  umask 022
  mkdir -p /run/systemd/resolve
  echo 'nameserver 10.0.2.3' >/run/systemd/resolve/stub-resolv.conf
  ip link set lo up
  ip link set eth0 up
  ip address add 10.0.2.15/24 dev eth0
  ip route add default via 10.0.2.2
  : >/run/murmur-boot/network-is-up
elif ! ls /etc/ssh/ssh_host_*_key >/dev/null 2>&1; then
  ssh-keygen -q -t ed25519 -N '' -f /etc/ssh/ssh_host_ed25519_key
fi
read -r disk </sys/class/block/vda/size 2>/dev/null || exit 0
read -r start </sys/class/block/vda1/start && read -r length </sys/class/block/vda1/size || exit 0
if [ $((disk - start - length)) -gt 2048 ]; then
  echo ', +' | sfdisk -q --no-reread --no-tell-kernel -N 1 /dev/vda
  partx -u -n 1 /dev/vda
  resize2fs /dev/vda1
fi
exit 0
`;

const bootUnit = `[Unit]
Description=Keys and disk size of this machine
DefaultDependencies=no
After=systemd-remount-fs.service
Before=ssh.service systemd-networkd.socket systemd-networkd.service systemd-resolved.service sysinit.target shutdown.target
Conflicts=shutdown.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/lib/murmur/boot

[Install]
WantedBy=sysinit.target
`;

/** Answers as soon as the keys are there: logging in needs neither the network's configuration nor the rest of the boot. */
const sshUnit = `[Unit]
Description=OpenSSH server
DefaultDependencies=no
Requires=murmur-boot.service
After=murmur-boot.service
Conflicts=shutdown.target
Before=shutdown.target
ConditionPathExists=!/etc/ssh/sshd_not_to_be_run

[Service]
Type=notify
EnvironmentFile=-/etc/default/ssh
ExecStart=/usr/sbin/sshd -D $SSHD_OPTS
ExecStartPost=-/bin/sh -c 'echo ${sshIsUp} >/dev/ttyS0'
ExecReload=/bin/kill -HUP $MAINPID
KillMode=process
Restart=on-failure
RuntimeDirectory=sshd
RuntimeDirectoryMode=0755

[Install]
WantedBy=multi-user.target
Alias=sshd.service
`;

/** For services that {@link boot} has made needless on our own machines. */
const unlessNetworkIsUp = `[Unit]
ConditionPathExists=!/run/murmur-boot/network-is-up
`;

/** Every device of the machine at once is seconds of work under translation, and ours only need their disk and network named. */
const udevTrigger = `[Service]
ExecStart=
ExecStart=/bin/sh -c 'if [ -e /run/murmur-boot/network-is-up ]; then exec udevadm trigger --action=add --subsystem-match=block --subsystem-match=net; else exec udevadm trigger --type=all --action=add --prioritized-subsystem=module,block,tpmrm,net,tty,input; fi'
`;

const udevTriggerOrder = `[Unit]
After=murmur-boot.service
`;

const network = `[Match]
Name=en* eth*

[Network]
DHCP=ipv4
LinkLocalAddressing=no
IPv6AcceptRA=no
`;

/** Translations are half of what an update downloads and nobody reads them; a log wants dpkg's lines, not its progress. */
const apt = `Acquire::Languages "none";
Dpkg::Use-Pty "0";
`;

/** The distribution's grub menu is not installed: these links always name the newest kernel. */
const grub = `search --no-floppy --label murmur-root --set=root
set timeout=0
linux /vmlinuz root=LABEL=murmur-root rw console=tty0 console=ttyS0
initrd /initrd.img
boot
`;

/** What the base has beyond Debian's packages. */
export const rootFiles: readonly RootFile[] = [
  { path: 'usr/lib/murmur/boot', mode: 0o755, content: boot },
  { path: 'etc/systemd/system/murmur-boot.service', mode: 0o644, content: bootUnit },
  { path: 'etc/systemd/system/ssh.service', mode: 0o644, content: sshUnit },
  { path: 'etc/systemd/network/80-any.network', mode: 0o644, content: network },
  { path: 'etc/systemd/system/systemd-networkd.socket.d/murmur.conf', mode: 0o644, content: unlessNetworkIsUp },
  { path: 'etc/systemd/system/systemd-networkd.service.d/murmur.conf', mode: 0o644, content: unlessNetworkIsUp },
  { path: 'etc/systemd/system/systemd-networkd-wait-online.service.d/murmur.conf', mode: 0o644, content: unlessNetworkIsUp },
  { path: 'etc/systemd/system/systemd-resolved.service.d/murmur.conf', mode: 0o644, content: unlessNetworkIsUp },
  { path: 'etc/systemd/system/systemd-udev-trigger.service.d/murmur.conf', mode: 0o644, content: `${udevTriggerOrder}\n${udevTrigger}` },
  { path: 'etc/ssh/sshd_config.d/10-murmur.conf', mode: 0o644, content: 'Include /run/murmur-boot/sshd.conf\nUseDNS no\n' },
  { path: 'etc/apt/apt.conf.d/50murmur', mode: 0o644, content: apt },
  { path: 'etc/hostname', mode: 0o644, content: 'murmur\n' },
  { path: 'etc/hosts', mode: 0o644, content: '127.0.0.1 localhost\n127.0.1.1 murmur\n::1 localhost\n' },
  { path: 'etc/fstab', mode: 0o644, content: '# The root filesystem is named on the kernel command line.\n' },
  { path: 'etc/machine-id', mode: 0o444, content: '' },
  { path: 'boot/grub/grub.cfg', mode: 0o644, content: grub },
];

/** A file that the base has beyond Debian's packages. */
export interface RootFile {
  readonly path: string;
  readonly mode: number;
  readonly content: string;
}

/**
 * Pointless on a machine that lives for minutes, or work that would disturb a script. Not masked: whoever wants one enables it.
 */
export const disabledUnits = [
  'apt-daily.timer',
  'apt-daily-upgrade.timer',
  'dpkg-db-backup.timer',
  'e2scrub_all.timer',
  'e2scrub_reap.service',
  'fstrim.timer',
  // It loads modules for places in which our machines keep no crash of an earlier boot.
  'systemd-pstore.service',
  // Only for addresses on the kernel's command line.
  'systemd-network-generator.service',
];

/** Their modules' arrival mounts these; at boot they would only load two modules that nobody asked for. */
export const mountedWhenUsed = ['sys-fs-fuse-connections.mount', 'sys-kernel-config.mount'];

/** A saved seed on a disk that is cloned is a secret shared by all clones; every machine of ours has a source of randomness. */
export const maskedUnits = ['systemd-random-seed.service'];

/** Runs early in every boot: a disk larger than its image is filled. */
const boot = `#!/bin/sh
set -u
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
Description=Disk size of this machine
DefaultDependencies=no
After=systemd-remount-fs.service
Before=sysinit.target shutdown.target
Conflicts=shutdown.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/lib/murmur/boot

[Install]
WantedBy=sysinit.target
`;

/** An image holds no host keys: each machine makes its own, of the one kind that costs no time. */
const hostKeysUnit = `[Unit]
Description=SSH host keys of this machine
ConditionPathExistsGlob=!/etc/ssh/ssh_host_*_key
Before=ssh.service ssh.socket

[Service]
Type=oneshot
ExecStart=/usr/bin/ssh-keygen -q -t ed25519 -N '' -f /etc/ssh/ssh_host_ed25519_key

[Install]
WantedBy=multi-user.target
`;

/** Debian looks at the whole configuration before each start, which sshd then does again: seconds under translation. */
const sshStart = `[Service]
ExecStartPre=
`;

/** For services whose work the initramfs of our own machines has done: not at boot, but whenever they are asked for later. */
const unlessNetworkIsUp = `[Unit]
ConditionPathExists=!/run/murmur-boot/network-is-up
`;

/** Every device of the machine at once is seconds of work under translation, and ours only need their disk and network named. */
const udevTrigger = `[Service]
ExecStart=
ExecStart=/bin/sh -c 'if [ -e /run/murmur-boot/network-is-up ]; then exec udevadm trigger --action=add --subsystem-match=block --subsystem-match=net; else exec udevadm trigger --type=all --action=add --prioritized-subsystem=module,block,tpmrm,net,tty,input; fi'
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
  { path: 'etc/systemd/system/murmur-host-keys.service', mode: 0o644, content: hostKeysUnit },
  { path: 'etc/systemd/system/ssh.service.d/murmur.conf', mode: 0o644, content: sshStart },
  { path: 'etc/systemd/network/80-any.network', mode: 0o644, content: network },
  { path: 'etc/systemd/system/systemd-networkd.socket.d/murmur.conf', mode: 0o644, content: unlessNetworkIsUp },
  { path: 'etc/systemd/system/systemd-networkd.service.d/murmur.conf', mode: 0o644, content: unlessNetworkIsUp },
  { path: 'etc/systemd/system/systemd-networkd-wait-online.service.d/murmur.conf', mode: 0o644, content: unlessNetworkIsUp },
  { path: 'etc/systemd/system/systemd-resolved.service.d/murmur.conf', mode: 0o644, content: unlessNetworkIsUp },
  { path: 'etc/systemd/system/systemd-udev-trigger.service.d/murmur.conf', mode: 0o644, content: udevTrigger },
  { path: 'etc/apt/apt.conf.d/50murmur', mode: 0o644, content: apt },
  { path: 'etc/hostname', mode: 0o644, content: 'murmur\n' },
  { path: 'etc/hosts', mode: 0o644, content: '127.0.0.1 localhost\n127.0.1.1 murmur\n::1 localhost\n' },
  { path: 'etc/fstab', mode: 0o644, content: '# The root filesystem is named on the kernel command line.\n' },
  { path: 'etc/machine-id', mode: 0o444, content: '' },
  { path: 'boot/grub/grub.cfg', mode: 0o644, content: grub },
];

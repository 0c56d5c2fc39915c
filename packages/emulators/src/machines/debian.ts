import { createHash } from 'node:crypto';
import { access, mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import path from 'node:path';

import { debstrap, runOnHost, suite, writeBootArea } from '@murmur/server/testing-machines';

/** Who logs in to a Debian with cloud-init, as that package has it. */
export const debianUser = 'debian';

const partitionStart = 1024 * 1024;
const size = 4 * 1024 ** 3;
const packages = [
  ...['ca-certificates', 'cloud-guest-utils', 'cloud-init', 'curl', 'dbus', 'e2fsprogs', 'fdisk', 'iproute2', 'isc-dhcp-client', 'kmod'],
  ...['less', 'libpam-systemd', 'linux-image-cloud-amd64', 'openssh-server', 'procps', 'sudo', 'systemd', 'systemd-resolved'],
  ...['systemd-sysv', 'udev'],
];
/** Needed for the boot loader only. */
const borrowed = ['grub-common', 'grub-pc-bin'];

const grub = `set timeout=0
linux /vmlinuz root=LABEL=cloud-root ro quiet console=ttyS0 net.ifnames=0 random.trust_cpu=on mitigations=off apparmor=0 audit=0
initrd /initrd.img
boot
`;

/** Runs inside the new system once its packages are installed. */
const inside = `set -eu
systemctl enable systemd-networkd.service systemd-networkd-wait-online.service
systemctl mask apt-daily.timer apt-daily-upgrade.timer man-db.timer dpkg-db-backup.timer e2scrub_all.timer e2scrub_reap.service
printf 'LABEL=cloud-root / ext4 discard,errors=remount-ro 0 1\\n' >/etc/fstab
mkdir -p /boot/grub /loader
cat >/boot/grub/grub.cfg <<'EOF'
${grub}EOF
cat >/tmp/early.cfg <<'EOF'
search --no-floppy --label cloud-root --set=root
configfile /boot/grub/grub.cfg
EOF
grub-mkimage -O i386-pc -p /boot/grub -c /tmp/early.cfg -o /loader/core.img \\
  biosdisk part_msdos ext2 search search_label normal configfile linux echo serial terminal boot
cp /usr/lib/grub/i386-pc/boot.img /loader/
rm /tmp/early.cfg
apt-get -q -y purge --auto-remove ${borrowed.join(' ')}
`;

/** Makes a disk of the new system without mounting anything. */
const outside = `set -eu
if [ -e rootfs.tar ]; then mkdir root; tar -xpf rootfs.tar -C root --numeric-owner; rm rootfs.tar; fi
mv root/loader/boot.img root/loader/core.img .
rmdir root/loader
ln -sfn /run/systemd/resolve/stub-resolv.conf root/etc/resolv.conf
rm -rf root/etc/ssh/ssh_host_* root/var/lib/apt/lists/* root/var/cache/apt/archives/*.deb root/var/lib/dbus/machine-id
: >root/etc/machine-id
truncate -s ${size} disk.raw
mke2fs -q -F -t ext4 -L cloud-root -m 1 -E offset=${partitionStart},lazy_itable_init=1 -d root disk.raw ${(size - partitionStart) / 1024}k
`;

/**
 * A disk with a boot loader and a Debian as clouds serve it: cloud-init finds the cloud by the firmware and takes keys and
 * user-data from the metadata service. It is built once, in minutes, from Debian's mirror, and kept in the user's cache folder.
 */
export async function debianDisk(onProgress: (line: string) => void = () => undefined): Promise<string> {
  const cache = path.join(process.env['XDG_CACHE_HOME'] ?? path.join(homedir(), '.cache'), 'murmur', 'debian-cloud');
  const inputs = createHash('sha256')
    .update(JSON.stringify([suite, packages, borrowed, inside, outside]))
    .digest('hex')
    .slice(0, 16);
  const disk = path.join(cache, `${inputs}.qcow2`);
  if (await isThere(disk)) return disk;
  await mkdir(cache, { recursive: true });
  const folder = await mkdtemp(path.join(cache, 'making-'));
  try {
    await build(folder, onProgress);
    // Of two that built at the same time the second replaces the same with the same.
    await rename(path.join(folder, 'disk.qcow2'), disk);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  return disk;
}

async function build(folder: string, onProgress: (line: string) => void): Promise<void> {
  const isRoot = process.getuid?.() === 0;
  await writeFile(path.join(folder, 'inside.sh'), inside);
  onProgress(`installing Debian ${suite} with cloud-init`);
  const args = [
    ...['--variant=apt', '--architectures=amd64', `--format=${isRoot ? 'directory' : 'tar'}`],
    `--include=${[...packages, ...borrowed].join(',')}`,
    ...['--customize-hook=copy-in inside.sh /', '--customize-hook=chroot "$1" sh /inside.sh && rm "$1/inside.sh"'],
    ...[suite, isRoot ? 'root' : 'rootfs.tar'],
  ];
  await debstrap(args, { cwd: folder, env: isRoot ? { TMPDIR: folder } : {} });
  onProgress('writing the disk');
  const [program = 'sh', ...rest] = isRoot ? ['sh', '-c', outside] : ['fakeroot', '--', 'sh', '-c', outside];
  await runOnHost(program, rest, { cwd: folder });
  const part = (name: string) => readFile(path.join(folder, name));
  const loader = { boot: await part('boot.img'), core: await part('core.img') };
  await writeBootArea(path.join(folder, 'disk.raw'), loader, { start: partitionStart, end: size });
  await runOnHost('qemu-img', ['convert', '-f', 'raw', '-O', 'qcow2', 'disk.raw', 'disk.qcow2'], { cwd: folder });
}

async function isThere(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}

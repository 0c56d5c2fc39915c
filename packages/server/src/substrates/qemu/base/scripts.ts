import { suite } from '../../debian-mirror.js';
import { borrowedPackages, packages } from './packages.js';
import { disabledUnits, maskedUnits, mountedWhenUsed } from './root-files.js';

/** Where a root partition begins, in bytes: far enough for the boot loader before it. */
export const partitionStart = 1024 * 1024;

/** The disk's size as a guest sees it; only what is written takes space. */
export const virtualSize = 10 * 1024 * 1024 * 1024;

const loaderFolder = '/usr/lib/murmur/boot-loader';
/** Holds the SSH server of the initramfs, the libraries that it loads and their loader. */
const serverFolder = '/usr/lib/murmur/ssh-server';

/** What grub's core does on an exported disk: find the root filesystem and read the few lines that lie there. */
const loaderConfig = `search --no-floppy --label murmur-root --set=root
configfile /boot/grub/grub.cfg
`;

const loaderModules = 'biosdisk part_msdos ext2 search search_label normal configfile linux echo serial terminal boot';

/** Runs inside the new system, as root, once Debian's packages are installed. */
export const insideScript = `set -eu
useradd --create-home --user-group --shell /bin/bash murmur
systemctl enable systemd-networkd.service systemd-networkd-wait-online.service
systemctl set-default multi-user.target
systemctl enable murmur-boot.service murmur-host-keys.service
systemctl disable ${disabledUnits.join(' ')}
systemctl mask ${maskedUnits.join(' ')}
# Started by whoever asks for it over D-Bus; nothing on a fresh machine does.
rm -f /usr/lib/systemd/system/multi-user.target.wants/systemd-logind.service
for unit in ${mountedWhenUsed.join(' ')}; do rm -f "/usr/lib/systemd/system/sysinit.target.wants/$unit"; done
mkdir -p ${loaderFolder}
cat >/tmp/early.cfg <<'EOF'
${loaderConfig}EOF
grub-mkimage -O i386-pc -p /boot/grub -c /tmp/early.cfg -o ${loaderFolder}/core.img ${loaderModules}
cp /usr/lib/grub/i386-pc/boot.img ${loaderFolder}/
rm /tmp/early.cfg
mkdir ${serverFolder}
cp /usr/sbin/dropbear ${serverFolder}/
ldd /usr/sbin/dropbear | grep -o '/[^ ]*' | xargs cp -L -t ${serverFolder}
apt-get -q -y purge --auto-remove ${borrowedPackages.join(' ')}
`;

/**
 * Turns the system in `root`, or in `rootfs.tar` where only fakeroot can unpack it with its owners, into a disk image in
 * `disk.raw` without mounting anything.
 */
export const outsideScript = `set -eu
if [ -e rootfs.tar ]; then
  mkdir root
  tar -xpf rootfs.tar -C root --numeric-owner
  rm rootfs.tar
fi
cd root
mv .${loaderFolder}/boot.img .${loaderFolder}/core.img ..
rmdir .${loaderFolder}
mv .${serverFolder} ../ssh-server
ln -sfn /run/systemd/resolve/stub-resolv.conf etc/resolv.conf
rm -rf etc/ssh/ssh_host_* var/lib/apt/lists/* var/cache/apt/archives/*.deb var/lib/systemd/random-seed var/log/*.log var/log/apt/*
printf 'murmur\\n' >etc/hostname
rm -f etc/machine-id var/lib/dbus/machine-id
: >etc/machine-id
chmod 0444 etc/machine-id
cp -L vmlinuz ../vmlinuz
cp bin/busybox ../busybox
cp -r "lib/modules/$(basename lib/modules/*)" ../modules
cd ..
truncate -s ${virtualSize} disk.raw
mke2fs -q -F -t ext4 -L murmur-root -m 1 -J size=64 -E offset=${partitionStart},lazy_itable_init=1 -d root disk.raw ${(virtualSize - partitionStart) / 1024}k
`;

/** What mmdebstrap is told, with the file that holds our own files for the new system. */
export function mmdebstrapArguments(files: { overlay: string; inside: string; output: string }): readonly string[] {
  return [
    '--variant=apt',
    '--architectures=amd64',
    `--format=${files.output.endsWith('.tar') ? 'tar' : 'directory'}`,
    `--include=${[...packages, ...borrowedPackages].join(',')}`,
    `--customize-hook=tar-in ${files.overlay} /`,
    // Copied in, as the hooks of a build that is not root cannot read this user's private folders.
    `--customize-hook=copy-in ${files.inside} /`,
    `--customize-hook=chroot "$1" sh /${files.inside} && rm "$1/${files.inside}"`,
    suite,
    files.output,
  ];
}

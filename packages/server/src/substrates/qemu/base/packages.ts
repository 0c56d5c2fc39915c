/** Debian's packages in the base. */
export const packages = [
  'busybox-static',
  'ca-certificates',
  'curl',
  'dbus',
  'e2fsprogs',
  'fdisk',
  'git',
  'iproute2',
  'jq',
  'kmod',
  'less',
  'linux-image-cloud-amd64',
  'openssh-server',
  'procps',
  'python3',
  'sudo',
  'systemd',
  'systemd-resolved',
  'systemd-sysv',
  'tmux',
  'tzdata',
  'udev',
  'zstd',
];

/** Needed while the base is built, for its boot loader and the SSH server of its initramfs, and gone from it afterwards. */
export const borrowedPackages = ['dropbear-bin', 'grub-common', 'grub-pc-bin'];

/** What a person finds on the base, for the catalog. */
export const preinstalled = 'git, curl, jq, tmux, python3, ca-certificates, openssh-server, sudo, user "murmur"';

/** A file of the tiny guest's root disk. */
export interface RootFile {
  readonly path: string;
  readonly mode: number;
  readonly content: string;
}

const boot = `#!/bin/sh
mkdir -p /dev/shm
mount -t tmpfs -o mode=1777 shm /dev/shm
mount -t tmpfs -o mode=1777 tmp /tmp
hostname tiny
[ -s /etc/machine-id ] || tr -d - </proc/sys/kernel/random/uuid >/etc/machine-id
`;

const inittab = `::sysinit:/etc/boot
::shutdown:/etc/stop
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

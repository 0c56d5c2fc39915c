import { bootFolder } from '../initrd/access.js';

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
[ "$(cat /sys/class/dmi/id/sys_vendor)" != "Amazon EC2" ] || . /etc/boot-ec2
`;

/**
 * What cloud-init does elsewhere, as far as it is needed: keys and a timer from the metadata service (IMDSv2). The way in waits
 * for the host's key. There is no button: the host asks on the serial line to power off.
 */
const bootEc2 = `ip address flush dev eth0
ip address add 169.254.169.15/24 dev eth0
ip route add default via 169.254.169.2
cd ${bootFolder}/access
umask 077
ask() {
  printf '%s /latest/%s HTTP/1.0\\r\\nHost: 169.254.169.254\\r\\n%s\\r\\n\\r\\n' "$1" "$2" "$3" | nc 169.254.169.254 80 |
    tr -d '\\r' | sed -n -e '1{/ 200 /!q' -e '}' -e '/^$/,$p' | sed 1d
}
token=$(ask PUT api/token 'X-aws-ec2-metadata-token-ttl-seconds: 300')
get() { ask GET "$1" "X-aws-ec2-metadata-token: $token"; }
get user-data >user-data
{
  get meta-data/public-keys/0/openssh-key
  echo
  sed -n 's/^ *- "\\{0,1\\}\\(ssh-[a-z0-9-]* [A-Za-z0-9+/=]*\\).*/\\1/p' user-data
} >root/.ssh/authorized_keys
sed -n '/-----BEGIN OPENSSH PRIVATE KEY-----/,/-----END/{s/^ *//;p}' user-data >host-key
[ -s host-key ] || cat /sys/firmware/qemu_fw_cfg/by_name/opt/ec2/host-key/raw >host-key
# The server's own format: the 64 bytes of a bare ed25519 key begin at the 162nd of OpenSSH's.
{ printf '\\000\\000\\000\\013ssh-ed25519\\000\\000\\000\\100'; grep -v -e ----- host-key | base64 -d | tail -c +162 | head -c 64; } >etc/key
mv etc/key etc/host-key
life=$(sed -n 's/.*--on-active=\\([0-9]*\\)s.*/\\1/p' user-data)
rm host-key user-data
[ -z "$life" ] || { sleep "$life"; poweroff; } </dev/null >/dev/null 2>&1 &
while read -r word; do
  [ "$word" != poweroff ] || poweroff
done </dev/ttyS0 >/dev/null 2>&1 &
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
  { path: 'etc/boot-ec2', mode: 0o644, content: bootEc2 },
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

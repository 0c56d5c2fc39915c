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
case $(cat /sys/class/dmi/id/sys_vendor) in
  "Amazon EC2") . /etc/boot-ec2 ;;
  Google) . /etc/boot-gce ;;
esac
`;

/** Where the clouds' guests find their metadata, and our folder of the SSH server. */
const enter = `ip address flush dev eth0
ip address add 169.254.169.15/24 dev eth0
ip route add default via 169.254.169.2
cd ${bootFolder}/access
umask 077
body() { tr -d '\\r' | sed -n -e '1{/ 200 /!q' -e '}' -e '/^$/,$p' | sed 1d; }
`;

/** Puts the file host-key where the SSH server waits for it, in the server's own format. */
const openUp = `# The 64 bytes of a bare ed25519 key begin at the 162nd of OpenSSH's.
{ printf '\\000\\000\\000\\013ssh-ed25519\\000\\000\\000\\100'; grep -v -e ----- host-key | base64 -d | tail -c +162 | head -c 64; } >etc/key
rm host-key
mv etc/key etc/host-key
`;

/** There is no button: the host asks on the serial line to power off. */
const button = `while read -r word; do
  [ "$word" != poweroff ] || poweroff
done </dev/ttyS0 >/dev/null 2>&1 &
`;

/** What cloud-init does elsewhere, as far as it is needed: keys and a timer from the metadata service (IMDSv2). */
const bootEc2 = `${enter}ask() {
  printf '%s /latest/%s HTTP/1.0\\r\\nHost: 169.254.169.254\\r\\n%s\\r\\n\\r\\n' "$1" "$2" "$3" | nc -w 10 169.254.169.254 80 | body
}
get() { ask GET "$1" "X-aws-ec2-metadata-token: $token"; }
# A host that is busy may not answer at once; and there may be no user-data.
for try in 1 2 3 4 5 6; do
  token=$(ask PUT api/token 'X-aws-ec2-metadata-token-ttl-seconds: 300')
  [ -z "$token" ] || get user-data >user-data
  [ ! -s user-data ] || break
done
{
  get meta-data/public-keys/0/openssh-key
  echo
  sed -n 's/^ *- "\\{0,1\\}\\(ssh-[a-z0-9-]* [A-Za-z0-9+/=]*\\).*/\\1/p' user-data
} >root/.ssh/authorized_keys
sed -n '/-----BEGIN OPENSSH PRIVATE KEY-----/,/-----END/{s/^ *//;p}' user-data >host-key
[ -s host-key ] || cat /sys/firmware/qemu_fw_cfg/by_name/opt/ec2/host-key/raw >host-key
life=$(sed -n 's/.*--on-active=\\([0-9]*\\)s.*/\\1/p' user-data)
rm user-data
${openUp}[ -z "$life" ] || { sleep "$life"; poweroff; } </dev/null >/dev/null 2>&1 &
${button}`;

/**
 * What Google's guest agent does elsewhere, as far as it is needed: users with sudo and their keys from the metadata server, unless
 * OS Login is on, the host's key as a guest attribute, and the startup script. Root has no key. In the image every user is murmur.
 * Programs that become root have a filesystem of their own: everything else in memory honours no such bit.
 */
const bootGce = `${enter}ask() {
  # A host that is busy may not answer at once.
  for try in 1 2 3 4 5 6; do
    answer=$(
      printf '%s /computeMetadata/v1/instance/%s HTTP/1.0\\r\\nMetadata-Flavor: Google\\r\\nContent-Length: %s\\r\\n\\r\\n%s' "$1" "$2" "\${#3}" "$3" |
        nc -w 10 169.254.169.254 80
    )
    [ -z "$answer" ] || break
  done
  printf '%s\\n' "$answer" | body
}
get() { ask GET "$1"; }
setting() { value=$(get "attributes/$1"); [ -n "$value" ] || value=$(get "../project/attributes/$1"); echo "$value"; }
umask 022
mkdir -p gate /run/sudo
mount -t tmpfs -o mode=755 gate gate
mount --bind gate /run/sudo
cp /bin/busybox gate/su
chmod 4755 gate/su
echo 'root::19000:0:99999:7:::' >gate/shadow
cp gate/shadow etc/shadow
mount --bind gate/shadow /etc/shadow
cat >bin/visit <<'visit'
#!/bin/sh
[ "$1" = -c ] || exec /gate/su -c 'exec su -s /bin/sh murmur' root
quoted=$(printf '%s\\n' "$2" | sed "s/'/'\\\\\\\\''/g")
exec /gate/su -c "exec su -s /bin/sh -c '$quoted' murmur" root
visit
chmod 755 bin/visit
echo /bin/visit >>etc/shells
case $(setting enable-oslogin) in
  [Tt][Rr][Uu][Ee]) ;;
  *)
    {
      get attributes/ssh-keys
      echo
      case $(get attributes/block-project-ssh-keys) in [Tt][Rr][Uu][Ee]) ;; *) get ../project/attributes/ssh-keys ;; esac
    } >keys
    while IFS=: read -r user key; do
      [ -n "$key" ] || continue
      [ -d "home/$user" ] || echo "$user:x:1000:1000::/home/$user:/bin/visit" >>etc/passwd
      mkdir -p "home/$user/.ssh"
      echo "$key" >>"home/$user/.ssh/authorized_keys"
    done <keys
    rm keys
    ;;
esac
umask 077
cat /sys/firmware/qemu_fw_cfg/by_name/opt/gce/host-key/raw >host-key
ask PUT guest-attributes/hostkeys/ssh-ed25519 "$(sed 's/^[^ ]* //;s/ .*//' /sys/firmware/qemu_fw_cfg/by_name/opt/gce/host-public/raw)"
${openUp}umask 022
get attributes/startup-script >/run/startup-script
[ ! -s /run/startup-script ] || { chmod 700 /run/startup-script; /run/startup-script; } </dev/null >/dev/ttyS0 2>&1 &
${button}`;

/** Becomes root by the program that the boot on GCE puts in place. */
const sudo = `#!/bin/sh
while :; do
  case $1 in
    -n | -H | -E | -S) shift ;;
    --) shift; break ;;
    *) break ;;
  esac
done
exec /run/sudo/su -c 'exec "$@"' -- root sudo "$@"
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
  { path: 'etc/boot-gce', mode: 0o644, content: bootGce },
  { path: 'usr/bin/sudo', mode: 0o755, content: sudo },
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

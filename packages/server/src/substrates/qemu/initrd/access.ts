import { sshIsUp } from '../console-mark.js';
import { controlCard } from './control-card.js';
import type { CpioEntry } from './cpio.js';

/** Memory of the guest that our own things lie in, from its first moment to its end. */
export const bootFolder = '/run/murmur-boot';

/** The SSH server's root folder. */
const jail = `${bootFolder}/access`;
const busybox = `${jail}/bin/busybox`;
/** The network namespace that has the control card, and nothing else. */
const network = `${bootFolder}/access-network`;

/**
 * Starts the SSH server. It sees its own folder as the root, with an account file, libraries and keys of its own, and listens
 * on a card of its own: neither accounts, shells, permissions, PAM, TCP wrappers, another SSH server nor a firewall of the image
 * has a say in it. What it mounts is seen by nobody else, and what the image unmounts is unmounted for it too.
 */
const serve = `#!${jail}/bin/sh
b=${busybox}
run="$b unshare -m --propagation slave $b sh -c"
[ ! -e ${network} ] || run="$b nsenter -n${network} $run"
echo ${sshIsUp} >/dev/ttyS0
exec $run '
  b=${busybox}
  cd ${jail} && $b mount -o rbind /dev dev && $b mount -t proc proc proc || exit 1
  exec $b chroot . /bin/dropbear -F -s -j -k -W 1048576 -r /etc/host-key
'
`;

/**
 * Root's shell as the SSH server knows it: leaves for the image's own root and network and runs the command in its `sh`,
 * whatever root's shell is there. A person without a command gets a login of the image, in a shell that is there.
 */
const leave = `#!/bin/sh
run="/bin/busybox env -i HOME=/root USER=root LOGNAME=root SHELL=/bin/sh LANG=C.UTF-8 \${TERM:+TERM=$TERM}"
run="$run PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin /bin/busybox nsenter -t 1 -m -n /bin/sh -c"
if [ "$1" = -c ]; then
  exec $run "cd /root 2>/dev/null
$2"
fi
exec $run 'for shell in /bin/bash /bin/sh; do [ ! -x $shell ] || break; done
if su -s $shell -c : root >/dev/null 2>&1; then exec su -l -s $shell root; fi
cd /root; exec $shell -l'
`;

/** For an init that is not systemd: no unit would start the server. */
export const serveForEver = `while :; do ${bootFolder}/serve </dev/null >/dev/null 2>&1; ${busybox} sleep 1; done`;

/** In the folder that only the administrator's own \`system.control\` comes before. */
const unit = `[Unit]
Description=Murmur's way into this machine
DefaultDependencies=no
Conflicts=shutdown.target
Before=shutdown.target
StartLimitIntervalSec=0
IgnoreOnIsolate=yes

[Service]
ExecStart=${bootFolder}/serve
Restart=always
KillMode=process
OOMPolicy=continue
TasksMax=infinity
StandardOutput=null
StandardError=null
`;

/**
 * Moves the control card into a network namespace of its own, which lasts as long as the file that it is bound to. It has the
 * address of every QEMU machine, as the image's own card has: they never meet.
 */
export const separateControlCard = `for card in /sys/class/net/*; do
  [ "$($b cat "$card/address")" = ${controlCard} ] || continue
  : >/root${network}
  $b unshare -n $b sh -c '
    b=/bin/busybox
    $b nsenter -t 1 -n $b ip link set "$1" netns $$
    $b ip link set lo up
    $b ip address add 10.0.2.15/24 dev "$1"
    $b ip link set "$1" up
    $b mount --bind /proc/$$/ns/net /root${network}
  ' sh "\${card##*/}"
done
`;

/** Puts this boot's keys, which QEMU holds, where the server reads them: the host's in the server's own format. */
export const placeKeys = `seed=/sys/firmware/qemu_fw_cfg/by_name/opt/murmur
jail=/root${jail}
if [ -r $seed/host-key/raw ]; then
  $b cat $seed/client-key/raw >$jail/root/.ssh/authorized_keys
  # OpenSSH's file for a bare ed25519 key has no part of variable length: the 64 bytes of the key begin at the 162nd.
  { $b printf '\\000\\000\\000\\013ssh-ed25519\\000\\000\\000\\100'
    $b grep -v -e ----- $seed/host-key/raw | $b base64 -d | $b tail -c +162 | $b head -c 64; } >$jail/etc/host-key
fi
`;

/** One file of the SSH server: its program, a library that it loads, or the loader. */
export interface ServerFile {
  readonly name: string;
  readonly content: Buffer;
}

/** Entries below \`run/\`: what the initramfs puts into the guest's memory before the image's own init starts. */
export function accessEntries(programs: { readonly busybox: Buffer; readonly server: readonly ServerFile[] }): readonly CpioEntry[] {
  const below = `${jail.slice(1)}/`;
  const text = (path: string, mode: number, content: string): CpioEntry => ({ path, mode: 0o100000 | mode, content: Buffer.from(content) });
  const folder = (path: string, mode = 0o755): CpioEntry => ({ path, mode: 0o040000 | mode });
  const link = (path: string, to: string): CpioEntry => ({ path, mode: 0o120777, content: Buffer.from(to) });
  const control = 'run/systemd/system.control';
  const name = 'murmur-access.service';
  return [
    folder('run'),
    folder(bootFolder.slice(1), 0o700),
    text(`${bootFolder.slice(1)}/serve`, 0o700, serve),
    folder(jail.slice(1)),
    ...['bin', 'dev', 'etc', 'lib', 'lib64', 'proc'].map((one) => folder(`${below}${one}`)),
    ...['root', 'root/.ssh'].map((one) => folder(`${below}${one}`, 0o700)),
    text(`${below}etc/passwd`, 0o644, 'root:x:0:0:root:/root:/bin/leave\n'),
    text(`${below}etc/shells`, 0o644, '/bin/leave\n'),
    text(`${below}bin/leave`, 0o755, leave),
    { path: `${below}bin/busybox`, mode: 0o100755, content: programs.busybox },
    link(`${below}bin/sh`, 'busybox'),
    ...programs.server.map((file) => ({ path: `${below}${placeOf(file.name)}`, mode: 0o100755, content: file.content })),
    folder('run/systemd'),
    folder(control),
    text(`${control}/${name}`, 0o644, unit),
    ...['sysinit.target.wants', 'emergency.target.wants'].flatMap((wants) => [
      folder(`${control}/${wants}`),
      link(`${control}/${wants}/${name}`, `../${name}`),
    ]),
    // The console is a file here: nobody logs in on it.
    ...['serial-getty@ttyS0.service', 'getty@tty1.service'].map((getty) => link(`${control}/${getty}`, '/dev/null')),
    folder('run/systemd/resolve'),
    text('run/systemd/resolve/stub-resolv.conf', 0o644, 'nameserver 10.0.2.3\n'),
    folder('run/systemd/resolved.conf.d'),
    text('run/systemd/resolved.conf.d/murmur.conf', 0o644, '[Resolve]\nDNS=10.0.2.3\n'),
  ];
}

function placeOf(name: string): string {
  if (name === 'dropbear') return 'bin/dropbear';
  return name.startsWith('ld-') ? `lib64/${name}` : `lib/${name}`;
}

/** The texts among the entries: what was built from others is not the same. */
export const accessInputs = [serve, leave, unit] as const;

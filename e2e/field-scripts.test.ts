import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { cleanStart } from '../packages/server/src/bake/supervisor/clean-start.js';
import { logOf, runEnded } from './harness/bakes.js';
import { murmur, murmurOk } from './harness/cli.js';
import { startServer, type TestServer } from './harness/server.js';

const place = ['murmur-qemu-small', 'murmur-qemu-local'] as const;
const long = 900_000;

/** What scripts of other image builders do, each a thing that a bake has to live with. */
const rough = String.raw`#!/bin/bash
exec > >(while IFS= read -r line; do echo "[s] $line"; done) 2>&1
systemctl restart systemd-logind ssh networking || true
ssh-keygen -A
chattr +i /etc/ssh/ssh_host_*_key
echo kept > /var/log/kept.log; chattr +a /var/log/kept.log
mkdir -p /opt/keep /tmp/c
echo x > /opt/keep/f
mount --bind /opt/keep /tmp/c
seq 3000
echo LAST
`;

/** It takes longer than anybody waits for a machine. */
const slowToStop = `#!/bin/sh
set -e
cat > /etc/systemd/system/slow.service <<EOF
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/true
ExecStop=/bin/sleep 3000
TimeoutStopSec=infinity
[Install]
WantedBy=multi-user.target
EOF
systemctl enable --now slow
echo made > /opt/made
`;

const inspection = 'ls /etc/ssh/ssh_host_rsa_key /tmp/c 2>/dev/null; cat /var/log/kept.log; cat /opt/keep/f';

/** Slow: a whole Debian is built and booted several times. `MURMUR_FULL=sweep` runs it. */
describe.runIf(process.env['MURMUR_FULL'] === 'sweep')('on a whole Debian', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startServer();
    await murmurOk(server, ['base', 'build']);
  }, long);
  afterAll(() => server.remove());

  const bake = async (name: string, script: string) => {
    const document = {
      name,
      base_image_qemu_ref: 'murmur-qemu-base',
      provisioning_timeout: '10m',
      provisioning_script: script,
    };
    await murmurOk(server, ['set', 'recipe', name], { stdin: JSON.stringify(document) });
    await murmur(server, ['bake', '--wait', name, ...place]);
    const run = await runEnded(server, name);
    return { run, log: await logOf(server, run.run_id) };
  };

  it(
    'a script that restarts services, prints through a filter, locks files and leaves a mount is baked whole',
    async () => {
      const { log, run } = await bake('rough', rough);
      expect(run).toMatchObject({ phase: 'completed', attempt: 1 });
      const printed = log.split('\n').filter((line) => /^\[s\] (\d+|LAST)$/.test(line));
      expect(printed).toEqual([...Array.from({ length: 3000 }, (_, index) => `[s] ${index + 1}`), '[s] LAST']);
      expect(log).toContain('murmur: unmounted what the script had left mounted: /tmp/c\n');
      expect((await murmurOk(server, ['try', run.image_name, ...place, '--', 'sh', '-c', inspection])).trim()).toBe('x');
    },
    long,
  );

  it(
    'a service that does not stop is ended with the machine, whose disk is whole',
    async () => {
      const { log, run } = await bake('slow', slowToStop);
      expect(run).toMatchObject({ phase: 'completed', attempt: 1 });
      expect(log).toContain('murmur: ended with the machine, since it did not stop by itself: slow.service\n');
      expect((await murmurOk(server, ['try', run.image_name, ...place, '--', 'cat', '/opt/made'])).trim()).toBe('made');
    },
    long,
  );

  it(
    'a machine that runs out of memory is told so',
    async () => {
      const { run } = await bake('hungry', '#!/bin/sh\nset -e\ntail /dev/zero\n');
      expect(run).toMatchObject({ phase: 'failed', attempt: 1 });
      expect(run.error).toContain('(the machine ran out of memory; its environment has 1 GiB)');
    },
    long,
  );

  it.each([
    ['echo UUID=0f0f0f0f-0000-4000-8000-000000000001 /data ext4 defaults 0 2 >>/etc/fstab', '/etc/fstab names UUID='],
    ['mv /lib/systemd/systemd /lib/systemd/away', '/sbin/init is missing'],
    ['systemctl set-default poweroff.target', "systemd's default target is poweroff.target"],
  ])(
    'a script that leaves an image which would not start fails once: %s',
    async (command, reason) => {
      const { run } = await bake('startless', `#!/bin/sh\nset -e\n${command}\n`);
      expect(run).toMatchObject({ phase: 'failed', attempt: 1 });
      expect(run.error).toContain(`no machine of this image could be used: ${reason}`);
    },
    long,
  );

  it(
    'an image whose own SSH server lets Murmur in no more is told, where there is no other way in',
    async () => {
      const look = `${cleanStart}\nstartless=; check_login; printf %s "$startless"`;
      const asked = async (settings: string) => {
        const set = `echo '${settings}' >/etc/ssh/sshd_config.d/murmur.conf; ssh-keygen -A >/dev/null`;
        // Without the way in that these machines have, as on a cloud.
        const command = `${set}; unshare -m sh -c 'mount -t tmpfs run /run; mkdir /run/sshd; exec sh -c "$1"' sh "$1"`;
        return (await murmurOk(server, ['try', 'murmur-qemu-base', ...place, '--', 'sh', '-c', command, 'sh', look])).trim();
      };
      expect(await asked('')).toBe('');
      expect(await asked('Port 2222')).toBe('its SSH server does not listen on port 22');
      expect(await asked('AllowUsers ana')).toBe('its SSH server lets root in no more (AllowUsers)');
      expect(await asked('PermitRootLogin no')).toBe('its SSH server lets root in no more (PermitRootLogin)');
      expect(await asked('Prot 22')).toMatch(/^its SSH server does not start: .*line 1/);
    },
    long,
  );

  it(
    'a script that kills everything fails once, in those words',
    async () => {
      const { run } = await bake('fatal', '#!/bin/sh\nkill -9 -1\nsleep 60\n');
      expect(run).toMatchObject({ phase: 'failed', attempt: 1, error: 'the script ended its own supervisor in the machine' });
    },
    long,
  );
});

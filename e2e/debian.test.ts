import { rm, stat } from 'node:fs/promises';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { logOf, runEnded } from './harness/bakes.js';
import { murmur, murmurOk } from './harness/cli.js';
import { machineFolders, machinesOf } from './harness/machines.js';
import { startServer, type TestServer } from './harness/server.js';

const place = ['murmur-qemu-small', 'murmur-qemu-local'] as const;

const recipe = `name: toolbox
description: A Debian package, a tool of our own and a file for the user murmur
base_image_qemu_ref: murmur-qemu-base
provisioning_timeout: 10m
secret_allowlist: [TOOLBOX_TOKEN]
provisioning_script: |
  #!/bin/bash
  set -euo pipefail
  apt-get update -q
  apt-get install -y -q --no-install-recommends figlet
  printf '#!/bin/sh\\nfiglet -f term "$@"\\n' > /usr/local/bin/shout
  chmod 755 /usr/local/bin/shout
  install -d -o murmur -g murmur /home/murmur/project
  echo "for the agent" > /home/murmur/project/notes
  chown murmur: /home/murmur/project/notes
  # What locked everybody out of images before, each by itself; and what a login of an ordinary machine sees.
  passwd -l root
  echo Port 2222 > /etc/ssh/sshd_config.d/port.conf
  echo 'echo Welcome to the dev box; exec false' >> /root/.bashrc
  usermod -s /usr/sbin/nologin root
  echo 'ALL: ALL' > /etc/hosts.deny
  echo TOOLBOX_HOME=/opt/toolbox >> /etc/environment
  echo 'root soft nofile 4321' >> /etc/security/limits.conf
  echo "token has \${#TOOLBOX_TOKEN} characters: $TOOLBOX_TOKEN"
`;

/** What makes a machine itself, the recipe's work, and what a bake must have taken away: one machine answers it all. */
const inspection = `
echo "id $(cat /etc/machine-id)"
for key in $(sshd -T 2>/dev/null | awk '/^hostkey /{print $2}'); do [ -e $key ] && echo "id $(ssh-keygen -lf $key)"; done
echo "tool $(shout hello)"
echo "file $(stat -c '%U %a' /home/murmur/project/notes)"
for path in /root/.ssh/authorized_keys /root/.bash_history /run/murmur/script /var/lib/cloud/instance; do [ -s $path ] && echo "left $path"; done
echo "login $TOOLBOX_HOME $(ulimit -n) $(tput -T "$TERM" cols)"
for path in /dev/fuse /dev/net/tun /usr/share/zoneinfo/Europe/Berlin; do [ -e $path ] || echo "left out $path"; done
systemctl restart systemd-binfmt systemd-logind ssh || echo "left out a restart"
resolvectl status >/dev/null || echo "left out resolvectl"
systemctl list-units --failed --plain --no-legend | sed 's/^/left failed /'
grep -rl s3cret-of-the-toolbox /etc /root /home /var /tmp 2>/dev/null | sed 's/^/left /'
true
`;

// Installing a system and booting it several times takes minutes without hardware acceleration.
const long = 600_000;

describe.runIf(process.env['MURMUR_FULL'] === '1')('a Debian image', () => {
  let server: TestServer;
  let image = '';
  const inspect = async (): Promise<string[]> => {
    const said = await murmurOk(server, ['try', image, ...place, '--', 'sh', '-c', inspection]);
    return said.trim().split('\n');
  };

  beforeAll(async () => {
    server = await startServer();
    await murmurOk(server, ['base', 'build']);
  }, long);
  afterAll(() => server.remove());

  it(
    'is baked from the platform base by a script that installs packages, and leaves nothing behind',
    async () => {
      await murmurOk(server, ['set', 'recipe', 'toolbox'], { stdin: recipe });
      const waited = await murmur(server, ['bake', '--wait', '-e', 'TOOLBOX_TOKEN=s3cret-of-the-toolbox', 'toolbox', ...place]);
      expect(waited.stderr).not.toContain('s3cret-of-the-toolbox');
      expect(waited).toMatchObject({ code: 0 });

      const run = await runEnded(server, 'toolbox');
      expect(run).toMatchObject({ phase: 'completed', attempt: 1 });
      expect(await logOf(server, run.run_id)).toContain('token has 21 characters: [redacted]');
      expect(await machinesOf(server.dataDir)).toEqual([]);
      expect(await machineFolders(server.dataDir)).toEqual([]);
      image = run.image_name;
    },
    long,
  );

  it(
    'boots in new machines where the tool answers, nothing of the bake is left and no two share an identity',
    async () => {
      const answers = await Promise.all([inspect(), inspect()]);
      for (const answer of answers) {
        expect(answer.some((line) => line.startsWith('tool ') && line.includes('hello'))).toBe(true);
        expect(answer).toContain('file murmur 644');
        expect(answer).toContain('login /opt/toolbox 4321 80');
        expect(answer.filter((line) => line.startsWith('left '))).toEqual([]);
      }
      const [one = [], other = []] = answers.map((answer) => answer.filter((line) => line.startsWith('id ')));
      expect(one.length).toBeGreaterThanOrEqual(2);
      expect(other).toHaveLength(one.length);
      expect(one.filter((line) => other.includes(line))).toEqual([]);
    },
    long,
  );

  it(
    'is exported as one file that needs no other',
    async () => {
      const file = join(server.dataDir, 'exported.qcow2');
      await murmurOk(server, ['image', 'export', image, file]);
      expect((await stat(file)).size).toBeGreaterThan(100 * 1024 * 1024);
      await rm(file);
    },
    long,
  );
});

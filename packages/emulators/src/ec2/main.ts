import { parseArgs } from 'node:util';

import { debianDisk, debianUser } from '../machines/debian.js';
import { startEmulator } from './emulator.js';

const usage = `Usage: npm run emulator:ec2 -- --listen 127.0.0.1:PORT --data-dir DIR [--base-disk FILE | --debian]

Emulates EC2 and STS with real QEMU machines, for tests. What clients need is written to DIR/emulator.json.

  --listen         address and port to listen on; port 0 takes a free one
  --data-dir       folder for disks; what an earlier emulator left there goes
  --base-disk      disk with a boot loader and cloud-init, in place of the tiny test disk
  --debian         a Debian with cloud-init as that disk; built in minutes the first time, and kept in the cache folder
  --ssh-user       who logs in to the base disk; admin, or debian with --debian, unless given
  --memory-mb      memory of each machine; 1024 with a base disk, 128 without
  --external-id    external id that the role accepts, repeatable; local/default unless given
`;

const { values } = parseArgs({
  options: {
    listen: { type: 'string' },
    'data-dir': { type: 'string' },
    'base-disk': { type: 'string' },
    debian: { type: 'boolean' },
    'ssh-user': { type: 'string' },
    'memory-mb': { type: 'string' },
    'external-id': { type: 'string', multiple: true },
    help: { type: 'boolean', short: 'h' },
  },
});
const [, host, port] = /^(127\.\d+\.\d+\.\d+):(\d{1,5})$/.exec(values.listen ?? '') ?? [];
const dataDir = values['data-dir'];

if (values.help === true) process.stdout.write(usage);
else if (host === undefined || dataDir === undefined) {
  process.stderr.write(`emulator: --listen with a loopback address and --data-dir are needed\n\n${usage}`);
  process.exitCode = 2;
} else await serve(host, Number(port), dataDir);

async function serve(address: string, onPort: number, folder: string): Promise<void> {
  const say = (line: string) => void process.stderr.write(`emulator: ${line}\n`);
  const debian = values.debian === true ? { baseDisk: await debianDisk(say), sshUser: debianUser } : {};
  const emulator = await startEmulator({
    listen: { host: address, port: onPort },
    dataDir: folder,
    ...debian,
    ...(values['base-disk'] === undefined ? {} : { baseDisk: values['base-disk'] }),
    ...(values['ssh-user'] === undefined ? {} : { sshUser: values['ssh-user'] }),
    ...(values['memory-mb'] === undefined ? {} : { memoryMb: Number(values['memory-mb']) }),
    ...(values['external-id'] === undefined ? {} : { externalIds: values['external-id'] }),
  });
  process.stdout.write(`ec2 emulator listening on ${emulator.description.endpoint}\n`);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => void emulator[Symbol.asyncDispose]().then(() => process.exit(0)));
  }
}

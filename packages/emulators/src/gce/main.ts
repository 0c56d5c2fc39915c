import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';

import { startEmulator } from './emulator.js';
import { changeProvider } from './identity.js';

const usage = `Usage: npm run emulator:gce -- --listen 127.0.0.1:PORT --data-dir DIR [--base-disk FILE]

Emulates Google's Compute Engine, its token service and IAM with real QEMU machines, for tests. What clients need is written to
DIR/emulator.json.

  --listen         address and port to listen on; port 0 takes a free one
  --data-dir       folder for disks; what an earlier emulator left there goes
  --base-disk      disk with a boot loader and Google's guest agent, in place of the tiny test disk
  --memory-mb      memory of each machine; 1024 with a base disk, 128 without
  --subject        subject that may act as the service account, repeatable; local/default unless given, * for any
  --issuer         issuer whose tokens the provider takes
  --jwks           file with that issuer's public keys; both can be set later by IAM's own call
`;

const { values } = parseArgs({
  options: {
    listen: { type: 'string' },
    'data-dir': { type: 'string' },
    'base-disk': { type: 'string' },
    'memory-mb': { type: 'string' },
    subject: { type: 'string', multiple: true },
    issuer: { type: 'string' },
    jwks: { type: 'string' },
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
  const emulator = await startEmulator({
    listen: { host: address, port: onPort },
    dataDir: folder,
    ...(values['base-disk'] === undefined ? {} : { baseDisk: values['base-disk'] }),
    ...(values['memory-mb'] === undefined ? {} : { memoryMb: Number(values['memory-mb']) }),
    ...(values.subject === undefined ? {} : { subjects: values.subject }),
  });
  const jwksJson = values.jwks === undefined ? undefined : await readFile(values.jwks, 'utf8');
  changeProvider(emulator.provider, { oidc: { issuerUri: values.issuer, jwksJson } });
  process.stdout.write(`gce emulator listening on ${emulator.description.endpoint}\n`);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => void emulator[Symbol.asyncDispose]().then(() => process.exit(0)));
  }
}

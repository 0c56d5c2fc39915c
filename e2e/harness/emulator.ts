import { execFile, spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';

/** An emulated AWS account, as its `emulator.json` describes it. */
export interface EmulatedAccount {
  readonly endpoint: string;
  readonly region: string;
  readonly account_id: string;
  readonly access_key_id: string;
  readonly secret_access_key: string;
  readonly role_arn: string;
  readonly subnets: readonly string[];
  readonly security_group_id: string;
  readonly image_id: string;
  readonly ssh_user: string;
}

/** The emulator of EC2 as a process of its own, the way anybody starts it. */
export interface Ec2Emulator {
  readonly account: EmulatedAccount;
  readonly dataDir: string;
  /** What Debian's `aws ec2` answers. */
  aws(...args: readonly string[]): Promise<unknown>;
  /** Stops it and removes its data. */
  remove(): Promise<void>;
}

const program = resolve(import.meta.dirname, '../../packages/emulators/dist/ec2/main.js');

/** Starts the built emulator on a free port. */
export async function startEc2Emulator(...args: readonly string[]): Promise<Ec2Emulator> {
  const dataDir = await mkdtemp(join(tmpdir(), 'murmur-ec2-'));
  const started = spawn(process.execPath, [program, '--listen', '127.0.0.1:0', '--data-dir', dataDir, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = new Promise<string>((settle) => started.once('exit', (code) => settle(`exited with ${String(code)}`)));
  const ready = new Promise<string>((settle) => createInterface({ input: started.stdout }).once('line', settle));
  const line = await Promise.race([ready, exited]);
  if (!/^ec2 emulator listening on http:\/\/\S+$/.test(line)) throw new Error(`the emulator did not start: ${line}`);
  const account = JSON.parse(await readFile(join(dataDir, 'emulator.json'), 'utf8')) as EmulatedAccount;
  const env = {
    PATH: '/usr/bin:/bin',
    HOME: dataDir,
    AWS_ACCESS_KEY_ID: account.access_key_id,
    AWS_SECRET_ACCESS_KEY: account.secret_access_key,
    AWS_DEFAULT_REGION: account.region,
    AWS_EC2_METADATA_DISABLED: 'true',
  };
  return {
    account,
    dataDir,
    async aws(...command) {
      const whole = ['--endpoint-url', account.endpoint, '--output', 'json', 'ec2', ...command];
      const { stdout } = await promisify(execFile)('/usr/bin/aws', whole, { env });
      return stdout === '' ? undefined : (JSON.parse(stdout) as unknown);
    },
    async remove() {
      started.kill('SIGTERM');
      await exited;
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

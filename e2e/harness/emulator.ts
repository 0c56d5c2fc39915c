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

/** An emulated project of Google's, as its `emulator.json` describes it. */
export interface EmulatedProject {
  readonly endpoint: string;
  readonly project: string;
  readonly zones: readonly string[];
  readonly network: string;
  readonly token: string;
  readonly base_image: string;
  readonly ssh_user: string;
  readonly wif_provider_resource_name: string;
  readonly wif_service_account: string;
}

/** The emulator of GCE as a process of its own. */
export interface GceEmulator {
  readonly project: EmulatedProject;
  readonly dataDir: string;
  /** What Google's API answers to whoever has the project's token, below the emulator's address. */
  ask(method: string, path: string, body?: object): Promise<unknown>;
  /** Stops it and removes its data. */
  remove(): Promise<void>;
}

/** Starts a built emulator on a free port. */
async function startEmulator<T>(cloud: 'ec2' | 'gce', args: readonly string[]) {
  const dataDir = await mkdtemp(join(tmpdir(), `murmur-${cloud}-`));
  const program = resolve(import.meta.dirname, `../../packages/emulators/dist/${cloud}/main.js`);
  const started = spawn(process.execPath, [program, '--listen', '127.0.0.1:0', '--data-dir', dataDir, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = new Promise<string>((settle) => started.once('exit', (code) => settle(`exited with ${String(code)}`)));
  const ready = new Promise<string>((settle) => createInterface({ input: started.stdout }).once('line', settle));
  const line = await Promise.race([ready, exited]);
  if (!new RegExp(`^${cloud} emulator listening on http://\\S+$`).test(line)) throw new Error(`the emulator did not start: ${line}`);
  return {
    description: JSON.parse(await readFile(join(dataDir, 'emulator.json'), 'utf8')) as T,
    dataDir,
    async remove() {
      started.kill('SIGTERM');
      await exited;
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

/** Starts the built emulator of GCE on a free port. */
export async function startGceEmulator(...args: readonly string[]): Promise<GceEmulator> {
  const { dataDir, description: project, remove } = await startEmulator<EmulatedProject>('gce', args);
  return {
    project,
    dataDir,
    remove,
    async ask(method, path, body) {
      const headers = { authorization: `Bearer ${project.token}`, 'content-type': 'application/json' };
      const response = await fetch(`${project.endpoint}${path}`, {
        method,
        headers,
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      if (!response.ok) throw new Error(`${method} ${path}: ${await response.text()}`);
      return response.json();
    },
  };
}

/** Starts the built emulator of EC2 on a free port. */
export async function startEc2Emulator(...args: readonly string[]): Promise<Ec2Emulator> {
  const { dataDir, description: account, remove } = await startEmulator<EmulatedAccount>('ec2', args);
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
    remove,
  };
}

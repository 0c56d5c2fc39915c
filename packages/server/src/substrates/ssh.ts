import { constants } from 'node:os';
import type { Socket } from 'node:net';

import { MurmurError } from '@murmur/api';
import { Client, type ClientChannel } from 'ssh2';

import { frameCommand } from './command-frame.js';
import { publicKeyBlob } from './guest-keys.js';
import { PlatformFault, type CommandResult, type GuestChannel, type GuestKeys } from './substrate.js';

/** More than this from {@link GuestChannel.run} is an error: who expects more streams it. */
const outputLimit = 1024 * 1024;
/** A guest that answers nothing for three of these is lost. */
const keepaliveMs = 5000;
const handshakeMs = 60_000;

/** Where a guest's SSH server is, and the keys that prove both sides. */
export interface SshTarget {
  readonly host: string;
  readonly port: number;
  readonly keys: GuestKeys;
  readonly signal: AbortSignal;
  /** A connection to that server opened already, nothing read from it. */
  readonly socket?: Socket;
  /** Who logs in; root where it is not said. */
  readonly username?: string;
}

/** A channel over one SSH connection. */
export interface SshChannel extends GuestChannel {
  /** Whether the connection has ended; every use fails from then on. */
  readonly lost: boolean;
}

type StreamSink = Parameters<GuestChannel['stream']>[1];
type StreamOptions = Parameters<GuestChannel['stream']>[2];

/**
 * Logs in to a guest as root with its one client key and accepts no host key but the pinned one. Throws
 * {@link PlatformFault} when the guest cannot be reached; a wrong host key or refused login is final.
 */
export async function connectSsh(target: SshTarget): Promise<SshChannel> {
  const client = await login(target);
  const loss = lossOf(client);
  const channel: SshChannel = {
    get lost() {
      return loss.fault !== undefined;
    },
    async run(command, options = {}) {
      const output = { stdout: new Collector(), stderr: new Collector() };
      const exitCode = await executeFramed(client, loss, command, collecting(output), options);
      return { exitCode, stdout: output.stdout.text(), stderr: output.stderr.text() } satisfies CommandResult;
    },
    stream: (command, sink, options = {}) => executeFramed(client, loss, command, sink, options),
    async [Symbol.asyncDispose]() {
      if (loss.fault !== undefined) {
        target.socket?.destroy();
        return;
      }
      await new Promise<void>((resolve) => {
        // A guest that powered off or stands still never says goodbye, and a client that has said its own does not hang up.
        const limit = setTimeout(() => {
          client.destroy();
          target.socket?.destroy();
          resolve();
        }, 1000);
        client.once('close', () => {
          clearTimeout(limit);
          resolve();
        });
        client.end();
      });
    },
  };
  return channel;
}

function login({ host, port, keys, signal, socket, username = 'root' }: SshTarget): Promise<Client> {
  const expected = publicKeyBlob(keys.hostPublic);
  return new Promise((resolve, reject) => {
    const client = new Client();
    let wrongHost = false;
    const fail = (error: Error) => {
      settle();
      client.on('error', () => client.destroy());
      client.destroy();
      reject(error);
    };
    const onError = (error: Error & { level?: string }) => {
      if (wrongHost) fail(otherHost(host, port));
      else if (error.level === 'client-authentication') fail(loginRefused());
      else fail(unreachable(host, port, error));
    };
    const onClose = () => fail(unreachable(host, port));
    const onAbort = () => fail(abortError(signal));
    const settle = () => {
      signal.removeEventListener('abort', onAbort);
      client.off('error', onError).off('close', onClose);
    };
    if (signal.aborted) {
      socket?.destroy();
      return reject(abortError(signal));
    }
    signal.addEventListener('abort', onAbort, { once: true });
    client.on('error', onError).on('close', onClose);
    client.once('ready', () => {
      settle();
      resolve(client);
    });
    client.connect({
      host,
      port,
      ...(socket === undefined ? {} : { sock: socket }),
      username,
      privateKey: keys.clientPrivate,
      authHandler: ['publickey'],
      algorithms: { serverHostKey: ['ssh-ed25519'], kex: ['curve25519-sha256', 'curve25519-sha256@libssh.org'] },
      hostVerifier: (key: Buffer) => {
        wrongHost = !key.equals(expected);
        return !wrongHost;
      },
      readyTimeout: handshakeMs,
      keepaliveInterval: keepaliveMs,
      keepaliveCountMax: 3,
    });
  });
}

interface Loss {
  fault: PlatformFault | undefined;
  readonly waiting: Set<(fault: PlatformFault) => void>;
}

/** Watches a connection, so that every command running over it learns at once that the guest is gone. */
function lossOf(client: Client): Loss {
  const loss: Loss = { fault: undefined, waiting: new Set() };
  const lose = (cause?: unknown) => {
    loss.fault ??= new PlatformFault('the connection to the machine was lost', { cause });
    for (const tell of loss.waiting) tell(loss.fault);
    loss.waiting.clear();
  };
  client.on('error', lose).on('close', () => lose());
  return loss;
}

async function executeFramed(client: Client, loss: Loss, command: string, sink: StreamSink, options: StreamOptions): Promise<number> {
  const framed = frameCommand(command, sink);
  const exitCode = await execute(client, loss, framed.command, framed.sink, options);
  framed.assertBegun();
  return exitCode;
}

function execute(client: Client, loss: Loss, command: string, sink: StreamSink, options: StreamOptions = {}): Promise<number> {
  const { signal, stdin } = options;
  return new Promise<number>((resolve, reject) => {
    let channel: ClientChannel | undefined;
    let exit: number | undefined;
    let settled = false;
    const finish = (act: () => void) => {
      if (settled) return;
      settled = true;
      loss.waiting.delete(onLoss);
      signal?.removeEventListener('abort', onAbort);
      act();
    };
    const fail = (error: unknown) =>
      finish(() => {
        channel?.close();
        reject(error);
      });
    const onLoss = (fault: PlatformFault) => fail(fault);
    const onAbort = () => fail(abortError(signal));
    if (loss.fault !== undefined) return fail(loss.fault);
    if (signal?.aborted === true) return fail(abortError(signal));
    loss.waiting.add(onLoss);
    signal?.addEventListener('abort', onAbort, { once: true });
    const hand = (take: (chunk: Buffer) => void) => (chunk: Buffer) => {
      try {
        if (!settled) take(chunk);
      } catch (error) {
        fail(error);
      }
    };
    const onChannel = (opened: ClientChannel) => {
      channel = opened;
      if (settled) {
        opened.close();
        return;
      }
      opened.on(
        'data',
        hand((chunk) => sink.stdout(chunk)),
      );
      opened.stderr.on(
        'data',
        hand((chunk) => sink.stderr(chunk)),
      );
      opened.on('exit', (code: number | null, name?: string) => {
        exit = code ?? 128 + signalNumber(name);
      });
      opened.on('error', fail);
      // Without an exit status the guest's SSH server itself went away in mid-command.
      opened.on('close', () =>
        finish(() => (exit === undefined ? reject(new PlatformFault('the machine ended the command without a status')) : resolve(exit))),
      );
      opened.end(stdin);
    };
    try {
      client.exec(command, (error, opened) =>
        error ? fail(loss.fault ?? new PlatformFault(`the machine did not run a command: ${error.message}`)) : onChannel(opened),
      );
    } catch (error) {
      fail(new PlatformFault('the connection to the machine was lost', { cause: error }));
    }
  });
}

class Collector {
  private readonly chunks: Buffer[] = [];
  private length = 0;

  add(chunk: Buffer): void {
    this.length += chunk.length;
    if (this.length > outputLimit) throw new Error('a command in the machine printed more than 1 MiB');
    this.chunks.push(chunk);
  }

  text(): string {
    return Buffer.concat(this.chunks).toString('utf8');
  }
}

function collecting(output: { stdout: Collector; stderr: Collector }): StreamSink {
  return { stdout: (chunk) => output.stdout.add(chunk), stderr: (chunk) => output.stderr.add(chunk) };
}

function signalNumber(name: string | undefined): number {
  const entry = Object.entries(constants.signals).find(([known]) => known === `SIG${name}`);
  return entry?.[1] ?? 0;
}

function unreachable(host: string, port: number, cause?: Error): PlatformFault {
  return new PlatformFault(`the machine at ${host}:${port} does not answer${cause === undefined ? '' : `: ${cause.message}`}`, { cause });
}

/** The image's own SSH server decides who comes in where the image has no other way, and a script may have changed its mind. */
function loginRefused(): MurmurError {
  return new MurmurError('FAILED_PRECONDITION', 'the image refuses the login as root that Murmur needs', {
    hint:
      "A script has locked root, changed the SSH server's settings or the owner of /. " +
      'Bake the image again on a base image built by this version, which keeps a way in of its own.',
  });
}

/** A guest that does not take the key it was given, or somebody else who answers in its place. */
function otherHost(host: string, port: number): MurmurError {
  return new MurmurError('FAILED_PRECONDITION', `the machine at ${host}:${port} presented another host key than the one it was given`, {
    hint:
      "A script has changed the SSH server's host keys, or something else answers at that address. " +
      'Bake the image again on a base image built by this version, whose way in has keys of its own.',
  });
}

function abortError(signal: AbortSignal | undefined): Error {
  return signal?.reason instanceof Error ? signal.reason : new Error('the operation was aborted', { cause: signal?.reason });
}

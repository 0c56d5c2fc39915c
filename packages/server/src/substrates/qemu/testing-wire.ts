import { chmod, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { createConnection, createServer, type Server, type Socket } from 'node:net';
import path from 'node:path';
import { createInterface, type Interface } from 'node:readline';

import { keepWire, type Wire, type WireFault } from '../conformance-wire.js';

/** The way between the substrate and the programs and machines of its host, where it can be broken. */
export interface HostWire extends AsyncDisposable {
  readonly wire: Wire;
}

/** How long a machine that stands still is waited for before it is given up: whatever does not need it has ended by then. */
const standstillMs = 30_000;

const ofPrograms: readonly WireFault[] = ['reply lost', 'fails once', 'hangs', 'denied'];
const ofMachines: readonly WireFault[] = ['reply lost', 'fails once', 'hangs'];

/**
 * Takes the place of a program of QEMU's on the path: it asks the test what to do, and becomes the real one where the test lets
 * it. A machine's control socket is given to the test, which stands before it.
 */
const standIn = (socket: string) => `#!/usr/bin/perl
use IO::Socket::UNIX;
my ($name) = $0 =~ m{([^/]+)$};
my $real = "/usr/bin/$name";
my $machine = grep { $_ eq '-pidfile' } @ARGV;
exec $real, @ARGV unless $machine or $name eq 'qemu-img' and $ARGV[0] ne '--version';
my $wire = IO::Socket::UNIX->new(Peer => '${socket}') or die 'no test';
my ($control) = map { m{^unix:(.*),server=on} } @ARGV;
print $wire $machine ? "qemu-system\\t$control\\n" : "$name $ARGV[0]\\n";
$wire->flush;
my ($fault, $moved) = split /\\t/, <$wire> =~ s/\\n//r;
if ($fault eq 'hangs') { <$wire>; exit 1 }
if ($fault eq 'fails once') { print STDERR "a test says no\\n"; exit 1 }
if ($fault eq 'denied') { print STDERR "$real: Permission denied\\n"; exit 126 }
if ($fault eq 'reply lost') { system $real, @ARGV; kill 'KILL', $$ }
close $wire;
if ($machine) { s{^unix:\\Q$control\\E,}{unix:$moved,} for @ARGV }
exec $real, @ARGV;
`;

/** Puts stand-ins before QEMU's programs, for this process and what it starts. */
export async function standBeforeQemu(folder: string): Promise<HostWire> {
  const polled = ['qmp query-status', 'qmp human-monitor-command', 'qmp ringbuf-read', 'qemu-img info'];
  const kept = keepWire([], polled);
  const stopped = new Set<number>();
  let standing: NodeJS.Timeout | undefined;
  const servers: Server[] = [];
  const sockets = new Set<Socket>();
  const listen = async (server: Server, socket: string) => {
    servers.push(server);
    server.on('connection', (connection) => {
      sockets.add(connection);
      connection.on('error', () => undefined).on('close', () => sockets.delete(connection));
    });
    await new Promise<void>((resolve) => server.listen(socket, resolve));
  };

  const bin = path.join(folder, 'bin');
  const control = path.join(folder, 'wire.sock');
  await mkdir(bin, { recursive: true });
  for (const program of ['qemu-img', 'qemu-system-x86_64']) {
    await writeFile(path.join(bin, program), standIn(control));
    await chmod(path.join(bin, program), 0o755);
  }
  let machines = 0;
  const programs = createServer((connection) => {
    linesOf(connection).once('line', (line) => {
      const [call = '', socket] = line.split('\t');
      const fault = kept.meet(call);
      if (fault === 'hangs') kept.whenDisarmed(() => connection.destroy());
      const answer = async () => {
        const moved = path.join(folder, `qmp-${++machines}`);
        if (socket !== undefined && fault === undefined) await listen(beforeMachine(moved), socket);
        connection.write(`${fault ?? ''}\t${moved}\n`);
      };
      void answer();
    });
  });
  await listen(programs, control);

  /** Stands before the control socket of a machine. */
  const beforeMachine = (real: string) =>
    createServer((client) => {
      const machine = createConnection(real).on('error', () => client.destroy());
      client.on('close', () => machine.destroy());
      machine.on('close', () => client.destroy());
      let lost = false;
      linesOf(machine).on('line', (line) => {
        if (lost && line.includes('"ours"')) client.destroy();
        else client.write(`${line}\n`);
      });
      linesOf(client).on('line', (line) => {
        const { execute, id } = JSON.parse(line) as { execute: string; id?: string };
        const fault = execute === 'qmp_capabilities' ? undefined : kept.meet(`qmp ${execute}`);
        lost ||= fault === 'reply lost';
        if (fault === 'hangs') kept.whenDisarmed(() => client.destroy());
        else if (fault === 'fails once') client.write(`${JSON.stringify({ error: { desc: 'a test says no' }, id })}\n`);
        else machine.write(`${line}\n`);
      });
    });

  const before = process.env['PATH'] ?? '';
  process.env['PATH'] = `${bin}:${before}`;
  const wire: Wire = {
    ...kept,
    faultsOf(call) {
      if (call === 'guest') return ['hangs'];
      if (call === 'qemu-system') return ofPrograms.filter((fault) => fault !== 'reply lost');
      return call.startsWith('qmp ') ? ofMachines : ofPrograms;
    },
    calls: () => [...kept.calls(), 'guest'],
    async arm(call, fault, met) {
      if (call !== 'guest') return kept.arm(call, fault, met);
      for (const pid of await machinesBelow(folder)) {
        tell(pid, 'SIGSTOP');
        stopped.add(pid);
      }
      standing = setTimeout(met, standstillMs);
    },
    disarm() {
      kept.disarm();
      clearTimeout(standing);
      for (const pid of stopped) tell(pid, 'SIGCONT');
      stopped.clear();
    },
  };
  return {
    wire,
    async [Symbol.asyncDispose]() {
      process.env['PATH'] = before;
      for (const socket of sockets) socket.destroy();
      await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
    },
  };
}

/** Sends a signal to a machine that may have ended. */
function tell(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}

/** What comes over a connection, line by line. That it breaks off is for whoever has the connection: a reader hands it on, too. */
function linesOf(connection: Socket): Interface {
  return createInterface({ input: connection }).on('error', () => undefined);
}

/** The QEMU processes whose files lie below a folder. */
async function machinesBelow(folder: string): Promise<readonly number[]> {
  const found: number[] = [];
  for (const name of await readdir('/proc')) {
    const line = /^\d+$/.test(name) ? await readFile(`/proc/${name}/cmdline`, 'utf8').catch(() => '') : '';
    if (/^[^\0]*qemu-system-/.test(line) && line.includes(folder)) found.push(Number(name));
  }
  return found;
}

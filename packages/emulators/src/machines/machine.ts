import { spawn } from 'node:child_process';
import { open, readFile, writeFile } from 'node:fs/promises';
import { createConnection } from 'node:net';
import path from 'node:path';

import { plainEnvironment, qemuProgram, type Accelerator } from '@murmur/server/testing-machines';

/** What a guest is started from where its disk has no boot loader. */
export interface BootFiles {
  readonly kernel: string;
  readonly initrd: string;
  readonly commandLine: string;
}

/** What a machine is started with. */
export interface MachineSpec {
  /** Gets the console's text and the control sockets; its path is short enough for them. */
  readonly folder: string;
  readonly name: string;
  /** What the firmware says of the machine, by which guests know the cloud they are in. */
  readonly firmware: { readonly manufacturer: string; readonly product: string; readonly uuid: string; readonly serial: string };
  /** What the guest finds below `/sys/firmware/qemu_fw_cfg/by_name`, by name. */
  readonly firmwareFiles: Readonly<Record<string, string>>;
  readonly disk: string;
  readonly boot: BootFiles | undefined;
  readonly accelerator: Accelerator;
  readonly memoryMb: number;
  /** Its port 22 is the guest's. */
  readonly address: string;
  /** The loopback port of the metadata service that the guest sees at 169.254.169.254. */
  readonly metadataPort: number;
}

/** How a machine's process ended: by what the guest did, or by a blow from outside. */
export type MachineEnd = 'off' | 'killed';

/** A machine that has been started. */
export interface RunningMachine {
  readonly pid: number;
  readonly ended: Promise<MachineEnd>;
  /** Presses its power button. */
  pressPower(): void;
  kill(): void;
}

/**
 * Starts QEMU, which ends when this process does, however that ends. The guest's network is the link-local one, so that the
 * metadata service has the address that guests look for it at.
 */
export async function startMachine(spec: MachineSpec): Promise<RunningMachine> {
  const [monitor, serial] = [path.join(spec.folder, 'monitor'), path.join(spec.folder, 'serial')];
  for (const [name, content] of Object.entries(spec.firmwareFiles)) {
    await writeFile(firmwareFile(spec, name), content, { mode: 0o600 });
  }
  const log = await open(path.join(spec.folder, 'qemu.log'), 'a', 0o600);
  const program = ['--pdeathsig', 'KILL', qemuProgram, ...argumentsOf(spec, monitor, serial)];
  const child = spawn('setpriv', program, { env: plainEnvironment(), stdio: ['ignore', log.fd, log.fd] });
  const ended = new Promise<MachineEnd>((resolve) => child.once('exit', (code) => resolve(code === 0 ? 'off' : 'killed')));
  try {
    await new Promise<void>((resolve, reject) => child.once('spawn', resolve).once('error', reject));
  } finally {
    await log.close();
  }
  return {
    pid: child.pid ?? 0,
    ended,
    pressPower() {
      // A guest without ACPI's button reads the word from its serial line.
      if (spec.boot !== undefined) say(serial, 'poweroff\n');
      say(monitor, 'system_powerdown\n');
    },
    kill: () => void child.kill('SIGKILL'),
  };
}

/** The text on a machine's console. */
export function consoleText(folder: string): Promise<string> {
  return readFile(path.join(folder, 'console.log'), 'utf8').catch(() => '');
}

function firmwareFile({ folder }: MachineSpec, name: string): string {
  return path.join(folder, `firmware-${name.replaceAll('/', '-')}`);
}

function argumentsOf(spec: MachineSpec, monitor: string, serial: string): readonly string[] {
  const { accelerator, address, boot, disk, firmware, firmwareFiles, folder, memoryMb, metadataPort, name } = spec;
  const network = [
    'user,id=net,ipv6=off,net=169.254.169.0/24,host=169.254.169.2,dns=169.254.169.3,dhcpstart=169.254.169.15',
    `hostfwd=tcp:${address}:22-:22`,
    `guestfwd=tcp:169.254.169.254:80-cmd:busybox nc 127.0.0.1 ${metadataPort}`,
  ].join(',');
  return [
    ...['-name', `guest=${name}`, '-no-user-config', '-nodefaults', '-display', 'none'],
    ...['-machine', 'q35,vmport=off,usb=off'],
    ...(accelerator === 'kvm' ? ['-accel', 'kvm', '-cpu', 'host'] : ['-accel', 'tcg,thread=multi,tb-size=256', '-cpu', 'max']),
    ...['-smp', '1', '-m', String(memoryMb)],
    ...[
      '-smbios',
      `type=1,${Object.entries(firmware)
        .map(([key, value]) => `${key}=${value.replaceAll(',', ',,')}`)
        .join(',')}`,
    ],
    ...(boot === undefined ? [] : ['-kernel', boot.kernel, '-initrd', boot.initrd, '-append', `${boot.commandLine} console=ttyS0`]),
    ...Object.keys(firmwareFiles).flatMap((file) => ['-fw_cfg', `name=${file},file=${firmwareFile(spec, file).replaceAll(',', ',,')}`]),
    ...['-drive', `if=none,id=disk,format=qcow2,cache=unsafe,discard=unmap,file=${disk.replaceAll(',', ',,')}`],
    ...['-device', 'virtio-blk-pci,drive=disk'],
    ...['-netdev', network, '-device', 'virtio-net-pci,netdev=net,romfile='],
    ...['-object', 'rng-random,id=entropy,filename=/dev/urandom', '-device', 'virtio-rng-pci,rng=entropy'],
    ...['-chardev', `socket,id=console,path=${serial},server=on,wait=off,logfile=${path.join(folder, 'console.log')}`],
    ...['-serial', 'chardev:console', '-monitor', `unix:${monitor},server=on,wait=off`],
  ];
}

/** Says something to a socket of a machine that may be gone by now, which is seen on its process. */
function say(socketPath: string, text: string): void {
  const socket = createConnection(socketPath, () => socket.write(text));
  socket.resume().on('error', () => socket.destroy());
  setTimeout(() => socket.destroy(), 1000).unref();
}

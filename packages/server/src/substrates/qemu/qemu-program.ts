import path from 'node:path';

import { controlCard, controlCardMark } from './initrd/control-card.js';
import { processMark } from './machine-process.js';
import { panicAtOnce } from './panic.js';

/** The emulator for the only architecture this substrate boots. */
export const qemuProgram = 'qemu-system-x86_64';

/** How guests execute: by the processor itself, or by QEMU's translator. */
export type Accelerator = 'kvm' | 'tcg';

/** What a guest wrote to its console last. */
const consoleBytes = 1024 * 1024;

const driveOptions = 'cache=unsafe,discard=unmap,detect-zeroes=unmap';

/** What a machine's QEMU is started with. */
export interface QemuSpec {
  readonly token: string;
  readonly folder: string;
  readonly controlSocket: string;
  readonly eventSocket: string;
  /** The user and group that QEMU becomes before the guest runs; without one it stays who started it. */
  readonly user?: number | undefined;
  readonly accelerator: Accelerator;
  readonly vcpus: number;
  readonly memoryMb: number;
  readonly kernel: string;
  readonly initrd: string;
  readonly commandLine: string;
  /** fw_cfg name to the file that holds its content. */
  readonly seed: ReadonlyMap<string, string>;
}

/**
 * Linux tries at its start whether the timer's interrupts arrive, and counts them against a clock of its own: a translated guest
 * on a busy host fails that although they do, and hangs. Under KVM the kernel leaves it out by itself.
 */
const withoutTimerCheck = 'no_timer_check';

/**
 * The arguments of one machine. q35 rather than microvm: without a PM timer a microvm's kernel measures its clock against
 * the interval timer, which under translation on a busy host fails about every third time, and then the guest hangs.
 */
export function qemuArguments(spec: QemuSpec): readonly string[] {
  const disk = path.join(spec.folder, 'disk.qcow2');
  return [
    ...['-name', `guest=murmur-${spec.token}`, '-no-user-config', '-nodefaults', '-display', 'none'],
    // QEMU stays and stands still, and so tells for as long as it is asked what became of the guest.
    ...['-action', 'reboot=shutdown,shutdown=pause'],
    ...userArguments(spec.user),
    // The guest's memory holds secrets.
    ...['-machine', 'q35,vmport=off,smm=off,usb=off,dump-guest-core=off', ...acceleratorArguments(spec.accelerator)],
    ...['-smp', String(spec.vcpus), '-m', String(spec.memoryMb)],
    ...['-kernel', spec.kernel, '-initrd', spec.initrd, '-append', `${spec.commandLine} console=ttyS0 ${panicAtOnce} ${withoutTimerCheck}`],
    // A scratch machine that the host loses is lost anyway; what becomes an image is synced when it is captured.
    ...['-drive', `if=none,id=disk,format=qcow2,${driveOptions},file=${disk.replaceAll(',', ',,')}`],
    // What fails on the host is none of the guest's business: it stands still instead of seeing an error.
    ...['-device', 'virtio-blk-pci,drive=disk,werror=stop,rerror=stop'],
    ...cards(spec.commandLine.includes(controlCardMark)),
    ...['-object', 'rng-random,id=entropy,filename=/dev/urandom', '-device', 'virtio-rng-pci,rng=entropy'],
    // A ring in memory: how much a guest prints is its own affair.
    ...['-chardev', `ringbuf,id=console,size=${consoleBytes}`, '-serial', 'chardev:console'],
    ...[spec.controlSocket, spec.eventSocket].flatMap((socket) => ['-qmp', `unix:${socket},server=on,wait=off`]),
    ...[...spec.seed].flatMap(([name, file]) => ['-fw_cfg', `name=${name},file=${file.replaceAll(',', ',,')}`]),
    ...processMark(spec.folder),
  ];
}

// Port 0 lets the kernel choose, so that no other program can take the port first; QMP tells which it is.
const forward = 'hostfwd=tcp:127.0.0.1:0-:22';

/** The image's own card first, then the one that only the way in uses; an image from before that is entered by its own card. */
function cards(hasControlCard: boolean): readonly string[] {
  if (!hasControlCard) return ['-netdev', `user,id=net,${forward}`, '-device', 'virtio-net-pci,netdev=net,romfile='];
  return [
    ...['-netdev', 'user,id=net', '-device', 'virtio-net-pci,netdev=net,romfile='],
    ...['-netdev', `user,id=control,restrict=on,${forward}`, '-device', `virtio-net-pci,netdev=control,mac=${controlCard},romfile=`],
  ];
}

/**
 * QEMU opens its files and sockets as who started it and then gives that up for good, so the files need not be that user's.
 * For that it must be able to change its user once; afterwards it has no privilege left to do so.
 */
function userArguments(user: number | undefined): readonly string[] {
  const sandbox = 'on,obsolete=deny,spawn=deny,resourcecontrol=deny';
  return user === undefined ? ['-sandbox', `${sandbox},elevateprivileges=deny`] : ['-sandbox', sandbox, '-runas', `${user}:${user}`];
}

function acceleratorArguments(accelerator: Accelerator): readonly string[] {
  return accelerator === 'kvm' ? ['-accel', 'kvm', '-cpu', 'host'] : ['-accel', 'tcg,thread=multi,tb-size=256', '-cpu', 'max'];
}

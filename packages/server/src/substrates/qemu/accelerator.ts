import { access, constants, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

import type { Logger } from 'pino';

import { bootId } from '../../host/boot-id.js';
import { writeAtomically } from '../../host/durable-files.js';
import { readIfPresent } from './files.js';
import { HostCommandError, runOnHost } from '../host-command.js';
import { cpioArchive } from './initrd/cpio.js';
import { type Accelerator, qemuProgram } from './qemu-program.js';

/** A guest that executes at all says its word within a second; one that hangs never does. */
const probeMs = 5000;
const word = 'murmur-guest-answered';

/** Finds out once per host boot and QEMU version which accelerator works. */
export interface AcceleratorProbe {
  /** The answer, found with this kernel if it is not known yet. */
  of(kernel: string): Promise<Accelerator>;
}

/**
 * `/dev/kvm` may exist, and QEMU may call it enabled, while no guest ever executes. So the probe boots this kernel under KVM
 * with an init that prints one word, and believes only that word. The answer is kept in the data directory.
 */
export function createAcceleratorProbe(dataDir: string, log: Logger): AcceleratorProbe {
  let answer: Promise<Accelerator> | undefined;
  return {
    of(kernel) {
      answer ??= find(dataDir, kernel, log).catch((error: unknown) => {
        answer = undefined;
        throw error;
      });
      return answer;
    },
  };
}

async function find(dataDir: string, kernel: string, log: Logger): Promise<Accelerator> {
  const file = path.join(dataDir, 'accelerator.json');
  const boot = await bootId();
  const version = (await runOnHost(qemuProgram, ['--version'])).split('\n')[0] ?? '';
  const known = parseAnswer(await readIfPresent(file));
  if (known?.boot === boot && known.version === version) return known.accelerator;
  const accelerator = (await deviceUsable()) && (await guestAnswers(kernel)) ? 'kvm' : 'tcg';
  log.info({ accelerator }, 'accelerator probed by booting a guest');
  await writeAtomically(file, `${JSON.stringify({ boot, version, accelerator })}\n`);
  return accelerator;
}

function parseAnswer(text: string | undefined): { boot: string; version: string; accelerator: Accelerator } | undefined {
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text) as { boot: string; version: string; accelerator: Accelerator };
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

async function deviceUsable(): Promise<boolean> {
  try {
    await access('/dev/kvm', constants.R_OK | constants.W_OK);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error) return false;
    throw error;
  }
}

async function guestAnswers(kernel: string): Promise<boolean> {
  const folder = await mkdtemp(path.join(tmpdir(), 'murmur-probe-'));
  try {
    const initrd = path.join(folder, 'initrd');
    await writeFile(initrd, probeInitrd());
    const machine = [
      '-M',
      'q35',
      '-accel',
      'kvm',
      '-cpu',
      'host',
      '-m',
      '256',
      '-nodefaults',
      '-no-user-config',
      '-display',
      'none',
      '-no-reboot',
    ];
    const guest = ['-serial', 'stdio', '-kernel', kernel, '-initrd', initrd, '-append', 'console=ttyS0 quiet panic=-1'];
    const output = await runOnHost(qemuProgram, [...machine, ...guest], { signal: AbortSignal.timeout(probeMs) });
    return output.includes(word);
  } catch (error) {
    if (error instanceof HostCommandError || (error instanceof Error && error.name === 'TimeoutError')) return false;
    throw error;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** An initramfs whose init is the smallest program that proves the guest executes: it writes the word and powers off. */
function probeInitrd(): Buffer {
  return cpioArchive([
    { path: 'dev', mode: 0o040755 },
    { path: 'dev/console', mode: 0o020600, device: [5, 1] },
    { path: 'init', mode: 0o100755, content: wordAndPowerOff(`${word}\n`) },
  ]);
}

/** A static x86-64 ELF program of two system calls: `write(1, text)` and `reboot(POWER_OFF)`. */
function wordAndPowerOff(text: string): Buffer {
  const base = 0x400000;
  const headers = 64 + 56;
  const code = Buffer.concat([
    Buffer.from('b801000000bf01000000488d3522000000ba', 'hex'), // mov eax,1; mov edi,1; lea rsi,[rip+0x22]; mov edx,…
    uint32(text.length),
    Buffer.from('0f05b8a9000000bfaddee1febe69191228badcfe21430f05ebfe', 'hex'), // syscall; reboot(0xfee1dead, 0x28121969, 0x4321fedc); jmp .
  ]);
  const total = headers + code.length + text.length;
  const elf = Buffer.alloc(headers);
  elf.write('7f454c460201010000000000000000000200', 'hex');
  elf.writeUInt16LE(62, 18);
  elf.writeUInt32LE(1, 20);
  elf.writeBigUInt64LE(BigInt(base + headers), 24);
  elf.writeBigUInt64LE(64n, 32);
  elf.writeUInt16LE(64, 52);
  elf.writeUInt16LE(56, 54);
  elf.writeUInt16LE(1, 56);
  elf.writeUInt32LE(1, 64);
  elf.writeUInt32LE(5, 68);
  elf.writeBigUInt64LE(BigInt(base), 80);
  elf.writeBigUInt64LE(BigInt(base), 88);
  elf.writeBigUInt64LE(BigInt(total), 96);
  elf.writeBigUInt64LE(BigInt(total), 104);
  elf.writeBigUInt64LE(0x1000n, 112);
  return Buffer.concat([elf, code, Buffer.from(text)]);
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

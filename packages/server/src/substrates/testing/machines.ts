// What emulators of clouds need to run real machines of the tiny disk.
export { suite } from '../debian-mirror.js';
export { debstrap } from '../debstrap.js';
export { plainEnvironment, runOnHost } from '../host-command.js';
export { deriveGuestKeys } from '../guest-keys.js';
export { createAcceleratorProbe } from '../qemu/accelerator.js';
export { writeBootArea } from '../qemu/base/boot-area.js';
export { type Accelerator, qemuProgram } from '../qemu/qemu-program.js';
export { buildTinyBase } from '../qemu/tiny.js';
export { connectSsh } from '../ssh.js';

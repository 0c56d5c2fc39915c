import { expect, test } from 'vitest';

import { type Job, packerTemplate } from './template.js';

const job: Job = {
  disk: '/base.qcow2',
  diskBytes: 4 * 1024 ** 3,
  kernel: '/vmlinuz',
  initrd: '/initrd',
  commandLine: 'root=/dev/vda',
  vcpus: 1,
  memoryMb: 1024,
  accelerator: 'tcg',
  clientKey: '/client',
  clientPublicKey: '/client.pub',
  hostKey: '/host',
  script: '/script.sh',
};

test('Packer is given the machine, the disk and the script that Murmur gets', () => {
  expect(packerTemplate(job, '/out')).toMatchObject({
    builders: [{ cpus: 1, memory: 1024, accelerator: 'tcg', disk_size: '4096M', iso_url: '/base.qcow2' }],
    provisioners: [{ script: '/script.sh' }],
  });
});

test('the processor follows the accelerator', () => {
  expect(JSON.stringify(packerTemplate(job, '/out'))).toContain('["-cpu","max"]');
  expect(JSON.stringify(packerTemplate({ ...job, accelerator: 'kvm' }, '/out'))).toContain('["-cpu","host"]');
});

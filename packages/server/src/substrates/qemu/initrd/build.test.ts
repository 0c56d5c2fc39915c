import { expect, test } from 'vitest';

import { replaceModules } from './build.js';
import { cpioArchive, readCpio } from './cpio.js';

test('an initramfs for another kernel has its modules in their order, and everything else as it was', () => {
  const others = [
    { path: 'bin', mode: 0o040755 },
    { path: 'dev/console', mode: 0o020600, device: [5, 1] as const },
    { path: 'init', mode: 0o100755, content: Buffer.from('#!/bin/busybox sh\n') },
    { path: 'bin/sh', mode: 0o120777, content: Buffer.from('busybox') },
  ];
  const before = cpioArchive([
    ...others,
    { path: 'modules', mode: 0o040755 },
    { path: 'modules/order', mode: 0o100644, content: Buffer.from('old.ko\n') },
    { path: 'modules/old.ko', mode: 0o100644, content: Buffer.from('old') },
  ]);
  const after = readCpio(
    replaceModules(before, [
      { name: 'one', content: Buffer.from('1') },
      { name: 'another', content: Buffer.from('22') },
    ]),
  );
  expect(after.filter(({ path }) => !path.startsWith('modules'))).toEqual(others);
  expect(after.filter(({ path }) => path.startsWith('modules/')).map(({ path, content }) => [path, content?.toString()])).toEqual([
    ['modules/order', 'one.ko\nanother.ko\n'],
    ['modules/one.ko', '1'],
    ['modules/another.ko', '22'],
  ]);
});

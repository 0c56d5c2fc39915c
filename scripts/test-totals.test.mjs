import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { afterEach, beforeEach, expect, test } from 'vitest';

const program = fileURLToPath(new URL('./test-totals.mjs', import.meta.url));
const report = (fields) => ({
  success: true,
  numPassedTests: 3,
  numFailedTests: 0,
  numPendingTests: 1,
  numTodoTests: 0,
  testResults: [],
  ...fields,
});

let folder;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'murmur-totals-'));
});
afterEach(() => rm(folder, { recursive: true }));

async function totals(reports, ...flags) {
  const files = await Promise.all(
    Object.entries(reports).map(async ([name, content]) => {
      const file = join(folder, `${name}.json`);
      if (content !== undefined) await writeFile(file, JSON.stringify(content));
      return file;
    }),
  );
  return new Promise((resolve) => {
    execFile(process.execPath, [program, ...flags, ...files], (error, stdout) => {
      resolve({ code: error?.code ?? 0, last: stdout.trimEnd().split('\n').at(-1) });
    });
  });
}

test('the last line adds up all reports', async () => {
  expect(await totals({ unit: report(), e2e: report() })).toEqual({ code: 0, last: '6 passed, 0 failed, 2 skipped' });
});

test('a run that left no report counts as failed', async () => {
  expect(await totals({ unit: report(), e2e: undefined })).toEqual({ code: 1, last: '3 passed, 1 failed, 1 skipped' });
});

test('a file that could not be loaded counts as failed', async () => {
  const broken = report({ success: false, testResults: [{ name: 'x.test.ts', status: 'failed', assertionResults: [] }] });
  expect(await totals({ unit: broken })).toEqual({ code: 1, last: '3 passed, 1 failed, 1 skipped' });
});

test('an error outside any test counts as failed', async () => {
  expect(await totals({ unit: report({ success: false }) })).toEqual({ code: 1, last: '3 passed, 1 failed, 1 skipped' });
});

test('processes left behind count as failed', async () => {
  expect(await totals({ unit: report() }, '--also-failed', '1')).toEqual({ code: 1, last: '3 passed, 1 failed, 1 skipped' });
});

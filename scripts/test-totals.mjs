#!/usr/bin/env node
// Adds up the reports of the checks and of vitest, names what failed, and prints the one line that CI reads.
import { existsSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { parseArgs } from 'node:util';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { checks: { type: 'string' }, 'also-failed': { type: 'string', default: '0' } },
});

const totals = { passed: 0, failed: Number(values['also-failed']), skipped: 0 };
/** @type {string[]} */
const failures = [];

const readReport = (path) => {
  if (existsSync(path)) return JSON.parse(readFileSync(path, 'utf8'));
  // A run that was killed leaves no report, and must not count as one without failures.
  totals.failed += 1;
  failures.push(`${basename(path, '.json')} ended without a report`);
  return undefined;
};

if (values.checks !== undefined) {
  const report = readReport(values.checks);
  totals.passed += report?.passed ?? 0;
  totals.failed += report?.failed ?? 0;
  for (const name of report?.failures ?? []) failures.push(`check: ${name}`);
}
for (const path of positionals) {
  const report = readReport(path);
  if (report === undefined) continue;
  const failedBefore = totals.failed;
  totals.passed += report.numPassedTests;
  totals.failed += report.numFailedTests;
  totals.skipped += report.numPendingTests + report.numTodoTests;
  for (const file of report.testResults) {
    const failed = file.assertionResults.filter((one) => one.status === 'failed');
    for (const one of failed) failures.push(`${file.name}: ${one.fullName}`);
    if (file.status === 'failed' && failed.length === 0) {
      totals.failed += 1;
      failures.push(`${file.name}: could not be run`);
    }
  }
  if (!report.success && totals.failed === failedBefore) {
    totals.failed += 1;
    failures.push(`${basename(path, '.json')}: an error outside any test`);
  }
}

if (failures.length > 0) console.log(`Failed:\n${failures.map((one) => `  ${one}`).join('\n')}\n`);
console.log(`${totals.passed} passed, ${totals.failed} failed, ${totals.skipped} skipped`);
process.exitCode = totals.failed === 0 ? 0 : 1;

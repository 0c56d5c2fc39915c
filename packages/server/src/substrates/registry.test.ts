import { readdirSync, readFileSync } from 'node:fs';

import { expect, test } from 'vitest';

import { registry } from './registry.js';

const here = new URL('./', import.meta.url);
/** What tests share and what clouds share is no substrate. */
const folders = readdirSync(here, { withFileTypes: true }).flatMap((entry) =>
  entry.isDirectory() && entry.name !== 'testing' && entry.name !== 'cloud' ? [entry.name] : [],
);

/** Clouds are held to it on emulators, which the server may not import. */
const suitesElsewhere: Readonly<Record<string, string>> = {
  aws: '../../../emulators/src/ec2/substrate.test.ts',
  gce: '../../../emulators/src/gce/substrate.test.ts',
};

test('each folder is a substrate with one line in the registry, and each line has its folder', () => {
  expect(registry.map(({ name }) => (name === 'GCP' ? 'gce' : name.toLowerCase())).toSorted()).toEqual(folders.toSorted());
});

test.each(folders)('%s has what every substrate has, and holds itself to the shared suite', (folder) => {
  const files = readdirSync(new URL(`${folder}/`, here));
  expect(files).toEqual(expect.arrayContaining(['README.md', 'index.ts']));
  const suite = new URL(files.includes(`${folder}.test.ts`) ? `${folder}/${folder}.test.ts` : (suitesElsewhere[folder] ?? ''), here);
  expect(readFileSync(suite, 'utf8')).toMatch(/^\s*describeSubstrate\(/m);
});

test.each(folders)('nothing above the port imports %s', (folder) => {
  const imports = new RegExp(`from '[^']*substrates/${folder}/`);
  const rooms = readdirSync(new URL('../', here), { recursive: true, encoding: 'utf8' });
  const above = rooms.filter((file) => file.endsWith('.ts') && !/^substrates\/|\.test\.ts$|testing/.test(file));
  expect(above.length).toBeGreaterThan(100);
  expect(above.filter((file) => imports.test(readFileSync(new URL(`../${file}`, here), 'utf8')))).toEqual([]);
});

test('what bakes, serves and grants compares no substrate by its name', () => {
  const named = /['"`](?:QEMU|DOCKER|AWS|GCP|qemu|docker|aws|gce|gcp)['"`]|\b(?:Substrate|SubstrateEnum)\.(?!UNSPECIFIED)[A-Z]+\b/;
  const rooms = readdirSync(new URL('../', here), { recursive: true, encoding: 'utf8' });
  const above = rooms.filter(
    (file) => /^(?:access|bake|http|database|secrets)\/.*\.ts$|^main\.ts$/.test(file) && !/\.test\.ts$|testing/.test(file),
  );
  expect(above.length).toBeGreaterThan(100);
  expect(above.filter((file) => named.test(readFileSync(new URL(`../${file}`, here), 'utf8')))).toEqual([]);
});

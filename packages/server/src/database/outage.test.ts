import { randomBytes } from 'node:crypto';

import pg from 'pg';
import { expect, inject, test } from 'vitest';

import { isDatabaseOutage } from './outage.js';
import { administer } from './testing.js';

test('a server whose connections are all taken is away for now', async () => {
  const url = inject('postgresUrl');
  const role = `crowded_${randomBytes(4).toString('hex')}`;
  await administer(url, `create role ${role} login connection limit 0`);
  const asRole = Object.assign(new URL(url), { username: role });
  const refused = await new pg.Client({ connectionString: asRole.href }).connect().catch((error: unknown) => error);
  await administer(url, `drop role ${role}`);
  expect(refused).toMatchObject({ code: '53300' });
  expect(isDatabaseOutage(refused)).toBe(true);
});

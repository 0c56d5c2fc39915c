import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { testDatabase } from '../database/testing.js';
import { matchesAnyPattern } from '../database/name-patterns.js';
import { sql } from 'kysely';
import { intersectPatterns, matchesName } from './name-pattern.js';

describe('matchesName', () => {
  test.each([
    ['*', '', true],
    ['*', 'anything', true],
    ['team-*', 'team-', true],
    ['team-*', 'team-a', true],
    ['team-*', 'team', false],
    ['*-prod', 'a-prod', true],
    ['*-prod', 'a-prod-b', false],
    ['a*a', 'a', false],
    ['a*b*c', 'a-b-c', true],
    ['a*b*c', 'a-c-b', false],
    ['exact', 'exact', true],
    ['exact', 'exactly', false],
    ['a.c', 'abc', false],
    ['a_c', 'abc', false],
    ['a%', 'abc', false],
    ['', 'a', false],
    ['*b*b*', 'b', false],
  ])('%s matches %s: %s', (pattern, name, expected) => {
    expect(matchesName(pattern, name)).toBe(expected);
  });

  test('says what the database says of the same patterns', async () => {
    const db = await testDatabase();
    const text = fc.string({ unit: fc.constantFrom('a', 'b', '*', '%', '_', '\\', '-'), maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(fc.array(text, { maxLength: 3 }), text, async (patterns, name) => {
        const { rows } = await sql<{ matches: boolean }>`
          select ${matchesAnyPattern('name', patterns)} as matches from (values (${name}::text)) as named (name)`.execute(db.database);
        expect(rows).toEqual([{ matches: patterns.some((pattern) => matchesName(pattern, name)) }]);
      }),
      { numRuns: 300 },
    );
    await db.close();
  });

  test('takes no longer for many stars than for few', () => {
    const name = 'a'.repeat(1_000_000);
    expect(matchesName('a*'.repeat(10_000) + 'b', name)).toBe(false);
    expect(matchesName('*a'.repeat(10_000), name)).toBe(true);
  });
});

describe('intersectPatterns', () => {
  test.each([
    ['*', 'team-*', ['team-*']],
    ['team-*', 'team-*', ['team-*']],
    ['team-*', 'team-a-*', ['team-a-*']],
    ['team-*', '*-red', ['team-*-red', 'team-red']],
    ['a*b*', '*c', []],
    ['a*b*', 'ab*', ['ab*']],
    ['a*', 'b*', []],
    ['exact', 'ex*', ['exact']],
  ])('%s and %s', (a, b, expected) => {
    expect(new Set(intersectPatterns(a, b))).toEqual(new Set(expected));
    expect(new Set(intersectPatterns(b, a))).toEqual(new Set(expected));
  });

  test('match nothing that either does not, and all that both do when neither has more than one star', () => {
    const pattern = fc.string({ unit: fc.constantFrom('a', 'b', '*'), maxLength: 6 });
    const name = fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 8 });
    fc.assert(
      fc.property(pattern, pattern, fc.array(name, { maxLength: 20 }), (a, b, names) => {
        const isSimple = [a, b].every((one) => one.split('*').length <= 2);
        const both = intersectPatterns(a, b);
        const wanted = names.filter((one) => matchesName(a, one) && matchesName(b, one));
        const matched = names.filter((one) => both.some((each) => matchesName(each, one)));
        expect(matched).toEqual(isSimple ? wanted : matched.filter((one) => wanted.includes(one)));
      }),
      { numRuns: 1000 },
    );
  });
});

import { describe, expect, it } from 'vitest';

import { routes } from './routes.js';
import { runForTest } from './testing.js';

describe('help', () => {
  it('of the program lists every command', async () => {
    const { code, stdout, stderr } = await runForTest(['--help']);
    expect(stdout).toMatchSnapshot();
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    for (const route of routes) expect(stdout).toContain(`  ${route.words.join(' ')} `);
  });

  it('is what no words, -h and help print too', async () => {
    const expected = await runForTest(['--help']);
    for (const args of [[], ['-h'], ['help']]) expect(await runForTest(args)).toEqual(expected);
    expect(await runForTest(['help', 'get'])).toEqual(await runForTest(['get', '--help']));
  });

  it.each(['bakes', 'image', 'base'])('of %s lists its commands', async (family) => {
    const { code, stdout } = await runForTest([family]);
    expect(stdout).toMatchSnapshot();
    expect(code).toBe(0);
  });

  it.each(routes.map((route) => route.words.join(' ')))('of %s teaches by example', async (words) => {
    const { code, stdout, stderr } = await runForTest([...words.split(' '), '--help']);
    expect(stdout).toMatchSnapshot();
    expect(stdout).toMatch(/EXAMPLES\n {2}\S.*\n {4}\$ /);
    // Of an indented document the last line would not be its end.
    expect(stdout).not.toContain('<<');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  });
});

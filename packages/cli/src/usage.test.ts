import { describe, expect, it } from 'vitest';

import { runForTest } from './testing.js';

describe('wrong usage exits 2 and says what is wrong', () => {
  it.each([
    [['gett'], 'unknown command "gett"', 'Did you mean get?'],
    [['bakes', 'lz'], 'unknown command "lz"', 'Did you mean ls?'],
    [['frobnicate'], 'unknown command "frobnicate"', 'See all commands with: murmur --help'],
    [['get'], '<kind> is required', 'Add --help to see how it is used.'],
    [['describe', 'a', 'b'], 'unexpected argument "b"', 'Add --help to see how it is used.'],
    [['--frobnicate'], 'unknown flag --frobnicate', 'See all commands with: murmur --help'],
    [['--verison'], 'unknown flag --verison', 'Did you mean --version?'],
    [['auth', 'lgoin'], 'unknown command "lgoin"', 'Did you mean login?'],
    [['server', '--data-dri', 'x'], 'unknown flag --data-dri', 'Did you mean --data-dir?'],
    [['get', 'recipe/a/b'], '"recipe/a/b" is not of the form kind/name', 'Write it like recipe/hello.'],
    [['get', 'recipe', '--sorts', 'name'], 'unknown flag --sorts', 'Did you mean --sort?'],
    [['get', '-x', 'recipe'], 'unknown flag -x', 'Add --help to see how it is used.'],
    [
      ['get', 'recipe', '-o', 'xml'],
      'output "xml": must be table, wide, name, yaml, json or jsonpath=PATH',
      'Add --help to see how it is used.',
    ],
    [['bakes', 'ls', '--page-size', '101'], 'page-size "101": must be a whole number from 1 to 100', 'Add --help to see how it is used.'],
    [['bakes', 'ls', '--recipe'], '--recipe needs a value', 'Add --help to see how it is used.'],
    [['completion', 'tcsh'], 'shell "tcsh": must be bash, zsh, fish or powershell', 'Add --help to see how it is used.'],
    [['patch', 'recipe', 'x', '--set', 'a'], '--set "a" is not of the form path=value', 'Write it as --set field.path=value.'],
    [
      ['bake', '--service-profile', 'ci', '-e', 'A=1', 'r', 'e', 'p'],
      '--service-profile and -e are mutually exclusive',
      'Use one or the other, not both.',
    ],
    [['bake', 'r', 'e', 'p', '-e', 'FOO'], '-e FOO: FOO is not set in this environment', 'Set it first, or say the value: -e FOO=value'],
  ])('%j', async (args, message, hint) => {
    expect(await runForTest(args)).toEqual({ code: 2, stdout: '', stderr: `murmur: INVALID_ARGUMENT: ${message}\n${hint}\n` });
  });

  it('names everything that is missing, then what to do about it once', async () => {
    expect(await runForTest(['bake', 'hello'])).toEqual({
      code: 2,
      stdout: '',
      stderr:
        'murmur: INVALID_ARGUMENT: <environment> is required\nmurmur: INVALID_ARGUMENT: <placement> is required\nAdd --help to see how it is used.\n',
    });
  });

  it('with a global flag that lacks its value', async () => {
    expect(await runForTest(['get', 'recipe', '--server'])).toEqual({
      code: 2,
      stdout: '',
      stderr: 'murmur: INVALID_ARGUMENT: --server needs a value\n',
    });
  });
});

it('--version prints the version of this program', async () => {
  const { code, stdout } = await runForTest(['--version']);
  expect(stdout).toMatch(/^murmur \d+\.\d+\.\d+\n$/);
  expect(code).toBe(0);
});

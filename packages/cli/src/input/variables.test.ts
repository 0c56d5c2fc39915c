import { describe, expect, it } from 'vitest';

import { readVariables } from './variables.js';

describe('-e', () => {
  it('takes the value from the line or from the environment', () => {
    expect(readVariables(['NPM_TOKEN', 'URL=https://x.example/?a=b'], { NPM_TOKEN: 'secret' })).toEqual({
      NPM_TOKEN: 'secret',
      URL: 'https://x.example/?a=b',
    });
  });

  it('forwards empty values as they are', () => {
    expect(readVariables(['A', 'B='], { A: '' })).toEqual({ A: '', B: '' });
  });

  it('lets the last one of a name count', () => {
    expect(readVariables(['A=1', 'A=2'], {})).toEqual({ A: '2' });
  });

  it('refuses a name that is not set here', () => {
    expect(() => readVariables(['FOO'], {})).toThrow('-e FOO: FOO is not set in this environment');
  });

  it('refuses a value without a name', () => {
    expect(() => readVariables(['=x'], {})).toThrow('-e names no variable');
  });
});

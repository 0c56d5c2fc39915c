import { describe, expect, test } from 'vitest';

import { keyPlaces } from './key-places.js';

describe('keyPlaces', () => {
  test('is a file in the data directory, or where the operator says', () => {
    expect(keyPlaces('/data', undefined, {})).toEqual({ file: '/data/master.key' });
    expect(keyPlaces('/data', { file: '/run/keys/murmur' }, {})).toEqual({ file: '/run/keys/murmur' });
  });

  test('takes a key out of the environment, where other processes would inherit it', () => {
    const environment: Record<string, string | undefined> = { MASTER: 'ab'.repeat(32), PATH: '/bin' };
    const { environmentKey, file } = keyPlaces('/data', { env: 'MASTER' }, environment);
    expect(environmentKey).toMatchObject({ place: '$MASTER', id: expect.stringMatching(/^[0-9a-f]{16}$/) });
    expect(file).toBe('/data/master.key');
    expect(environment).toEqual({ PATH: '/bin' });
    expect(() => keyPlaces('/data', { env: 'MASTER' }, environment)).toThrow('$MASTER is to hold the master key and is not set');
  });
});

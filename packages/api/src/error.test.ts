import { Code, ConnectError } from '@connectrpc/connect';
import { describe, expect, test } from 'vitest';

import { MurmurError } from './error.js';

describe('MurmurError', () => {
  test('takes the first of several faults for its own and carries all of them', () => {
    const error = MurmurError.ofFaults([
      { code: 'INVALID_ARGUMENT', message: 'name is required', hint: 'Provide a name.', path: 'name' },
      { code: 'FAILED_PRECONDITION', message: 'image_ref "x" does not exist' },
    ]);
    expect([error.code, error.message, error.hint]).toEqual(['INVALID_ARGUMENT', 'name is required', 'Provide a name.']);
    expect(error.faults).toHaveLength(2);
  });

  test('comes back from a Connect error with its code, faults and hints', () => {
    const sent = MurmurError.ofFaults([
      { code: 'INVALID_ARGUMENT', message: 'name is required', hint: 'Provide a name.', path: 'name' },
      { code: 'FAILED_PRECONDITION', message: 'image_ref "x" does not exist' },
    ]);
    const connect = sent.toConnect();
    expect(connect.code).toBe(Code.InvalidArgument);
    const { code, hint, faults } = MurmurError.from(connect);
    expect({ code, hint, faults }).toEqual({ code: 'INVALID_ARGUMENT', hint: 'Provide a name.', faults: sent.faults });
  });

  test('reads a plain Connect error', () => {
    const { code, message, faults } = MurmurError.from(new ConnectError('no such run', Code.NotFound));
    expect([code, message, faults]).toEqual(['NOT_FOUND', 'no such run', [{ code: 'NOT_FOUND', message: 'no such run' }]]);
  });

  test('tells nothing of what it does not know', () => {
    const { code, message, cause } = MurmurError.from(new Error('password is hunter2'));
    expect([code, message]).toEqual(['INTERNAL', 'internal error']);
    expect(cause).toBeInstanceOf(Error);
  });

  test('leaves one of its own as it is', () => {
    const error = new MurmurError('NOT_FOUND', 'x');
    expect(MurmurError.from(error)).toBe(error);
  });
});

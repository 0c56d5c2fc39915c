import { expect, test } from 'vitest';

import { scriptFailure } from './ending-words.js';

const said = (state: string, script = '#!/bin/sh\nfalse\n', memoryMb = 1024) => scriptFailure(state, { script, memoryMb })?.words;

test('a machine that ran out of memory is told with the memory its environment gives', () => {
  expect(said('exited 137')).toBe('script exited with code 137');
  expect(said('exited 137 out-of-memory')).toBe('script exited with code 137 (the machine ran out of memory; its environment has 1 GiB)');
  expect(said('exited 2 out-of-memory', undefined, 1536)).toContain('has 1536 MiB');
});

test('an interpreter that is not there is named, and so is what stands before or behind it', () => {
  expect(said('no-interpreter /opt/none', '#!/opt/none -x\n')).toBe(
    'the script could not be started: the first line is "#!/opt/none -x", but the image has no "/opt/none"',
  );
  expect(said('no-interpreter /bin/bash\r', '#!/bin/bash\r\ntrue\r\n')).toBe(
    'the script could not be started: the line "#!/bin/bash" ends with a carriage return (CRLF)',
  );
  expect(said('exited 2', '\n#!/bin/bash\nset -o pipefail\n')).toBe(
    'script exited with code 2 ("#!/bin/bash" has to be the first line, with nothing before it)',
  );
});

test('a state that no supervisor writes has no words', () => {
  expect(said('exited')).toBeUndefined();
  expect(said('Welcome to the dev box')).toBeUndefined();
});

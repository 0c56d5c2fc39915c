import { expect, test } from 'vitest';

import { unheardErrors } from './stream-errors.mjs';

const path = 'packages/server/src/host/thing.ts';
const inModule = (module, name, body) => unheardErrors([{ path, text: `import { ${name} } from '${module}';\n${body}\n` }]);

test.each([
  ['a stream that is only piped', 'node:fs', 'createReadStream', 'createReadStream(file).pipe(sink);', 'the errors of createReadStream'],
  ['a stream handed on', 'node:fs', 'createReadStream', 'await send(createReadStream(file));', 'the errors of createReadStream'],
  [
    'a file written to',
    'node:fs',
    'createWriteStream',
    "const out = createWriteStream(file);\nout.write('a');",
    'the errors of createWriteStream',
  ],
  ['a process', 'node:child_process', 'spawn', "const child = spawn('true');\nchild.unref();", 'the errors of spawn'],
  [
    'the input of a process that is heard itself',
    'node:child_process',
    'spawn',
    "const child = spawn('cat');\nchild.on('error', fail);\nchild.stdin.end(text);",
    "the standard input's errors of spawn",
  ],
  ['a socket by another name', 'node:net', 'connect as dial', 'const socket = dial(port);', 'the errors of dial'],
  ['another stream that is heard', 'node:net', 'connect', "const a = connect(1);\nb.on('error', fail);", 'the errors of connect'],
])('%s is named', (_what, module, name, body, unheard) => {
  expect(inModule(module, name, body)).toEqual([`${path}:2: nothing hears ${unheard}`]);
});

test.each([
  ['a listener on the spot', 'node:net', 'connect', "connect(port).on('data', take).on('error', fail);"],
  ['a listener later', 'node:net', 'connect', "const socket = connect(port);\nsocket.setTimeout(1, () => stop()).once('error', fail);"],
  ['a wait for the start', 'node:child_process', 'spawn', "const child = spawn('true');\nawait once(child, 'spawn');"],
  [
    'a listener on each end',
    'node:child_process',
    'spawn',
    "const child = spawn('cat').on('error', fail);\nchild.stdin.on('error', fail).end();",
  ],
  ['a pipeline', 'node:fs', 'createReadStream', 'await pipeline(createReadStream(file), sink);'],
  ['a loop', 'node:fs', 'createReadStream', 'for await (const chunk of createReadStream(file)) take(chunk);'],
  [
    'a loop right after',
    'node:fs',
    'createReadStream',
    'const stream = createReadStream(file);\nfor await (const chunk of stream) take(chunk);',
  ],
  ['no such module', './ours.js', 'connect', 'connect(url);'],
])('%s passes', (_what, module, name, body) => {
  expect(inModule(module, name, body)).toEqual([]);
});

test('what only tests load may fail aloud', () => {
  const text = "import { spawn } from 'node:child_process';\nspawn('true');\n";
  expect(unheardErrors([{ path: 'packages/server/src/host/testing-thing.ts', text }])).toEqual([]);
});

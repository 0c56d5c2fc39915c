import { writeSync } from 'node:fs';
import { homedir } from 'node:os';

import { failureText } from './failure.js';
import { runCli } from './run.js';

// A reader that left early, such as `head`, is no fault of the command.
process.stdout.on('error', leave);
process.stderr.on('error', leave);

let interruption: AbortController | undefined;

process.exitCode = await runCli(process.argv.slice(2), {
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  env: process.env,
  cwd: process.cwd(),
  home: homedir(),
  isRoot: process.getuid?.() === 0,
  interruption() {
    if (interruption !== undefined) return interruption.signal;
    const controller = new AbortController();
    interruption = controller;
    // Only the first signal is a request: a second one ends the process at once, whatever it waits for.
    process.once('SIGINT', () => controller.abort());
    process.once('SIGTERM', () => controller.abort());
    return controller.signal;
  },
});

function leave(error: NodeJS.ErrnoException): void {
  if (error.code === 'EPIPE') process.exit();
  // Through the file descriptor: the stream may be the one that fails.
  writeSync(2, failureText([{ code: 'INTERNAL', message: `cannot write the output: ${error.code ?? error.message}` }]));
  process.exit(1);
}

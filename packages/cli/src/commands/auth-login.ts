import { createMurmurClient } from '../client/connect.js';
import { storeLogin } from '../config/store-login.js';
import { defineCommand } from '../define-command.js';
import { CliError } from '../failure.js';
import { readTextInput } from '../input/read-text.js';

/** `murmur auth login`. */
export const command = defineCommand({
  usage: '',
  description:
    'Reads an API key from standard input (or --api-key-file), checks it with the server, and stores it in\n.murmur/murmur.local.yaml of this project, readable by you alone. With --server, that address is stored too.',
  examples: [
    { brief: 'Type or paste the key', line: 'murmur auth login' },
    { brief: 'From a file, for another server', line: 'murmur auth login --server https://murmur.example.com --api-key-file key.txt' },
  ],
  parameters: {},
  async run(context) {
    const settings = await context.settings();
    let { apiKey } = settings;
    if (context.globals.apiKeyFile === undefined) {
      if (context.stdin.isTTY === true) context.stderr.write('Paste the API key and press Enter, then Ctrl-D\n');
      apiKey = (await readTextInput(context.stdin)).trim();
    }
    if (apiKey === undefined || !/^\S+$/.test(apiKey)) {
      throw new CliError('INVALID_ARGUMENT', 'that is not an API key', { hint: 'Keys look like mur_<id>.<secret>.', exitCode: 2 });
    }
    const { tenant, subject } = await createMurmurClient({ ...settings, apiKey }).whoAmI({});
    const file = await storeLogin(context.cwd, { apiKey, ...(context.globals.server === undefined ? {} : { server: settings.server }) });
    context.stdout.write(`Logged in to ${settings.server} as ${subject} of ${tenant}; the key is in ${file}\n`);
  },
});

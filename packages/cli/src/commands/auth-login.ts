import type { Issuer } from '@murmur/api';

import { createMurmurClient } from '../client/connect.js';
import { requirePrivacy } from '../client/require-privacy.js';
import { isInGitTree } from '../config/config-files.js';
import { keysFile, replaceKey } from '../config/keys.js';
import { changeLogin, loginsFile } from '../config/logins.js';
import { noCredential, type Settings } from '../config/settings.js';
import { storeLogin } from '../config/store-login.js';
import type { Context } from '../context.js';
import { defineCommand } from '../define-command.js';
import { CliError, usageError } from '../failure.js';
import { readSecretValue } from '../input/secret-value.js';

type Flags = {
  readonly issuer?: string;
  readonly withKey: boolean;
};

/** `murmur auth login`. */
export const command = defineCommand<Flags, []>({
  usage: '[flags]',
  description:
    "Signs you in. Where the server takes tokens of an issuer, you confirm a code in a browser, on this machine or any other;\nthe login is kept for that server in $XDG_CONFIG_HOME/murmur/credentials.json, renews itself, and works in every folder.\nOtherwise, or with --with-key, reads an API key (from a prompt, standard input or --api-key-file), checks it with the\nserver and stores it with the server's address in this project's .murmur/murmur.local.yaml, or, in a git\ntree, for you alone in $XDG_CONFIG_HOME/murmur/keys.json. A server that only a\nproject's file names must be named with --server, and is used with nothing but what was stored for it.\nA key goes before a login: --api-key-file, MURMUR_API_KEY, murmur.local.yaml, keys.json, then the login, then the admin key of a\nserver on this machine.",
  examples: [
    { brief: 'Sign in with a browser', line: 'murmur auth login --server https://murmur.example.com' },
    { brief: 'Type or paste an API key', line: 'murmur auth login --with-key' },
    { brief: 'With a key from a file', line: 'murmur auth login --server https://murmur.example.com --api-key-file key.txt' },
  ],
  parameters: {
    flags: {
      issuer: {
        kind: 'parsed',
        parse: String,
        optional: true,
        placeholder: 'URL',
        brief: 'Where to sign in, when the server takes tokens of several issuers',
      },
      withKey: { kind: 'boolean', default: false, withNegated: false, brief: 'Store an API key for this folder instead' },
    },
  },
  async run(context, flags) {
    const wantsKey = flags.withKey || context.globals.apiKeyFile !== undefined;
    if (wantsKey && flags.issuer !== undefined) throw usageError('--issuer and an API key are mutually exclusive');
    const settings = await context.settings();
    // Whoever made the file would get the key, or a token, of whoever signs in without looking.
    if (settings.namedBy === 'project') throw noCredential(settings);
    requirePrivacy(settings);
    const issuer = wantsKey ? undefined : await chooseIssuer(settings, flags.issuer);
    if (issuer === undefined) await storeKey(context, settings);
    else await signIn(context, settings, issuer);
  },
});

/** The issuer to sign in with; undefined when the server has none. */
async function chooseIssuer(settings: Settings, wanted: string | undefined): Promise<Issuer | undefined> {
  const { issuers } = await createMurmurClient({ ...settings, apiKey: undefined, login: undefined }).listIssuers({});
  // Where there is no client of the command line's own, tokens come some other way.
  const offered = issuers.filter((issuer) => issuer.clientId !== '');
  const listed = `The server takes tokens of ${offered.map((issuer) => issuer.url).join(' and ')}.`;
  if (wanted !== undefined) {
    const chosen = offered.find((issuer) => issuer.url === wanted);
    if (chosen !== undefined) return chosen;
    throw usageError(`nobody signs in to ${settings.server} with ${wanted}`, offered.length === 0 ? 'Use an API key.' : listed);
  }
  if (offered.length > 1) throw usageError('there are several issuers; choose one with --issuer', listed);
  return offered[0];
}

async function signIn(context: Context, settings: Settings, issuer: Issuer): Promise<void> {
  const { signInWithDevice } = await import('../client/device-sign-in.js');
  const login = await signInWithDevice(context, issuer);
  if (login === undefined) {
    context.stderr.write('Sign-in given up; nothing was stored\n');
    context.exitCode = 130;
    return;
  }
  const { tenant, subject } = await createMurmurClient({ ...settings, apiKey: login.idToken, login: undefined }).whoAmI({});
  const file = loginsFile(context);
  await changeLogin(file, settings.server, async () => login);
  context.stdout.write(`Logged in to ${settings.server} as ${subject} of ${tenant}; the login is in ${file}\n`);
  const { keyHolder } = settings;
  if (keyHolder !== undefined) context.stderr.write(`murmur: warning: API keys go before logins, and the one in ${keyHolder} is used\n`);
}

/** Keeps a key and answers the file: in the project, or in a git tree, where it would soon be everybody's, with the user's own. */
async function keepKey(context: Context, server: string, apiKey: string): Promise<string> {
  if (!(await isInGitTree(context.cwd))) return storeLogin(context.cwd, { apiKey, server });
  const keys = keysFile(context);
  await replaceKey(keys, server, apiKey);
  return keys.file;
}

async function storeKey(context: Context, settings: Settings): Promise<void> {
  const apiKey = context.globals.apiKeyFile === undefined ? (await readSecretValue(context, 'the API key')).trim() : settings.apiKey;
  if (apiKey === undefined || !/^\S+$/.test(apiKey)) {
    throw new CliError('INVALID_ARGUMENT', 'that is not an API key', { hint: 'Keys look like mur_<id>.<secret>.', exitCode: 2 });
  }
  const { tenant, subject } = await createMurmurClient({ ...settings, apiKey }).whoAmI({});
  const file = await keepKey(context, settings.server, apiKey);
  context.stdout.write(`Logged in to ${settings.server} as ${subject} of ${tenant}; the key is in ${file}\n`);
  const { keyHolder } = settings;
  if (context.globals.apiKeyFile === undefined && keyHolder !== undefined && !file.endsWith(keyHolder)) {
    context.stderr.write(`murmur: warning: the key in ${keyHolder} goes before it\n`);
  }
}

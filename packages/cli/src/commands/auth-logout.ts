import { keysFile, readKey, replaceKey } from '../config/keys.js';
import { changeLogin, loginsFile, readLogin, type StoredLogin } from '../config/logins.js';
import { forgetKey } from '../config/store-login.js';
import type { Context } from '../context.js';
import { defineCommand } from '../define-command.js';

/** `murmur auth logout`. */
export const command = defineCommand({
  usage: '',
  description:
    "Forgets what murmur auth login has stored for the server: your login, which ends at its issuer too if that has a way to,\nand the API key in this project's .murmur/murmur.local.yaml or in your own keys.json, which stays valid until it is revoked.",
  examples: [{ brief: 'Leave nothing on this machine', line: 'murmur auth logout' }],
  parameters: {},
  async run(context) {
    const { server } = await context.settings();
    const login = await forgetLogin(context, server);
    const keyFiles = [await forgetKey(context.cwd, server), await forgetOwnKey(context, server)].filter((file) => file !== undefined);
    if (login !== undefined) context.stdout.write(`Forgot the login at ${server}\n`);
    for (const file of keyFiles) context.stdout.write(`Forgot the API key in ${file}\n`);
    if (keyFiles.length > 0) {
      context.stderr.write('The key itself stays valid until somebody revokes it with: murmur key revoke\n');
    }
    if (login === undefined && keyFiles.length === 0) context.stdout.write(`Nothing is stored for ${server}\n`);
    if ((context.env['MURMUR_API_KEY'] ?? '') !== '') context.stderr.write('MURMUR_API_KEY is still set\n');
    if (login !== undefined) await revoke(context, login);
  },
});

async function forgetOwnKey(context: Context, server: string): Promise<string | undefined> {
  const keys = keysFile(context);
  if ((await readKey(keys, server)) === undefined) return undefined;
  await replaceKey(keys, server, undefined);
  return keys.file;
}

async function forgetLogin(context: Context, server: string): Promise<StoredLogin | undefined> {
  const file = loginsFile(context);
  // No file, and no folder for it, is made just to see that there is nothing in it.
  if ((await readLogin(file, server)) === undefined) return undefined;
  let forgotten: StoredLogin | undefined;
  await changeLogin(file, server, async (current) => {
    forgotten = current;
    return undefined;
  });
  return forgotten;
}

/** After everything else: it may fail, and the login is forgotten all the same. */
async function revoke(context: Context, { issuer: url, clientId, refreshToken }: StoredLogin): Promise<void> {
  if (refreshToken === undefined) return;
  const { openIssuer } = await import('../client/issuer.js');
  try {
    const issuer = await openIssuer({ url, clientId });
    if (await issuer.revoke(refreshToken)) return;
    context.stderr.write(`${url} cannot end the login before its time\n`);
  } catch (thrown) {
    const why = thrown instanceof Error ? thrown.message : String(thrown);
    context.stderr.write(`murmur: warning: the login could not be ended at ${url}: ${why}\n`);
  }
}

import { defaultDataDir } from '../config/data-dir.js';
import { defineCommand } from '../define-command.js';

type Flags = {
  readonly dataDir?: string;
  readonly databaseUrl?: string;
  readonly config?: string;
  readonly newKeyVariable?: string;
};

const text = { kind: 'parsed', parse: String, optional: true } as const;

/** `murmur server rotate-key`. */
export const command = defineCommand<Flags, []>({
  usage: '[flags]',
  description:
    "Makes a new master key and wraps the keys of all tenants with it, while the server is stopped. The old key stays beside it,\nbecause backups of the database from before need it. A rotation that is cut off is completed by the server's next start.",
  examples: [
    { brief: 'Rotate the key file of a server of your own', line: 'murmur server rotate-key' },
    {
      brief: 'With the keys in the environment',
      line: 'export MURMUR_NEXT_KEY=$(cat next.key)\nmurmur server rotate-key --new-key-variable MURMUR_NEXT_KEY',
    },
  ],
  parameters: {
    flags: {
      dataDir: { ...text, placeholder: 'DIR', brief: "The server's data folder, as for murmur server" },
      databaseUrl: { ...text, placeholder: 'URL', brief: "The server's PostgreSQL, as for murmur server" },
      config: { ...text, placeholder: 'FILE', brief: "The operator's configuration, as for murmur server" },
      newKeyVariable: { ...text, placeholder: 'NAME', brief: 'The variable with the new key, instead of a file' },
    },
  },
  async run(context, flags) {
    const { rotateKey } = await import('@murmur/server');
    const { from, retired, tenants, to } = await rotateKey({
      dataDir: flags.dataDir ?? defaultDataDir(context),
      databaseUrl: flags.databaseUrl,
      configFile: flags.config,
      newKeyVariable: flags.newKeyVariable,
      environment: context.env,
    });
    const was = from.length === 0 ? '' : `; it was ${from.join(', ')}`;
    context.stdout.write(`Rotated the master key: it is ${to.id} in ${to.place}${was}\n`);
    context.stdout.write(`Wrapped the keys of ${tenants} ${tenants === 1 ? 'tenant' : 'tenants'} with it\n`);
    if (retired !== undefined) {
      context.stdout.write(`The old key is in ${retired}: delete it when no backup from before is needed any more\n`);
      context.stdout.write(`Back up ${to.place}, apart from the database\n`);
    } else if (flags.newKeyVariable !== undefined) {
      context.stdout.write(`From now on start the server with this key. Keep the old one while backups from before are needed\n`);
    }
  },
});

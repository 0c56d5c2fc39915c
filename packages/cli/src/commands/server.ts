import { defaultDataDir } from '../config/data-dir.js';
import { defineCommand } from '../define-command.js';
import { reportFailure } from '../report-failure.js';

type Flags = {
  readonly listen: string;
  readonly dataDir?: string;
  readonly databaseUrl?: string;
  readonly config?: string;
};

/** `murmur server`. */
export const command = defineCommand<Flags, []>({
  usage: '[flags]',
  description:
    'Runs the server until it is told to stop (Ctrl-C). Once it answers, one line on standard output says where; its log\ngoes to standard error. The first start makes the tenant local/default and a key for it in <data-dir>/admin.key,\nwhich this program finds by itself when the data folder is the default one.',
  examples: [
    { brief: 'A server of your own, with nothing to install', line: 'murmur server' },
    { brief: 'With sign-in and base images as the file says', line: 'murmur server --config /etc/murmur/server.yaml' },
    { brief: 'On your own PostgreSQL', line: 'murmur server --database-url postgres://murmur@db.example.com/murmur' },
    {
      brief: 'Use one with its data elsewhere',
      line: 'murmur server --data-dir ./data\nMURMUR_API_KEY=$(cat ./data/admin.key) murmur get recipe',
    },
  ],
  parameters: {
    flags: {
      listen: { kind: 'parsed', parse: String, default: '127.0.0.1:7007', placeholder: 'HOST:PORT', brief: 'The address to answer on' },
      dataDir: {
        kind: 'parsed',
        parse: String,
        optional: true,
        placeholder: 'DIR',
        brief: 'Where images, keys and the database live (default: /var/lib/murmur as root, else $XDG_DATA_HOME/murmur)',
      },
      databaseUrl: {
        kind: 'parsed',
        parse: String,
        optional: true,
        placeholder: 'URL',
        brief: 'A PostgreSQL to use (default: one of its own in the data folder)',
      },
      config: {
        kind: 'parsed',
        parse: String,
        optional: true,
        placeholder: 'FILE',
        brief: 'What the operator has configured (default: server.yaml in the data folder, when there is one)',
      },
    },
  },
  async run(context, flags) {
    const signal = context.interruption();
    // Loaded only here: the server is a hundred times the size of its client.
    const [{ runServer }, { isMurmurError }] = await Promise.all([import('@murmur/server'), import('@murmur/api')]);
    await runServer({
      listen: flags.listen,
      dataDir: flags.dataDir ?? defaultDataDir(context),
      databaseUrl: flags.databaseUrl,
      configFile: flags.config,
      signal,
      stdout: context.stdout,
    }).catch(async (thrown: unknown) => {
      // What is wrong with a flag or the configuration file is wrong usage, although only the server can tell.
      if (!isMurmurError(thrown) || thrown.code !== 'INVALID_ARGUMENT') throw thrown;
      await reportFailure(context, thrown);
      context.exitCode = 2;
    });
  },
});

import { usageError } from './failure.js';

/** The flags every command takes, wherever they stand on the line. */
export interface GlobalFlags {
  readonly server?: string;
  readonly tenant?: string;
  /** A server and a tenant kept under a name. */
  readonly context?: string;
  /** A file that holds the key. The key itself is never an argument: process lists show those to everyone. */
  readonly apiKeyFile?: string;
  /** Whether plain HTTP to another host is allowed. */
  readonly insecure?: boolean;
  /** How long one answer may take, as a Go duration. */
  readonly requestTimeout?: string;
}

/** How the global flags are written and explained in help texts and completions. */
export const globalFlagDocs = [
  { flag: '--server', placeholder: 'URL', brief: 'The server to talk to [MURMUR_SERVER, default http://127.0.0.1:7007]' },
  { flag: '--context', placeholder: 'NAME', brief: 'The server and tenant kept under a name [MURMUR_CONTEXT]' },
  { flag: '--tenant', placeholder: 'PROVIDER/ORG', brief: 'The tenant to act in [MURMUR_TENANT]' },
  { flag: '--api-key-file', placeholder: 'FILE', brief: 'Read the API key from a file [MURMUR_API_KEY holds the key itself]' },
  {
    flag: '--request-timeout',
    placeholder: 'DURATION',
    brief: 'How long to wait for an answer, such as 10s; 0 is for ever (default: 60s)',
  },
  { flag: '--insecure', placeholder: undefined, brief: 'Send keys and secrets to another host by plain HTTP' },
] as const;

const keys: Readonly<Record<string, Exclude<keyof GlobalFlags, 'insecure'>>> = {
  '--server': 'server',
  '--tenant': 'tenant',
  '--context': 'context',
  '--api-key-file': 'apiKeyFile',
  '--request-timeout': 'requestTimeout',
};

/** Takes the global flags out of a command line. What follows `--` is the user's own and stays as it is. */
export function takeGlobalFlags(args: readonly string[]): { globals: GlobalFlags; rest: string[] } {
  const globals: { -readonly [Key in keyof GlobalFlags]: GlobalFlags[Key] } = {};
  const rest: string[] = [];
  const escape = args.indexOf('--');
  const end = escape === -1 ? args.length : escape;
  for (let index = 0; index < end; index += 1) {
    const argument = args[index] ?? '';
    if (argument === '--insecure') {
      globals.insecure = true;
      continue;
    }
    const [flag = '', ...tail] = argument.split('=');
    const key = Object.hasOwn(keys, flag) ? keys[flag] : undefined;
    if (key === undefined) {
      rest.push(argument);
      continue;
    }
    let value: string | undefined = tail.join('=');
    if (tail.length === 0) {
      index += 1;
      value = index < end ? args[index] : undefined;
    }
    if (value === undefined || value === '') throw usageError(`${flag} needs a value`);
    globals[key] = value;
  }
  return { globals, rest: [...rest, ...args.slice(end)] };
}

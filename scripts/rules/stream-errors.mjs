/** @typedef {import('./source-files.mjs').SourceFile} SourceFile */

/** What each module makes that emits `error`, which ends the process when nobody hears it. */
const makers = {
  'node:fs': ['createReadStream', 'createWriteStream'],
  'node:child_process': ['spawn', 'fork'],
  'node:net': ['createConnection', 'connect', 'createServer', 'Socket', 'Server'],
  'node:tls': ['connect', 'createServer', 'TLSSocket'],
  'node:http': ['request', 'get'],
  'node:https': ['request', 'get'],
  'node:http2': ['connect'],
  ssh2: ['Client'],
};

const imports = /^import (?:\w+, )?\{(?<names>[^}]*)\} from '(?<module>[^']+)';/gm;

/**
 * Streams, sockets, processes and servers of what ships that nobody hears when they fail. One is heard by an `error` listener, by
 * `once` of node:events, by `pipeline`, or by a loop that reads it where it is made.
 * @param {readonly SourceFile[]} files
 * @returns {string[]}
 */
export function unheardErrors(files) {
  return files
    .filter(({ path }) => /^packages\/[^/]+\/src\/.*\.tsx?$/.test(path) && !/\.test\.tsx?$|\/testing(-|\.|\/)/.test(path))
    .flatMap(({ path, text }) =>
      callsIn(text).flatMap(({ at, name }) => {
        const unheard = problemOf(text, at);
        return unheard === undefined ? [] : [`${path}:${text.slice(0, at).split('\n').length}: nothing hears ${unheard} of ${name}`];
      }),
    );
}

/**
 * The calls that make something which may fail later.
 * @param {string} text
 * @returns {{ at: number, name: string }[]}
 */
function callsIn(text) {
  const names = [...text.matchAll(imports)].flatMap(({ groups }) => {
    const made = /** @type {Record<string, string[]>} */ (makers)[groups?.module ?? ''] ?? [];
    return (groups?.names ?? '').split(',').flatMap((one) => {
      const [name = '', local = name] = one.trim().split(' as ');
      return made.includes(name) ? [local] : [];
    });
  });
  if (names.length === 0) return [];
  const call = new RegExp(`(?<![.\\w])(?<name>${names.join('|')})\\(`, 'g');
  return [...text.matchAll(call)].map((match) => ({ at: match.index, name: match.groups?.name ?? '' }));
}

/**
 * What of the thing made here nobody hears.
 * @param {string} text
 * @param {number} at
 * @returns {string | undefined}
 */
function problemOf(text, at) {
  const before = text.slice(0, at);
  const opening = before.slice(Math.max(...[';', '{', '}'].map((end) => before.lastIndexOf(end))) + 1);
  const end = endOfStatement(text, at);
  if (/\bpipeline\(|\bfor await \(|\byield\* /.test(opening) || /\.(?:on|once)\(\s*'error'/.test(text.slice(at, end))) return undefined;
  const name = /(?:^|\s)(?<name>\w+)(?:: [^=]+)? = (?:await )?(?:new )?$/.exec(opening)?.groups?.name;
  if (name === undefined) return 'the errors';
  const uses = text.slice(at);
  const readAtOnce = new RegExp(`^;\\s*for await \\([^;]* of ${name}\\)`).test(text.slice(end));
  if (!readAtOnce && !isHeard(uses, name)) return 'the errors';
  return new RegExp(`\\b${name}\\.stdin\\b`).test(uses) && !isHeard(uses, `${name}\\.stdin`) ? "the standard input's errors" : undefined;
}

/**
 * @param {string} text
 * @param {string} name As a pattern.
 */
function isHeard(text, name) {
  const listener = `\\b${name}\\b[?!]?\\s*(?:\\.\\w+\\([^;]*)?\\.(?:on|once)\\(\\s*'error'`;
  return new RegExp(`${listener}|\\bonce\\(${name}, |\\bpipeline\\([^;]*\\b${name}\\b`).test(text);
}

/**
 * Where the statement that has this call in it ends.
 * @param {string} text
 * @param {number} at
 * @returns {number}
 */
function endOfStatement(text, at) {
  for (let depth = 0, index = at; index < text.length; index += 1) {
    const character = text[index] ?? '';
    if ('([{'.includes(character)) depth += 1;
    if (')]}'.includes(character)) depth -= 1;
    if (character === ';' && depth <= 0) return index;
  }
  return text.length;
}

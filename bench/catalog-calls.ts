import { type Answer, type Call, succeed, walk } from './catalog-client.js';
import { baseDocument, baseOf, type CatalogSize, middleRecipe, rareImages, recipeDocument } from './catalog-fill.js';

/** A call whose time the benchmark takes. */
export interface TimedCall {
  readonly name: string;
  /** Rejects when the answer is not the one expected, so that nothing is fast by being wrong. */
  run(): Promise<void>;
}

/** The callers of one catalog, by what they may do. */
export interface Callers {
  /** Everything. */
  readonly operator: Call;
  /** Something with every resource whose name begins with `team-3-`, `base-` or `recipe-`, by a binding for each. */
  readonly team: Call;
  /** Something with the last few images alone. */
  readonly rare: Call;
}

const pageSize = 100;
const images = { kind: 'image', pageSize };
const permissions = ['image.*', 'recipe.*'];

/** Makes the callers: the operator gives two users keys and bindings. */
export async function makeCallers(operator: Call, callerOf: (key: string) => Call): Promise<Callers> {
  const limited = async (user: string, patterns: readonly string[]): Promise<Call> => {
    for (const [index, name_pattern] of patterns.entries()) {
      const name = `${user}-${index}`;
      const document = JSON.stringify({ name, permissions, users: [user], name_pattern });
      await succeed(operator, 'SetResource', { kind: 'tenant-binding', name, document });
    }
    const { token } = await succeed(operator, 'CreateApiKey', { subject: user });
    if (token === undefined) throw new Error('a key was made without a token');
    return callerOf(token);
  };
  return { operator, team: await limited('team', ['team-3-*', 'base-*', 'recipe-*']), rare: await limited('rare', ['rare-*']) };
}

/** Checks that the API takes the filled catalog for its own, and gives the calls to time. */
export async function timedCalls({ operator, team, rare }: Callers, size: CatalogSize): Promise<readonly TimedCall[]> {
  const recipe = middleRecipe(size);
  const base = baseOf(recipe);
  await expectUnchanged(operator, 'recipe', recipe, recipeDocument(recipe, 'A recipe'));
  await expectUnchanged(operator, 'image', base, baseDocument(base));
  const middle = await middleToken(operator, size);
  let edits = 0;
  const get = (call: Call) => async () => {
    expectThat((await succeed(call, 'GetResource', { kind: 'image', name: base })).resource?.name === base, 'the image');
  };
  const list = (call: Call, request: object, rows: number) => async () => {
    const answer = await succeed(call, 'ListResources', { ...images, ...request });
    expectThat((answer.resources?.length ?? 0) >= rows, `${rows} images, not ${answer.resources?.length}`);
  };
  const set = (call: Call) => async () => {
    edits += 1;
    const document = recipeDocument('recipe-2', `Edit ${edits}`);
    expectThat((await succeed(call, 'SetResource', { kind: 'recipe', name: 'recipe-2', document })).changed === true, 'a change');
  };
  const refused = (call: Call, end: string) => async () => {
    const answer = await call('RemoveResource', { kind: 'recipe', name: recipe });
    expectThat(isRefusal(answer, `cannot delete recipe "${recipe}": referenced by image: team-`, end), `its referrers: ${answer.message}`);
  };
  const history = (call: Call) => async () => {
    expectThat((await succeed(call, 'ListGenerations', { kind: 'recipe', name: recipe })).generations?.length === 1, 'one generation');
  };
  return [
    { name: 'get image', run: get(operator) },
    { name: 'list images, first page', run: list(operator, {}, pageSize) },
    { name: 'list images, a page in the middle', run: list(operator, { pageToken: middle }, pageSize) },
    { name: 'list images by name', run: list(operator, { sort: 'SORT_ORDER_NAME' }, pageSize) },
    { name: 'list images by update', run: list(operator, { sort: 'SORT_ORDER_UPDATED' }, pageSize) },
    { name: 'set recipe', run: set(operator) },
    { name: 'rm recipe, refused with its referrers', run: refused(operator, '') },
    { name: 'history of a recipe', run: history(operator) },
    { name: 'get image, by three patterns', run: get(team) },
    { name: 'list images, by three patterns', run: list(team, { pageSize: 10 }, 10) },
    { name: 'list images by name, by three patterns', run: list(team, { pageSize: 10, sort: 'SORT_ORDER_NAME' }, 10) },
    { name: 'set recipe, by three patterns', run: set(team) },
    { name: 'rm recipe, refused, by three patterns', run: refused(team, 'not shown to you') },
    { name: 'history of a recipe, by three patterns', run: history(team) },
    { name: 'list images, by a pattern of nine', run: list(rare, {}, rareImages) },
    { name: 'list images by name, by a pattern of nine', run: list(rare, { sort: 'SORT_ORDER_NAME' }, rareImages) },
  ];
}

/** The token of the page in the middle; a catalog of one page has only its start. */
async function middleToken(call: Call, size: CatalogSize): Promise<string> {
  const tokens: string[] = [''];
  await walk(call, 'image', 1000, (token) => tokens.push(token));
  const middle = size.recipes * 10 <= pageSize ? '' : tokens[Math.floor(tokens.length / 2)];
  if (middle === undefined) throw new Error('a list has no pages');
  return middle;
}

async function expectUnchanged(call: Call, kind: string, name: string, document: string): Promise<void> {
  const { changed } = await succeed(call, 'SetResource', { kind, name, document });
  expectThat(changed !== true, `${kind} "${name}" as set would have written it`);
}

function isRefusal({ code, message }: Answer, start: string, end: string): boolean {
  return code === 'failed_precondition' && message?.startsWith(start) === true && message.endsWith(end);
}

function expectThat(holds: boolean, what: string): void {
  if (!holds) throw new Error(`expected ${what}`);
}

/** What a statement of a policy says; one value may stand for a list of one. */
export interface Statement {
  readonly Sid?: string;
  readonly Effect: 'Allow' | 'Deny';
  readonly Action: string | readonly string[];
  /** Who may, in a trust policy. */
  readonly Principal?: { readonly AWS: string | readonly string[] };
  /** On what, in an identity policy. */
  readonly Resource?: string | readonly string[];
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, string | readonly string[]>>>>;
}

/** A policy document of IAM. */
export interface Policy {
  readonly Version: string;
  readonly Statement: readonly Statement[];
}

/** One thing that a call does to one resource, with the keys that conditions can ask for. */
export interface Asked {
  readonly action: string;
  readonly resource: string;
  readonly keys: ReadonlyMap<string, readonly string[]>;
  /** The ARN of whoever asks, where a trust policy decides. */
  readonly principal?: string;
}

const statementKeys = ['Sid', 'Effect', 'Action', 'Principal', 'Resource', 'Condition'];
const operators = ['StringEquals', 'StringNotEquals', 'StringLike', 'StringNotLike', 'ArnEquals', 'ArnLike', 'Bool', 'Null'];

/** A policy from its file's text. Throws for what the emulator would not enforce, so that nothing in a policy goes unnoticed. */
export function parsePolicy(text: string): Policy {
  const policy = JSON.parse(text) as Policy;
  if (policy.Version !== '2012-10-17') throw new Error('not a policy of version 2012-10-17');
  for (const statement of policy.Statement) {
    const strange = Object.keys(statement).find((key) => !statementKeys.includes(key));
    if (strange !== undefined) throw new Error(`the emulator knows no ${strange} in a statement`);
    if (!['Allow', 'Deny'].includes(statement.Effect)) throw new Error(`the emulator knows no effect ${statement.Effect}`);
    if (statement.Resource === undefined && statement.Principal === undefined) throw new Error('a statement has a Resource or a Principal');
    for (const operator of Object.keys(statement.Condition ?? {})) {
      if (!operators.includes(plain(operator))) throw new Error(`the emulator knows no condition operator ${operator}`);
    }
  }
  return policy;
}

/** Whether a policy allows this: a Deny that fits wins, and without an Allow that fits nothing is allowed. */
export function allows(policy: Policy, asked: Asked): boolean {
  const fitting = policy.Statement.filter((statement) => fits(statement, asked));
  return fitting.some(({ Effect }) => Effect === 'Allow') && !fitting.some(({ Effect }) => Effect === 'Deny');
}

/** Every action that a policy allows. */
export function actionsOf(policy: Policy): readonly string[] {
  return [...new Set(policy.Statement.filter(({ Effect }) => Effect === 'Allow').flatMap(({ Action }) => Action))].sort();
}

function fits({ Action, Condition = {}, Principal, Resource }: Statement, asked: Asked): boolean {
  const here = Resource === undefined || list(Resource).some((pattern) => like(pattern).test(asked.resource));
  const who = Principal === undefined || list(Principal.AWS).some((arn) => arn === '*' || isPrincipal(arn, asked.principal ?? ''));
  const what = list(Action).some((pattern) => like(pattern.toLowerCase()).test(asked.action.toLowerCase()));
  if (!here || !who || !what) return false;
  return Object.entries(Condition).every(([operator, keys]) =>
    Object.entries(keys).every(([key, values]) => holds(operator, keyOf(asked.keys, key), list(values))),
  );
}

/** An account's root stands for everybody in it. */
function isPrincipal(arn: string, caller: string): boolean {
  const account = /^arn:aws:iam::(\d{12}):root$/.exec(arn)?.[1];
  return account === undefined ? arn === caller : caller.split(':')[4] === account;
}

/** Keys are compared without their case, what follows the slash with it. */
function keyOf(keys: Asked['keys'], wanted: string): readonly string[] | undefined {
  const same = (key: string) => {
    const [[prefix = '', ...rest], [wantedPrefix = '', ...wantedRest]] = [key.split('/'), wanted.split('/')];
    return prefix.toLowerCase() === wantedPrefix.toLowerCase() && rest.join('/') === wantedRest.join('/');
  };
  return [...keys].find(([key]) => same(key))?.[1];
}

function holds(operator: string, actual: readonly string[] | undefined, values: readonly string[]): boolean {
  const test = (one: string) => compare(plain(operator), one, values);
  if (plain(operator) === 'Null') return values.includes(String(actual === undefined || actual.length === 0));
  if (operator.startsWith('ForAllValues:')) return (actual ?? []).every(test);
  if (operator.startsWith('ForAnyValue:')) return (actual ?? []).some(test);
  if (actual === undefined) return operator.endsWith('IfExists') || plain(operator).includes('Not');
  return actual.every(test);
}

function compare(operator: string, actual: string, values: readonly string[]): boolean {
  if (operator === 'Bool') return values.some((value) => value.toLowerCase() === actual.toLowerCase());
  const negative = operator.includes('Not');
  const wild = !/^String(Not)?Equals$/.test(operator);
  return values.some((value) => (wild ? like(value).test(actual) : value === actual)) !== negative;
}

function plain(operator: string): string {
  return operator.replace(/^For(All|Any)Values?:/, '').replace(/IfExists$/, '');
}

function list(value: string | readonly string[]): readonly string[] {
  return typeof value === 'string' ? [value] : value;
}

function like(pattern: string): RegExp {
  const source = pattern
    .replaceAll(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  return new RegExp(`^${source}$`, 's');
}

import { withoutWaits } from '../../packages/server/src/bake/runs/testing-runs.js';
import { murmurOk } from './cli.js';
import type { TestServer } from './server.js';
import { eventually } from './wait.js';

/** A run as `bakes show -o json` prints it. */
export interface Run {
  readonly run_id: string;
  readonly recipe: string;
  readonly phase: string;
  readonly attempt: number;
  readonly image_name: string;
  readonly error?: string;
}

/** Writes a recipe on the tiny base. */
export async function setRecipe(server: TestServer, name: string, script: string, fields: Record<string, unknown> = {}): Promise<void> {
  const document = { name, base_image_qemu_ref: 'tiny', provisioning_script: script, provisioning_timeout: '2m', ...fields };
  await murmurOk(server, ['set', 'recipe', name], { stdin: JSON.stringify(document) });
}

/** Every run of a recipe, newest first. */
export async function runsOf(server: TestServer, recipe: string): Promise<readonly Run[]> {
  return JSON.parse(await murmurOk(server, ['bakes', 'ls', '--recipe', recipe, '-o', 'json'])) as readonly Run[];
}

/** Waits until the newest run of a recipe is in a phase that passes the test. */
export async function runWhen(server: TestServer, recipe: string, what: string, passes: (run: Run) => boolean): Promise<Run> {
  let newest: Run | undefined;
  try {
    return await eventually(`the bake of ${recipe} to be ${what}`, async () => {
      [newest] = await runsOf(server, recipe);
      return newest !== undefined && passes(newest) ? newest : undefined;
    });
  } catch (error) {
    if (newest === undefined) throw error;
    // What it was at tells whether it was slow or stood still, and where.
    const log = await murmurOk(server, ['bakes', 'logs', newest.run_id]);
    throw new Error(`it was at ${JSON.stringify(newest)}\n${log.slice(-2000)}`, { cause: error });
  }
}

/** Waits until the newest run of a recipe has ended. */
export function runEnded(server: TestServer, recipe: string): Promise<Run> {
  return runWhen(server, recipe, 'over', (run) => ['completed', 'failed', 'cancelled'].includes(run.phase));
}

/** The stored log of a run, apart from what it says of long waits. */
export async function logOf(server: TestServer, runId: string): Promise<string> {
  return withoutWaits(await murmurOk(server, ['bakes', 'logs', runId]));
}

/** Waits until a run's log holds a text. */
export async function logHas(server: TestServer, runId: string, text: string): Promise<void> {
  await eventually(`"${text}" in the log of ${runId}`, async () => ((await logOf(server, runId)).includes(text) ? true : undefined));
}

import { murmur, runCommand } from '../command.js';
import type { BakeTimes } from './bake-times.js';

/** The environment and placement every bake of the comparison uses. */
export const environment = 'murmur-qemu-small';
const placement = 'murmur-qemu-local';

/** Puts a recipe with this script into the catalog. */
export async function setRecipe(name: string, script: string, env: NodeJS.ProcessEnv): Promise<void> {
  const recipe = { name, base_image_qemu_ref: 'murmur-qemu-base', provisioning_script: script, provisioning_timeout: '30m' };
  await runCommand([murmur, 'set', 'recipe', name], { env, stdin: JSON.stringify(recipe) });
}

/** Bakes a recipe once with Murmur, as a fresh bake although an image of it exists. */
export async function bakeWithMurmur(recipe: string, env: NodeJS.ProcessEnv): Promise<BakeTimes> {
  const { seconds } = await runCommand([murmur, 'bake', '--wait', '--force-new', recipe, environment, placement], { env });
  const { stdout: list } = await runCommand([murmur, 'bakes', 'ls', '--recipe', recipe, '-o', 'json'], { env });
  const [{ run_id }] = JSON.parse(list) as [{ run_id: string }];
  const { stdout: shown } = await runCommand([murmur, 'bakes', 'show', run_id, '-o', 'json'], { env });
  const { steps } = JSON.parse(shown) as { steps: { step: string; seconds: number }[] };
  const spent = (...names: string[]) => steps.filter(({ step }) => names.includes(step)).reduce((sum, step) => sum + step.seconds, 0);
  const script = spent('provision');
  const capture = spent('clean', 'capture', 'release', 'register');
  return { total: seconds, boot: seconds - script - capture, script, capture };
}

import { type Bake, BakeSchema } from '@murmur/api';

import type { Context } from '../context.js';
import type { OutputFormat } from './output-flag.js';
import { renderFields, renderTable } from './table.js';
import { renderSeconds, renderTime, secondsBetween } from './time.js';

/** Prints one bake with all that is known of it. */
export async function printBake(context: Context, format: OutputFormat | undefined, bake: Bake | undefined): Promise<void> {
  if (bake === undefined) return;
  if (format === undefined || format === 'table') {
    context.stdout.write(renderBake(bake));
    return;
  }
  const { messageToDocument, renderDocument } = await import('./document.js');
  context.stdout.write(renderDocument(format, messageToDocument(BakeSchema, bake)));
}

function renderBake(bake: Bake): string {
  const fields: (readonly [string, string])[] = [
    ['Run', bake.runId],
    ['Recipe', bake.recipe],
    ['Environment', bake.environment],
    ['Placement', bake.placement],
    ['Scope', bake.scope],
    ['Artifact', bake.artifactName],
    ['Image', bake.imageName],
    ['Hash', bake.imageHash],
    ['Phase', bake.waitsFor === '' ? bake.phase : bake.waitsFor],
    ['Attempt', String(bake.attempt)],
    ['Author', bake.author],
    ['Started', renderTime(bake.createTime)],
    ['Ended', renderTime(bake.endTime)],
    ['Duration', renderSeconds(secondsBetween(bake.createTime, bake.endTime))],
    ['Error', bake.error.trimEnd().replaceAll('\n', '\n  ')],
    ['Left behind', bake.leftBehind],
    ['Kept until', renderTime(bake.keptMachine?.expireTime)],
    ['Shell', bake.keptMachine?.shellCommand ?? ''],
  ];
  const known = fields.filter(([, value]) => value !== '');
  const steps = bake.steps.map((step) => [step.step, String(step.attempt), `${step.seconds.toFixed(1)}s`]);
  return `${renderFields(known)}${steps.length === 0 ? '' : `\n${renderTable(['step', 'attempt', 'took'], steps)}`}`;
}

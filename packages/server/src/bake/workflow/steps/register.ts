import { setTimeout as delay } from 'node:timers/promises';

import { create, fromJson } from '@bufbuild/protobuf';
import { Architecture, ImageSchema, type Image, ProvenanceSchema } from '@murmur/api';

import { writeBakedImage } from '../../../catalog/baked-image.js';
import { BeingDiscarded, holdImage } from '../../images/discard.js';
import { settle } from '../../runs/intents.js';
import { assertLease } from '../../runs/lease.js';
import { stepToken } from '../../starting/names.js';
import { endRun, type RunRow } from '../../runs/runs.js';
import type { RunInputs } from '../../starting/run-inputs.js';
import { type Handle, PlatformFault } from '../../../substrates/substrate.js';
import type { BakeState, BakeStep, StepContext } from '../step.js';
import { capture } from './capture.js';

const discardPauseMs = 1000;

/** Writes the image into the catalog and ends the run, in one transaction: both are there or neither. */
export const register: BakeStep = {
  name: 'register',
  phase: 'registering',
  async run({ artifact }, context) {
    const { attempt, database, inputs, lease, log, run, signal, site, substrate } = context;
    if (artifact === undefined) throw new Error('register came before capture');
    const image = imageOf(run, inputs, artifact);
    const id = substrate.imageId(artifact.reference);
    if (id === undefined) throw new Error('what was captured is not a whole image');
    await notBeingDiscarded(context, artifact.reference, async () => {
      await database.transaction().execute(async (trx) => {
        await assertLease(trx, lease);
        await holdImage(trx, id);
        await writeBakedImage(trx, { tenant: run.tenant, image, author: run.author });
        await trx
          .insertInto('artifacts')
          .values({
            tenant: run.tenant,
            image_name: run.image_name,
            recipe: run.recipe,
            image_hash: run.image_hash,
            build_number: run.build_number,
            run_id: run.id,
            artifact_name: run.artifact_name,
            substrate: run.substrate,
            scope: run.scope,
            reference: JSON.stringify(artifact.reference),
            site: JSON.stringify(site),
            image_id: id,
            host: run.host,
          })
          .execute();
        await settle(trx, stepToken(run.id, attempt, capture.name));
        await endRun(trx, lease, { phase: 'completed' });
      });
    });
    try {
      await substrate.keepImage(site, artifact.reference, signal);
    } catch (error) {
      log.warn({ err: error }, 'the substrate has not heard that its image is registered; the reaper will tell it');
    }
    return {};
  },
};

/** Registers once nobody removes the image any more, which happens where two bakes came to the very same one. */
async function notBeingDiscarded(
  { signal, site, substrate }: StepContext,
  reference: Handle,
  registering: () => Promise<void>,
): Promise<void> {
  for (let waited = false; ; waited = true) {
    if (waited && !(await substrate.imageExists(site, reference, 'quick', signal))) {
      throw new PlatformFault('the captured image was removed with its twin', { kind: 'image-failed' });
    }
    try {
      return await registering();
    } catch (error) {
      if (!(error instanceof BeingDiscarded)) throw error;
      await delay(discardPauseMs, undefined, { signal });
    }
  }
}

function imageOf(run: RunRow, inputs: RunInputs, artifact: NonNullable<BakeState['artifact']>): Image {
  const image = fromJson(ImageSchema, artifact.source);
  const provenance = create(ProvenanceSchema, { recipeRef: run.recipe, imageHash: run.image_hash });
  image.name = run.image_name;
  image.architecture = Architecture[inputs.architecture];
  if (image.source.value !== undefined) image.source.value.provenance = provenance;
  return image;
}

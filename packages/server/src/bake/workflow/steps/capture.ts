import { create, toJson } from '@bufbuild/protobuf';
import { ImageSchema } from '@murmur/api';

import { discardImage, discardThing } from '../../images/discard.js';
import { intend, isOpen, settle } from '../../runs/intents.js';
import { machineOf } from '../machine-of.js';
import { stepToken } from '../../starting/names.js';
import type { BakeStep } from '../step.js';

const name = 'capture';

/** Stops the machine and makes an image of its disk. */
export const capture: BakeStep = {
  name,
  phase: 'capturing',
  async run(state, context) {
    const { attempt, owner, run, substrate } = context;
    const token = await intend(context.database, context.lease, { attempt, step: name, substrate: substrate.name });
    const { source, reference } = await substrate.capture(
      machineOf(state),
      context.keys,
      { name: run.artifact_name, token, owner },
      context.signal,
    );
    return { artifact: { source: toJson(ImageSchema, create(ImageSchema, { source })), reference } };
  },
  async undo({ artifact }, { attempt, database, owner, run, substrate }) {
    const token = stepToken(run.id, attempt, name);
    if (!(await isOpen(database, token))) return;
    if (artifact !== undefined) await discardImage(database, substrate, artifact.reference);
    for (const thing of await substrate.listOwned(owner.installation)) {
      if (thing.token === token) await discardThing(database, substrate, thing);
    }
    await settle(database, token);
  },
};

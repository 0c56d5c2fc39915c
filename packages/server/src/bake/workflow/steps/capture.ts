import { create, toJson } from '@bufbuild/protobuf';
import { ImageSchema } from '@murmur/api';

import { discardImage, discardThing } from '../../images/discard.js';
import { intend, isOpen, settle } from '../../runs/intents.js';
import { remark } from '../../runs/logs.js';
import { stepToken } from '../../starting/names.js';
import { type BakeStep, machineOf } from '../step.js';
import { waitForDisk } from '../wait-for-disk.js';

const name = 'capture';

/** Stops the machine and makes an image of its disk. */
export const capture: BakeStep = {
  name,
  phase: 'capturing',
  waitsFor: "the image of its machine's disk",
  async run(state, context) {
    const { attempt, database, lease, owner, run, substrate } = context;
    await waitForDisk(context);
    const token = await intend(database, lease, { attempt, step: name, substrate: substrate.name, site: context.site });
    const { source, reference } = await substrate.capture(
      machineOf(state),
      context.keys,
      { name: run.artifact_name, token, owner, tell: (line) => remark(database, lease, line) },
      context.signal,
    );
    return { artifact: { source: toJson(ImageSchema, create(ImageSchema, { source })), reference } };
  },
  async undo({ artifact }, { attempt, database, owner, run, signal, site, substrate }) {
    const token = stepToken(run.id, attempt, name);
    if (!(await isOpen(database, token))) return;
    const place = { database, substrate, site };
    if (artifact !== undefined) await discardImage(place, artifact.reference, signal);
    const { incomplete, things } = await substrate.listOwned(site, owner.installation, signal);
    for (const thing of things) if (thing.token === token) await discardThing(place, thing, signal);
    // What a list that lacks something does not show may be there all the same: the reaper looks again.
    if (incomplete !== undefined || !substrate.local) return;
    await settle(database, token);
  },
};

import { intend, settle } from '../../runs/intents.js';
import { stepToken } from '../../starting/names.js';
import type { BakeStep } from '../step.js';
import { waitForDisk } from '../wait-for-disk.js';

const name = 'launch';
/** Boot, clean-up, capture and the server's own pauses: on top of the script's timeout. */
const marginSeconds = 3600;

/** Starts the scratch machine from the base image. */
export const launch: BakeStep = {
  name,
  phase: 'launching',
  waitsFor: 'its machine to be started',
  async run(_state, context) {
    const { attempt, inputs, run, substrate } = context;
    await waitForDisk(context);
    const token = await intend(context.database, context.lease, { attempt, step: name, substrate: substrate.name, site: context.site });
    const machine = await substrate.launch(
      {
        owner: context.owner,
        base: inputs.base,
        site: context.site,
        attempt,
        vcpus: inputs.vcpus,
        memoryMb: inputs.memoryMb,
        machineType: inputs.machineType,
        diskType: inputs.diskType ?? '',
        diskSizeGb: inputs.diskSizeGb,
        keys: context.keys,
        lifetimeSeconds: inputs.timeoutSeconds + marginSeconds + run.keep_on_failure_seconds,
        secret: context.secret,
      },
      token,
      context.signal,
    );
    return { machine };
  },
  async undo(_state, { attempt, database, run, signal, site, substrate }) {
    const token = stepToken(run.id, attempt, name);
    await substrate.destroy(site, token, signal);
    // Elsewhere a list may lack what has just been made: the reaper settles it after looking twice.
    if (substrate.local) await settle(database, token);
  },
};

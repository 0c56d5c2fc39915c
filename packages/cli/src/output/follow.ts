import type { Bake } from '@murmur/api';

import type { MurmurClient } from '../client/connect.js';
import { followLog } from '../client/follow-log.js';
import type { Context } from '../context.js';
import type { Output } from '../surroundings.js';
import { renderSeconds, renderTime, secondsBetween } from './time.js';

/** A bake to watch, and where its log goes. */
export interface Watch {
  readonly runId: string;
  readonly log: Pick<Output, 'write'>;
  readonly mode: 'follow' | 'print';
}

/** How watching ended: with the bake's last known state, or because the user had seen enough. */
export type Watched = { readonly ended: 'bake'; readonly bake: Bake | undefined } | { readonly ended: 'detached' };

/** Prints a bake's log as it comes. Ctrl-C leaves the bake alone and says how to come back to it. */
export async function watchBake(context: Context, client: MurmurClient, watch: Watch): Promise<Watched> {
  const signal = context.interruption();
  let bake: Bake | undefined;
  let phase = '';
  try {
    const pieces = followLog(client, {
      runId: watch.runId,
      mode: watch.mode,
      signal,
      onLost: () => context.stderr.write('Connection to the server lost; trying again\n'),
    });
    for await (const piece of pieces) {
      if (piece.text !== '') watch.log.write(piece.text);
      bake = piece.bake ?? bake;
      if (watch.mode === 'follow' && bake !== undefined && bake.phase !== phase) {
        phase = bake.phase;
        if (bake.endTime === undefined) context.stderr.write(`Phase: ${phase}\n`);
      }
    }
  } catch (thrown) {
    if (!signal.aborted) throw thrown;
    context.stderr.write(
      `Detached; the bake goes on\nFollow with: murmur bakes logs --follow ${watch.runId}\nCancel with: murmur bakes cancel ${watch.runId}\n`,
    );
    return { ended: 'detached' };
  }
  return { ended: 'bake', bake };
}

/** What a command that waited for a bake exits with: 0 only for one that completed. */
export function exitCodeOf(bake: Bake | undefined): 0 | 1 {
  return bake?.phase === 'completed' ? 0 : 1;
}

/** What became of a bake, in one line and what follows from it. */
export function renderEnd(bake: Bake): string {
  const took = renderSeconds(secondsBetween(bake.createTime, bake.endTime));
  if (bake.phase === 'completed') return `Bake completed in ${took}: image ${bake.imageName}\n`;
  if (bake.phase === 'cancelled') return `Bake cancelled after ${took}\n`;
  const kept = bake.keptMachine;
  const shell =
    kept === undefined
      ? ''
      : `The machine stays up until ${renderTime(kept.expireTime)}; on the server's host, open a shell with: ${kept.shellCommand}\n`;
  return `Bake failed after ${took}: ${bake.error}\n${shell}`;
}

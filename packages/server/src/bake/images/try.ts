import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { type TryImageRequest, type TryImageResponse, TryImageResponseSchema, refusal } from '@murmur/api';
import type { Logger } from 'pino';

import type { Reader } from '../../catalog/context.js';
import { substrateOf } from '../../catalog/kinds/recipe/bases.js';
import { readSpecAs } from '../../catalog/read.js';
import { deriveGuestKeys } from '../../substrates/guest-keys.js';
import type { LaunchSpec, Substrate, Token } from '../../substrates/substrate.js';
import { rememberSite } from '../runs/sites.js';
import { chunkQueue } from '../runs/chunk-queue.js';
import { imageCallErrors } from './errors.js';
import { rightsOf } from './rights.js';
import type { Admission } from '../room/admission.js';
import { claimRoom } from '../room/claims.js';
import { checkFits, sizeOf } from '../room/limits.js';
import { waitForRoom } from '../room/wait-for-room.js';
import { newRunId, stepToken } from '../starting/names.js';
import { checkArchitecture, checkDiskSize, found, loadPlacing } from '../starting/placing.js';
import type { PlanParts } from '../starting/plan.js';
import { prefixed, reachable, substrateFor, substrateNamed } from '../starting/substrates.js';
import { loginCommand } from '../supervisor/login-command.js';

/** A machine nobody came back for ends by itself after this long. */
const lifetimeSeconds = 3600;
/** Whoever tries an image sits and waits. */
const mostWaitingForRoomMs = 60_000;
/** Output that the caller has not read yet waits here up to this many bytes. */
const mostWaiting = 64 * 1024 * 1024;

/** What a trial needs of the server. */
export interface TryParts extends PlanParts {
  readonly installation: string;
  readonly hostId: string;
  readonly log: Logger;
  readonly admission: Pick<Admission, 'look'>;
}

interface Trial {
  readonly substrate: Substrate;
  readonly launchSpec: LaunchSpec;
}

/** Boots a throwaway machine from an image, with what the reader may read; runs one command there as root, and removes the machine whatever happens. */
export async function* tryImage(
  parts: TryParts,
  reader: Reader,
  request: TryImageRequest,
  signal: AbortSignal,
): AsyncGenerator<TryImageResponse> {
  const { tenant } = reader;
  if (request.command.length === 0) throw refusal(imageCallErrors.commandRequired, []);
  if (request.command.some((word) => word.includes('\0'))) throw refusal(imageCallErrors.commandNul, []);
  const id = `try-${newRunId()}`;
  const token = stepToken(id, 1, 'launch');
  const { launchSpec, substrate } = await prepare(parts, reader, id, request, signal);
  const { keys } = launchSpec;
  await rememberSite(parts.database, substrate.name, launchSpec.site);
  await insertTrial(parts, { substrate, launchSpec }, { id, tenant, executor: parts.hostId, token });
  // A caller who leaves ends this generator at a yield; the command then ends with its channel.
  const left = new AbortController();
  const stop = AbortSignal.any([signal, left.signal]);
  let removed = true;
  try {
    if (substrate.local) {
      const waiting = waitForRoom(parts, { id, mostMs: mostWaitingForRoomMs, signal: stop });
      for await (const reason of waiting) yield event({ case: 'progress', value: reason });
    }
    removed = false;
    yield event({ case: 'progress', value: `Starting a machine from image "${request.image}"` });
    const machine = await reachable(substrate.name, () => substrate.launch(launchSpec, token, stop));
    yield event({ case: 'progress', value: 'Waiting for it to boot' });
    await reachable(substrate.name, () => substrate.waitReady(machine, keys, stop));
    await using channel = await reachable(substrate.name, () => substrate.channel(machine, keys, stop));
    const output = chunkQueue<TryImageResponse>({
      most: mostWaiting,
      sizeOf: ({ event: { case: kind, value } }) => (kind === 'stdout' || kind === 'stderr' ? value.length : 0),
      exceeded: () => {
        left.abort();
        return refusal(imageCallErrors.outputUnread, []);
      },
    });
    const sink = {
      stdout: (chunk: Buffer) => output.push(event({ case: 'stdout', value: chunk })),
      stderr: (chunk: Buffer) => output.push(event({ case: 'stderr', value: chunk })),
    };
    const command = loginCommand(request.command);
    reachable(substrate.name, () => channel.stream(command, sink, { signal: stop })).then(
      (exitCode) => {
        output.push(event({ case: 'exitCode', value: exitCode }));
        output.end();
      },
      (error: unknown) => output.end(error instanceof Error ? error : new Error(String(error))),
    );
    yield* output;
  } finally {
    left.abort();
    try {
      // Whoever called has gone, and the machine goes all the same.
      if (!removed) await substrate.destroy(launchSpec.site, token, new AbortController().signal);
      removed = true;
    } finally {
      await endTrial(parts, id, removed ? 'removed' : 'left');
    }
  }
}

async function insertTrial(
  { database, room }: TryParts,
  { launchSpec, substrate }: Trial,
  trial: { id: string; tenant: string; executor: string; token: Token },
): Promise<void> {
  const { id, tenant } = trial;
  await database.transaction().execute(async (trx) => {
    await trx
      .insertInto('trials')
      .values({ ...trial, substrate: substrate.name, site: JSON.stringify(launchSpec.site) })
      .execute();
    if (substrate.local) await claimRoom(trx, { id, kind: 'try', tenant, host: room.host, size: launchSpec });
  });
}

/** A machine that could not be removed is nobody's now: the reaper comes for it, and until then it has its room. */
async function endTrial({ admission, database, log }: TryParts, id: string, machine: 'removed' | 'left'): Promise<void> {
  if (machine === 'left') await database.updateTable('trials').set({ executor: null }).where('id', '=', id).execute();
  else await database.deleteFrom('trials').where('id', '=', id).execute();
  admission.look().catch((error: unknown) => log.warn({ err: error }, 'the next machine was not let in at once'));
}

async function prepare(parts: TryParts, reader: Reader, id: string, request: TryImageRequest, signal: AbortSignal): Promise<Trial> {
  const { tenant } = reader;
  const image = await found(readSpecAs(parts.database, reader, 'image', request.image), 'Check the names with `murmur get image`.');
  const { diskType, environment, machineType, placement, substrateName } = await loadPlacing(parts.database, reader, request);
  const imageSubstrate = substrateNamed(substrateOf(image));
  if (imageSubstrate !== substrateName) {
    const mismatch = [image.name, prefixed(imageSubstrate), environment.name, prefixed(substrateName)] as const;
    throw refusal(imageCallErrors.substrateMismatch, [...mismatch]);
  }
  checkArchitecture(image, machineType);
  parts.checkImage?.(substrateName, image, placement);
  const substrate = substrateFor(parts.substrates, substrateName);
  checkFits(parts.room, substrate, { machineType, environment });
  const site = substrate.siteOf(placement, tenant);
  const base = await reachable(substrateName, () => substrate.resolveBase(site, image, rightsOf(parts, reader), signal));
  checkDiskSize(environment, image, base);
  const tenantKey = await parts.tenantKeys.of(tenant);
  return {
    substrate,
    launchSpec: {
      owner: { installation: parts.installation, tenant, runId: id },
      base,
      site,
      attempt: 1,
      ...sizeOf(machineType),
      machineType: machineType.typeName,
      diskType: diskType?.typeName ?? '',
      diskSizeGb: environment.diskSizeGb,
      keys: deriveGuestKeys(tenantKey.derive(`guest keys of ${id}`, 64)),
      lifetimeSeconds,
      secret: (name) => rightsOf(parts, reader).secret(name),
    },
  };
}

function event(value: MessageInitShape<typeof TryImageResponseSchema>['event']): TryImageResponse {
  return create(TryImageResponseSchema, value === undefined ? {} : { event: value });
}

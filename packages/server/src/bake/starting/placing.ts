import {
  Architecture,
  type DiskType,
  type Environment,
  type Image,
  type MachineType,
  MurmurError,
  type Placement,
  refusal,
} from '@murmur/api';

import { bakeErrors } from '../errors.js';
import type { Reader } from '../../catalog/context.js';
import { readSpec, readSpecAs } from '../../catalog/read.js';
import type { Queryable } from '../../database/tables.js';
import type { ResolvedBase, SubstrateName } from '../../substrates/substrate.js';
import { prefixed, substrateNamed } from './substrates.js';

/** A machine's shape and place, checked against each other. */
export interface Placing {
  readonly environment: Environment;
  readonly placement: Placement;
  readonly machineType: MachineType;
  /** Undefined where the environment names none. */
  readonly diskType: DiskType | undefined;
  readonly substrateName: SubstrateName;
}

/** Loads an environment and a placement that the reader may read. Throws NOT_FOUND, or INVALID_ARGUMENT when they are on different substrates. */
export async function loadPlacing(
  queryable: Queryable,
  reader: Reader,
  names: { readonly environment: string; readonly placement: string },
): Promise<Placing> {
  const environment = await found(readSpecAs(queryable, reader, 'environment', names.environment));
  const placement = await found(readSpecAs(queryable, reader, 'placement', names.placement));
  const substrateName = substrateNamed(environment.substrate);
  const placed = substrateNamed(placement.substrate);
  if (substrateName === undefined || substrateName !== placed) {
    throw refusal(bakeErrors.substrateMismatch, [environment.name, prefixed(substrateName), placement.name, prefixed(placed)]);
  }
  const machineType = await readSpec(queryable, reader, 'machine-type', environment.machineTypeRef);
  const { diskTypeRef } = environment;
  const diskType = diskTypeRef === '' ? undefined : await readSpec(queryable, reader, 'disk-type', diskTypeRef);
  return { diskType, environment, placement, machineType, substrateName };
}

const placingHint = 'Check the names with `murmur get recipe`, `murmur get environment`, or `murmur get placement`.';

/** A recipe, environment or placement that the caller named: its absence says how to look names up. */
export async function found<T>(reading: Promise<T>, hint: string = placingHint): Promise<T> {
  try {
    return await reading;
  } catch (error) {
    if (!(error instanceof MurmurError) || error.code !== 'NOT_FOUND') throw error;
    throw new MurmurError('NOT_FOUND', error.message, { cause: error.cause, hint });
  }
}

/** Throws INVALID_ARGUMENT unless the image's processors are the machine's. */
export function checkArchitecture(image: Image, machineType: MachineType): void {
  if (image.architecture === machineType.architecture) return;
  const [its, other] = [Architecture[image.architecture], Architecture[machineType.architecture]];
  throw refusal(bakeErrors.architectureMismatch, [image.name, its, machineType.name, other]);
}

/** Throws FAILED_PRECONDITION when the environment's disk is smaller than what the image needs. */
export function checkDiskSize(environment: Environment, image: Image, { minimumDiskGb = 0 }: ResolvedBase): void {
  const { diskSizeGb } = environment;
  if (diskSizeGb === 0 || diskSizeGb >= minimumDiskGb) return;
  throw refusal(bakeErrors.diskTooSmall, [environment.name, String(diskSizeGb), image.name, String(minimumDiskGb)]);
}

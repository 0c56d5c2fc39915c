import { type DescMessage, type Message, equals } from '@bufbuild/protobuf';
import { DiskTypeSchema, EnvironmentSchema, type Image, ImageSchema, MachineTypeSchema, PlacementSchema, RoleSchema } from '@murmur/api';

import type { Database } from '../database/tables.js';
import { type BuiltinConfig, baseImages } from './builtins/base-images.js';
import { environments, placements } from './builtins/local.js';
import { diskTypes, machineTypes } from './builtins/types.js';
import { roles } from './builtins/roles.js';
import { PLATFORM_TENANT, everything } from './context.js';
import { throwFaults } from './faults.js';
import type { Kind } from './kind.js';
import { kindNamed, kinds } from './kinds/index.js';
import { lockTargets } from './references.js';
import { decodeSpec, encodeSpec, lockName, lockResource, writeGeneration } from './store.js';

export type { BuiltinConfig } from './builtins/base-images.js';

/** Recorded as the author of what no person wrote. */
const platformAuthor = 'murmur';
const onBehalf = { tenant: PLATFORM_TENANT, permits: everything };

/** Puts the platform's builtins into the catalog. A builtin that is there already, as it should be, is left alone. */
export async function writeBuiltins(database: Database, config: BuiltinConfig): Promise<void> {
  await database
    .insertInto('tenants')
    .values({ id: PLATFORM_TENANT })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
  for (const spec of machineTypes(config)) await writeBuiltin(database, MachineTypeSchema, spec);
  for (const spec of diskTypes) await writeBuiltin(database, DiskTypeSchema, spec);
  for (const spec of roles) await writeBuiltin(database, RoleSchema, spec);
  for (const spec of environments) await writeBuiltin(database, EnvironmentSchema, spec);
  for (const spec of placements(config)) await writeBuiltin(database, PlacementSchema, spec);
  for (const spec of baseImages(config)) await writeBuiltin(database, ImageSchema, spec);
}

/** Registers a base image of the platform's own; a new build of it becomes its next generation. */
export async function writePlatformImage(database: Database, image: Image): Promise<void> {
  await writeBuiltin(database, ImageSchema, image);
}

/** The platform's base images, for every substrate. */
export async function platformImages(database: Database): Promise<readonly Image[]> {
  const rows = await database
    .selectFrom('resources')
    .select('spec')
    .where('tenant', '=', PLATFORM_TENANT)
    .where('kind', '=', 'image')
    .orderBy('name')
    .execute();
  return rows.map(({ spec }) => decodeSpec(ImageSchema, spec) as Image);
}

async function writeBuiltin(database: Database, schema: DescMessage, spec: Message & { name: string }): Promise<void> {
  const kind = kindOf(schema);
  const address = { tenant: PLATFORM_TENANT, kind: kind.name, name: spec.name };
  await database.transaction().execute(async (trx) => {
    // Several servers may start at once.
    await lockName(trx, address);
    const current = await lockResource(trx, address, 'write');
    if (current !== undefined && equals(schema, decodeSpec(schema, current.spec), spec)) return;
    const { targets, missing } = await lockTargets(trx, onBehalf, kind.references?.(spec) ?? [], kindNamed);
    throwFaults(kind, [], missing);
    await writeGeneration(trx, address, { spec: encodeSpec(schema, spec), author: platformAuthor, at: new Date(), targets: targets.all });
  });
}

function kindOf(schema: DescMessage): Kind {
  const kind = kinds.find((candidate) => candidate.schema.typeName === schema.typeName);
  if (kind === undefined) throw new Error(`no kind for ${schema.typeName}`);
  return kind;
}

import { create } from '@bufbuild/protobuf';
import { type Environment, EnvironmentSchema, type Placement, PlacementSchema, Substrate } from '@murmur/api';

import type { BuiltinConfig } from './base-images.js';

/** One environment for each local machine type, so that a first bake needs none written. */
export const environments: readonly Environment[] = [
  environment('murmur-qemu-small', Substrate.QEMU, 'A small QEMU machine'),
  environment('murmur-qemu-medium', Substrate.QEMU, 'A medium QEMU machine'),
  environment('murmur-docker-small', Substrate.DOCKER, 'A small Docker container'),
];

/** How people write the names of the substrates that have machines on the server's own host, where that is not as here. */
const spelled: Partial<Record<keyof typeof Substrate, string>> = { DOCKER: 'Docker' };

/** The placements on the host of the server, for the substrates it is set up for. */
export function placements({ localSubstrates }: BuiltinConfig): Placement[] {
  return localSubstrates.map((name) =>
    create(PlacementSchema, {
      name: `murmur-${name.toLowerCase()}-local`,
      substrate: Substrate[name],
      description: `${spelled[name] ?? name} on the server's host`,
    }),
  );
}

function environment(name: string, substrate: Substrate, description: string): Environment {
  return create(EnvironmentSchema, { name, substrate, machineTypeRef: name, description });
}

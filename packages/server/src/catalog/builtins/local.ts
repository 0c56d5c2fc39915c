import { create } from '@bufbuild/protobuf';
import { type Environment, EnvironmentSchema, type Placement, PlacementSchema, Substrate } from '@murmur/api';

import type { BuiltinConfig } from './base-images.js';

/** One environment for each local machine type, so that a first bake needs none written. */
export const environments: readonly Environment[] = [
  environment('murmur-qemu-small', Substrate.QEMU, 'A small QEMU machine'),
  environment('murmur-qemu-medium', Substrate.QEMU, 'A medium QEMU machine'),
  environment('murmur-docker-small', Substrate.DOCKER, 'A small Docker container'),
];

/** The placements on the host of the server, for the substrates it is set up for. */
export function placements({ localSubstrates }: BuiltinConfig): Placement[] {
  const all = {
    QEMU: create(PlacementSchema, { name: 'murmur-qemu-local', substrate: Substrate.QEMU, description: "QEMU on the server's host" }),
    DOCKER: create(PlacementSchema, {
      name: 'murmur-docker-local',
      substrate: Substrate.DOCKER,
      description: "Docker on the server's host",
    }),
  };
  return localSubstrates.map((substrate) => all[substrate]);
}

function environment(name: string, substrate: Substrate, description: string): Environment {
  return create(EnvironmentSchema, { name, substrate, machineTypeRef: name, description });
}

import { type Image, type Recipe, Substrate as SubstrateEnum } from '@murmur/api';

import type { SubstrateName } from '../../substrates/substrate.js';

/** The substrate that an environment or placement names, without the enum's prefix. */
export function substrateNamed(value: SubstrateEnum): SubstrateName | undefined {
  const names: Partial<Record<SubstrateEnum, SubstrateName>> = {
    [SubstrateEnum.GCP]: 'GCP',
    [SubstrateEnum.AWS]: 'AWS',
    [SubstrateEnum.DOCKER]: 'DOCKER',
    [SubstrateEnum.QEMU]: 'QEMU',
  };
  return names[value];
}

/** The substrate as messages write it: `SUBSTRATE_AWS`. */
export function prefixed(name: SubstrateName | undefined): string {
  return `SUBSTRATE_${name ?? 'UNSPECIFIED'}`;
}

/** The recipe's base image on a substrate; empty when it has none there. */
export function baseImageOf(recipe: Recipe, substrate: SubstrateName): string {
  return {
    AWS: recipe.baseImageAwsRef,
    GCP: recipe.baseImageGceRef,
    DOCKER: recipe.baseImageDockerRef,
    QEMU: recipe.baseImageQemuRef,
  }[substrate];
}

/** The substrate an image lives on. */
export function substrateOfImage(image: Image): SubstrateName | undefined {
  const { case: source } = image.source;
  return source === undefined ? undefined : ({ aws: 'AWS', gce: 'GCP', docker: 'DOCKER', qemu: 'QEMU' } as const)[source];
}

import { ArchitectureSchema, type Image, ImageSchema, type Recipe, Substrate } from '@murmur/api';

import { type Faults, type FieldFault, fault } from '../../faults.js';
import type { Reference } from '../../kind.js';
import type { Targets } from '../../targets.js';
import { referenceIn } from '../../shared-references.js';
import { recipeErrors } from './errors.js';

interface Base {
  readonly field: string;
  readonly substrate: Substrate;
  readonly source: NonNullable<Image['source']['case']>;
  readonly missing: typeof recipeErrors.awsMissing;
  readonly other: typeof recipeErrors.awsOther;
  readonly name: (recipe: Recipe) => string;
}

/** In the order in which an architecture mismatch is looked for. */
const bases: readonly Base[] = [
  {
    field: 'base_image_aws_ref',
    substrate: Substrate.AWS,
    source: 'aws',
    missing: recipeErrors.awsMissing,
    other: recipeErrors.awsOther,
    name: (recipe) => recipe.baseImageAwsRef,
  },
  {
    field: 'base_image_gce_ref',
    substrate: Substrate.GCP,
    source: 'gce',
    missing: recipeErrors.gceMissing,
    other: recipeErrors.gceOther,
    name: (recipe) => recipe.baseImageGceRef,
  },
  {
    field: 'base_image_docker_ref',
    substrate: Substrate.DOCKER,
    source: 'docker',
    missing: recipeErrors.dockerMissing,
    other: recipeErrors.dockerOther,
    name: (recipe) => recipe.baseImageDockerRef,
  },
  {
    field: 'base_image_qemu_ref',
    substrate: Substrate.QEMU,
    source: 'qemu',
    missing: recipeErrors.qemuMissing,
    other: recipeErrors.qemuOther,
    name: (recipe) => recipe.baseImageQemuRef,
  },
];

/** The name of a recipe's base image on a substrate; empty when it has none there. */
export function baseOn(recipe: Recipe, substrate: Substrate): string {
  return bases.find((base) => base.substrate === substrate)?.name(recipe) ?? '';
}

/** The substrate that an image is of. */
export function substrateOf({ source }: Image): Substrate {
  return bases.find((base) => base.source === source.case)?.substrate ?? Substrate.UNSPECIFIED;
}

/** The base images a recipe names. */
export function baseReferences(recipe: Recipe): Reference[] {
  return bases.flatMap(({ field, missing, name }) => referenceIn(field, 'image', name(recipe), missing));
}

/** Base images must be of the field's substrate and all of one architecture. */
export function* checkBases(recipe: Recipe, targets: Targets): Faults {
  const fitting: { field: string; image: Image }[] = [];
  for (const { field, source, other, name } of bases) {
    const image = targets.at(field, ImageSchema);
    if (image === undefined) continue;
    if (image.source.case === source) fitting.push({ field, image });
    else yield fault(other, field, name(recipe));
  }
  const mismatch = firstMismatch(fitting);
  if (mismatch !== undefined) yield mismatch;
}

function firstMismatch(fitting: readonly { field: string; image: Image }[]): FieldFault | undefined {
  for (const [index, first] of fitting.entries()) {
    const second = fitting.slice(index + 1).find(({ image }) => image.architecture !== first.image.architecture);
    if (second === undefined) continue;
    return fault(
      recipeErrors.architectureMismatch,
      second.field,
      first.field,
      architectureName(first.image),
      second.field,
      architectureName(second.image),
    );
  }
  return undefined;
}

function architectureName({ architecture }: Image): string {
  return ArchitectureSchema.value[architecture]?.name ?? String(architecture);
}

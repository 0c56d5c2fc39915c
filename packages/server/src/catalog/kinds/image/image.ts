import { Architecture, ArchitectureSchema, ImageSchema } from '@murmur/api';

import { fault } from '../../faults.js';
import { defineKind } from '../../kind.js';
import { referenceIn } from '../../shared-references.js';
import { checkDescription, checkName } from '../../shared-rows.js';
import { imageErrors } from './errors.js';
import { imageFields } from './fields.js';
import { checkSource } from './sources.js';
import { carriesProvenance, provenanceOf } from './provenance.js';

/** A pointer to something that boots, written by hand or by a bake. */
export const image = defineKind({
  name: 'image',
  schema: ImageSchema,
  summary: 'Points to a runnable artifact on one substrate: an AMI, a GCE image, a container image or a QEMU disk.',
  fields: imageFields,
  example: `name: debian12-base
description: Stock Debian 12 with our internal SDK
architecture: ARCHITECTURE_AMD64
gce:
  self_link: projects/acme-agents/global/images/family/debian-12-sdk
`,
  errors: imageErrors,
  columns: [
    { header: 'NAME', cell: (spec) => spec.name },
    { header: 'ARCHITECTURE', cell: (spec) => ArchitectureSchema.value[spec.architecture]?.name ?? '' },
    { header: 'SOURCE', cell: (spec) => spec.source.case ?? '' },
    { header: 'RECIPE', cell: (spec) => provenanceOf(spec)?.recipeRef ?? '' },
    { header: 'DESCRIPTION', cell: (spec) => spec.description },
  ],
  *validate(spec, written) {
    yield* checkName(imageErrors, spec.name);
    yield* checkDescription(spec.description);
    if (spec.architecture === Architecture.UNSPECIFIED) yield fault(imageErrors.architectureRequired, 'architecture');
    yield* checkSource(spec);
    if (carriesProvenance(written)) yield fault(imageErrors.provenanceSet, `${spec.source.case ?? 'source'}.provenance`);
  },
  uses({ source }) {
    if (source.case !== 'docker' || source.value.pullCredentialSecret === '') return [];
    // Whoever says which registry is asked says who is shown the credential.
    return [{ permission: 'secret.assume', name: source.value.pullCredentialSecret, where: source.value.imageRef }];
  },
  references(spec) {
    const provenance = provenanceOf(spec);
    if (provenance === undefined) return [];
    const path = `${spec.source.case ?? ''}.provenance.recipe_ref`;
    return referenceIn(path, 'recipe', provenance.recipeRef, imageErrors.recipeMissing);
  },
  *refuseWrite(current, written) {
    if (provenanceOf(current) === undefined) return;
    if (written !== undefined && carriesProvenance(written)) yield fault(imageErrors.provenanceSet, 'provenance');
    yield fault(imageErrors.bakedImmutable, '');
  },
});

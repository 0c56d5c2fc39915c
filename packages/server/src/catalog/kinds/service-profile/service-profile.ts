import { ServiceProfileSchema, type Grantee, type ServiceProfile } from '@murmur/api';

import { type Faults, fault } from '../../faults.js';
import { type Reference, defineKind } from '../../kind.js';
import { descriptionField, nameField, secretNamesRule } from '../../shared-fields.js';
import { secretReferences } from '../../shared-references.js';
import { checkDescription, checkName, checkSecretNames } from '../../shared-rows.js';
import { shortList } from '../../short-list.js';
import { isSubject } from '../../permissions/subjects.js';
import { serviceProfileErrors as errors } from './errors.js';

/** Someone who is not a person. */
export const serviceProfile = defineKind({
  name: 'service-profile',
  schema: ServiceProfileSchema,
  summary: 'An identity that is not a person: who may act as it, and the secrets it lends.',
  fields: [
    nameField,
    descriptionField,
    { path: 'grants', type: 'object[]', required: 'no', description: 'Who may act as this profile. Nobody else may.' },
    {
      path: 'grants[N].user',
      type: 'string',
      required: 'one of',
      description: 'The subject of a key or token. Each grant names exactly one user or group.',
    },
    { path: 'grants[N].group', type: 'string', required: 'one of', description: 'Name of a group, all of whose members may.' },
    { path: 'secret_refs', type: 'string[]', required: 'no', description: `Names of the secrets it lends. ${secretNamesRule}` },
  ],
  example: `name: ci-bot
description: Bakes what is merged
grants:
  - user: ana@example.com
  - group: builders
secret_refs:
  - NPM_TOKEN
`,
  errors,
  columns: [
    { header: 'NAME', cell: (spec) => spec.name },
    { header: 'GRANTS', cell: (spec) => shortList(spec.grants.map(({ grantee }) => grantee.value ?? '')) },
    { header: 'SECRET REFS', cell: (spec) => shortList(spec.secretRefs) },
    { header: 'DESCRIPTION', cell: (spec) => spec.description },
  ],
  *validate(spec) {
    yield* checkName(errors, spec.name);
    for (const [index, grant] of spec.grants.entries()) yield* checkGrant(grant, index);
    yield* checkSecretNames(errors, 'secret_refs', spec.secretRefs);
    yield* checkDescription(spec.description);
  },
  gives: (spec) =>
    spec.grants.length === 0
      ? []
      : [
          { permission: 'service-profile.assume', names: spec.name },
          ...spec.secretRefs.map((names) => ({ permission: 'secret.assume', names })),
        ],
  references: (spec) => [...groupReferences(spec), ...secretReferences('secret_refs', spec.secretRefs, errors.secretMissing)],
});

function* checkGrant({ grantee }: Grantee, index: number): Faults {
  const path = `grants[${index}]`;
  if (grantee.case === undefined || grantee.value === '') yield fault(errors.grantInvalid, path, String(index));
  else if (grantee.case === 'user' && !isSubject(grantee.value)) yield fault(errors.grantUserInvalid, path, String(index));
}

function groupReferences({ grants }: ServiceProfile): Reference[] {
  return grants.flatMap(({ grantee }, index): Reference[] => {
    if (grantee.case !== 'group' || grantee.value === '') return [];
    const path = `grants[${index}].group`;
    return [{ path, kind: 'group', name: grantee.value, missing: fault(errors.groupMissing, path, String(index), grantee.value) }];
  });
}

import { SecretSchema, byteLength, reservedSecretPrefix, secretNamePattern } from '@murmur/api';

import { type Faults, fault } from '../../faults.js';
import { defineKind } from '../../kind.js';
import { checkDescription } from '../../shared-rows.js';
import { maxNameLength, maxValueKib, secretErrors } from './errors.js';
import { secretFields } from './fields.js';

/** A value that bakes and workspaces may use and nobody reads again. */
export const secret = defineKind({
  name: 'secret',
  schema: SecretSchema,
  summary: 'A value that bakes and machines may use. It is stored encrypted, and nobody reads it again.',
  naming: 'variable',
  sealedField: 'plaintext_value',
  fields: secretFields,
  example: `name: NPM_TOKEN
plaintext_value: npm_0123456789abcdef
description: Reads the team's private packages
`,
  errors: secretErrors,
  columns: [
    { header: 'NAME', cell: (spec) => spec.name },
    { header: 'DESCRIPTION', cell: (spec) => spec.description },
  ],
  *validate(spec, written) {
    yield* checkSecretName(spec.name);
    if (written['plaintext_value'] === '') yield fault(secretErrors.valueRequired, 'plaintext_value');
    if (byteLength(spec.plaintextValue) > maxValueKib * 1024) yield fault(secretErrors.valueTooLong, 'plaintext_value');
    yield* checkDescription(spec.description);
  },
  *validateNew(_spec, written) {
    if (written['plaintext_value'] === undefined) yield fault(secretErrors.valueRequired, 'plaintext_value');
  },
});

function* checkSecretName(name: string): Faults {
  if (name === '') yield fault(secretErrors.nameRequired, 'name');
  else if (!secretNamePattern.test(name)) yield fault(secretErrors.namePattern, 'name', name);
  else if (name.length > maxNameLength) yield fault(secretErrors.nameTooLong, 'name');
  else if (name.startsWith(reservedSecretPrefix)) yield fault(secretErrors.nameReserved, 'name', name);
}

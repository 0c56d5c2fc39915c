import { reservedSecretPrefix, secretNamePattern } from '@murmur/api';

import type { FieldDocumentation } from '../../kind.js';
import { descriptionField } from '../../shared-fields.js';
import { patternOf } from '../../shared-rows.js';
import { maxNameLength, maxValueKib } from './errors.js';

/** The fields of a secret. */
export const secretFields: readonly FieldDocumentation[] = [
  {
    path: 'name',
    type: 'string',
    required: 'yes',
    description: `Unique identifier, and the name of the environment variable: \`${patternOf(secretNamePattern)}\`, not \`${reservedSecretPrefix}*\`. Max ${maxNameLength} characters.`,
  },
  {
    path: 'plaintext_value',
    type: 'string',
    required: 'conditional',
    description: `The value. Only ever written: no call returns it. Max ${maxValueKib} KiB. Required for a new secret; left out later, the value stays.`,
  },
  descriptionField,
];

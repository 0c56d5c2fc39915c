import { reservedSecretPrefix, resourceNamePattern, secretNamePattern } from '@murmur/api';

import type { FieldDocumentation } from './kind.js';
import { maxDescriptionBytes, patternOf } from './shared-rows.js';

/** The name of a resource that tenants write. */
export const nameField: FieldDocumentation = {
  path: 'name',
  type: 'string',
  required: 'yes',
  description: `Unique identifier. DNS label format: \`${patternOf(resourceNamePattern)}\`.`,
};

/** The description that every kind has. */
export const descriptionField: FieldDocumentation = {
  path: 'description',
  type: 'string',
  required: 'no',
  description: `Human-readable description shown in the dashboard. Max ${maxDescriptionBytes} bytes.`,
};

/** What the names in a list of secrets are, as its field says it. */
export const secretNamesRule = `Each name must match \`${patternOf(secretNamePattern)}\` and must not start with \`${reservedSecretPrefix}\`.`;

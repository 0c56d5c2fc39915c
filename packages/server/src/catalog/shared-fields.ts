import type { FieldDocumentation } from './kind.js';

/** The name of a resource that tenants write. */
export const nameField: FieldDocumentation = {
  path: 'name',
  type: 'string',
  required: 'yes',
  description: 'Unique identifier. DNS label format: `[a-z][a-z0-9-]{0,62}`.',
};

/** The description that every kind has. */
export const descriptionField: FieldDocumentation = {
  path: 'description',
  type: 'string',
  required: 'no',
  description: 'Human-readable description shown in the dashboard. Max 1024 bytes.',
};

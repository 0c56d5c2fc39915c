import { ResourceSchema } from '../gen/murmur/api/v1/catalog_pb.js';

/** The name of any resource but a secret: a DNS label that starts with a letter. Matches the whole string. */
export const resourceNamePattern = /^[a-z][a-z0-9-]{0,62}$/;

/** The name of a secret, which is also the name of an environment variable. Matches the whole string. */
export const secretNamePattern = /^[A-Z][A-Z0-9_]*$/;

/** Names that start so are the platform's builtins. */
export const builtinPrefix = 'murmur-';

/** Secret names that start so are Murmur's own. */
export const reservedSecretPrefix = 'MURMUR_';

/** Every kind of resource the API knows, such as `recipe` and `machine-type`, in the order of the `Resource` message. */
export const kindNames: readonly string[] = ResourceSchema.oneofs.flatMap((oneof) => oneof.fields.map((field) => kindOfField(field.name)));

/** The kind whose specification is the field of this (snake_case) name in the `Resource` message. */
export function kindOfField(fieldName: string): string {
  return fieldName.replaceAll('_', '-');
}

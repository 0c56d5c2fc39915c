/** A command that a row of a table is about. */
export interface RowCase {
  readonly args: readonly string[];
  readonly stdin?: string;
  /** The message, where it is not the row's own words. */
  readonly says?: string;
}

/** A row of the error table of a kind: what is wrong, what to do, and commands that meet it. */
export interface ErrorRow {
  readonly code: string;
  readonly message: string;
  readonly hint: string;
  readonly cases: readonly RowCase[];
}

/** A recipe on an image that exists; its base can be given. */
export function recipe(name: string, base = 'base_image_gce_ref: gce-amd', script = '#!/bin/sh\n  true'): string {
  return `name: ${name}\n${base}\nprovisioning_script: |\n  ${script}\nprovisioning_timeout: 1m\n`;
}

const invalid = 'INVALID_ARGUMENT';
const gce = 'gce: {self_link: projects/acme-agents/global/images/debian}\n';
const amd = 'architecture: ARCHITECTURE_AMD64\n';
const image = (source: string): string => `name: new\n${amd}${source}`;

const set = (kind: string, stdin: string, says?: string): RowCase => named('new', kind, stdin, says);

function named(name: string, kind: string, stdin: string, says?: string): RowCase {
  return says === undefined ? { args: ['set', kind, name], stdin } : { args: ['set', kind, name], stdin, says };
}

function invalidRow(message: string, hint: string, ...cases: readonly RowCase[]): ErrorRow {
  return { code: invalid, message, hint, cases };
}

const timeout = (value: string): string => recipe('new').replace('1m', value);
const createOrFix = 'The named image does not exist in the catalog. Create it first or fix the name.';

/** The error table of `recipe`, row by row. */
export const recipeRows: readonly ErrorRow[] = [
  invalidRow('name is required', 'Provide a `name` field.', set('recipe', recipe('new').replace('name: new\n', ''))),
  invalidRow(
    'name must match [a-z][a-z0-9-]{0,62}',
    'Use a lowercase DNS label — starts with a letter, only lowercase letters, digits, and hyphens, max 63 characters.',
    ...['Bad', 'a'.repeat(64)].map((name) => named(name, 'recipe', recipe(name))),
  ),
  invalidRow(
    'at least one of base_image_aws_ref or base_image_gce_ref is required',
    'Set `base_image_aws_ref`, `base_image_gce_ref`, or both.',
    set('recipe', recipe('new', 'description: none')),
  ),
  invalidRow(
    'provisioning_script is required',
    'Provide the script content in `provisioning_script`.',
    set('recipe', 'name: new\nbase_image_gce_ref: gce-amd\nprovisioning_timeout: 1m\n'),
  ),
  invalidRow(
    'provisioning_script exceeds 256 KiB limit',
    'Reduce the script size. Move large assets to a remote location and fetch them during provisioning.',
    // Two bytes a letter: what counts is bytes.
    set('recipe', recipe('new', undefined, 'é'.repeat(128 * 1024))),
  ),
  invalidRow(
    'provisioning_timeout is required',
    'Set `provisioning_timeout` to a Go duration string (e.g. `10m`).',
    set('recipe', recipe('new').replace('provisioning_timeout: 1m\n', '')),
  ),
  invalidRow(
    'provisioning_timeout: invalid duration',
    'Use Go duration format: `10m`, `30m`, `1h`.',
    ...['1d', 'PT1M'].map((value) => set('recipe', timeout(value))),
  ),
  invalidRow(
    'provisioning_timeout: duration must be positive',
    'The duration must be greater than zero.',
    ...['0s', '-1m'].map((value) => set('recipe', timeout(value))),
  ),
  invalidRow('provisioning_timeout exceeds 1h maximum', 'Reduce the timeout to 1 hour or less.', set('recipe', timeout('1h1ns'))),
  invalidRow(
    'secret_allowlist[N]: secret name must match [A-Z][A-Z0-9_]*',
    'Secret names use uppercase letters, digits, and underscores, starting with a letter.',
    set('recipe', `${recipe('new')}secret_allowlist: [GOOD, bad]\n`, 'secret_allowlist[1]: secret name must match [A-Z][A-Z0-9_]*'),
  ),
  invalidRow(
    'secret_allowlist[N]: secret name is reserved (MURMUR_*)',
    'Names starting with `MURMUR_` are reserved. Choose a different name.',
    set('recipe', `${recipe('new')}secret_allowlist: [MURMUR_X]\n`, 'secret_allowlist[0]: secret name is reserved (MURMUR_*)'),
  ),
  invalidRow(
    'description exceeds 1024 byte limit',
    'Shorten the description to 1024 bytes or fewer.',
    set('recipe', `${recipe('new')}description: ${'é'.repeat(512)}x\n`),
  ),
  invalidRow(
    'base_image_aws_ref "X" does not exist',
    createOrFix,
    set('recipe', recipe('new', 'base_image_aws_ref: nothing'), 'base_image_aws_ref "nothing" does not exist'),
  ),
  invalidRow(
    'base_image_aws_ref "X" is not an AWS image',
    'The referenced image exists but has a GCE or Docker source, not AWS. Use an image with an AWS source.',
    set('recipe', recipe('new', 'base_image_aws_ref: gce-amd'), 'base_image_aws_ref "gce-amd" is not an AWS image'),
  ),
  invalidRow(
    'base_image_gce_ref "X" does not exist',
    createOrFix,
    set('recipe', recipe('new', 'base_image_gce_ref: nothing'), 'base_image_gce_ref "nothing" does not exist'),
  ),
  invalidRow(
    'base_image_gce_ref "X" is not a GCE image',
    'The referenced image exists but has an AWS or Docker source, not GCE. Use an image with a GCE source.',
    ...['aws-amd', 'container'].map((name) =>
      set('recipe', recipe('new', `base_image_gce_ref: ${name}`), `base_image_gce_ref "${name}" is not a GCE image`),
    ),
  ),
  invalidRow(
    'architecture mismatch: base_image_aws_ref is X but base_image_gce_ref is Y',
    'Both base images must have the same architecture. Replace one so they match.',
    set(
      'recipe',
      recipe('new', 'base_image_aws_ref: aws-amd\nbase_image_gce_ref: gce-arm'),
      'architecture mismatch: base_image_aws_ref is ARCHITECTURE_AMD64 but base_image_gce_ref is ARCHITECTURE_ARM64',
    ),
  ),
  {
    code: 'FAILED_PRECONDITION',
    message: 'cannot delete recipe "X": referenced by image: Y',
    hint: 'Baked images reference this recipe. Delete the referencing images first.',
    cases: [{ args: ['rm', 'recipe', 'hello'], says: 'cannot delete recipe "hello": referenced by image: hello-0123456789abcdef' }],
  },
];

/** The error table of `image`, row by row. */
export const imageRows: readonly ErrorRow[] = [
  invalidRow('name is required', 'Provide a name field.', set('image', `${amd}${gce}`)),
  invalidRow(
    'name must match [a-z][a-z0-9-]{0,62}',
    'Use a valid DNS label for the name.',
    ...['a.b', 'a'.repeat(64)].map((name) => named(name, 'image', `name: ${name}\n${amd}${gce}`)),
  ),
  invalidRow(
    'description exceeds 1024 byte limit',
    'Shorten the description to 1024 bytes or fewer.',
    set('image', image(`${gce}description: ${'x'.repeat(1025)}\n`)),
  ),
  invalidRow(
    'architecture is required',
    'Set architecture to ARCHITECTURE_AMD64 or ARCHITECTURE_ARM64.',
    set('image', `name: new\n${gce}`),
    set('image', `name: new\narchitecture: ARCHITECTURE_UNSPECIFIED\n${gce}`),
  ),
  invalidRow(
    'unknown architecture value',
    'Use a valid architecture enum value.',
    set('image', `name: new\narchitecture: ARCHITECTURE_RISCV64\n${gce}`),
  ),
  invalidRow(
    'source is required (aws, gce, or docker)',
    'Provide exactly one of aws, gce, or docker.',
    set('image', image('')),
    set('image', image(`${gce}docker: {image_ref: ghcr.io/acme/node20-dev}\n`)),
  ),
  invalidRow(
    'aws.ami_ids must be non-empty',
    'Add at least one region-to-AMI entry in aws.ami_ids.',
    set('image', image('aws: {}\n')),
    set('image', image('aws: {ami_ids: {}}\n')),
  ),
  invalidRow(
    'aws.ami_ids: region key must be non-empty',
    'Every key in aws.ami_ids must be a non-empty region string.',
    set('image', image('aws: {ami_ids: {"": ami-0abc123def456789a}}\n')),
  ),
  invalidRow(
    'aws.ami_ids[<region>]: must match ami-[0-9a-f]{8,17}',
    'Each AMI ID must be a valid AWS AMI identifier (e.g. ami-0abc123def456789a).',
    set('image', image('aws: {ami_ids: {eu-west-1: ami-1}}\n'), 'aws.ami_ids[eu-west-1]: must match ami-[0-9a-f]{8,17}'),
  ),
  invalidRow('gce.self_link is required', 'Provide a gce.self_link value.', set('image', image('gce: {}\n'))),
  invalidRow(
    'gce.self_link: invalid GCE image reference',
    'Use the format projects/<project>/global/images/<name> or projects/<project>/global/images/family/<family>.',
    ...['debian-12', 'projects/acme/zones/a/images/b'].map((link) => set('image', image(`gce: {self_link: ${link}}\n`))),
  ),
  invalidRow('docker.image_ref is required', 'Provide a docker.image_ref value.', set('image', image('docker: {}\n'))),
  invalidRow(
    'provenance cannot be set via SetResource',
    'Provenance is set by the bake process. Remove the provenance field from your input.',
    set('image', image(gce.replace('}', ', provenance: {recipe_ref: hello}}'))),
  ),
  {
    code: 'FAILED_PRECONDITION',
    message: 'baked images are immutable',
    hint: 'Baked images cannot be updated or deleted. Bake a new image from the recipe instead.',
    cases: [
      named('hello-0123456789abcdef', 'image', `name: hello-0123456789abcdef\n${amd}${gce}`),
      { args: ['patch', 'image', 'hello-0123456789abcdef', '--set', 'description=mine'] },
      { args: ['rm', 'image', 'hello-0123456789abcdef'] },
    ],
  },
];

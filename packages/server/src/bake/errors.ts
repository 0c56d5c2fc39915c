import { type ErrorTable, row, rowAbout } from '@murmur/api';

const invalid = 'INVALID_ARGUMENT';
const refused = 'FAILED_PRECONDITION';

/** What a request to bake, or about a bake, can be refused with. The reference shows this very table. */
export const bakeErrors = {
  runAbsent: rowAbout('NOT_FOUND', ['ID'], (id) => `bake "${id}" not found`, 'Check the id with "murmur bakes ls".'),
  runAmbiguous: rowAbout(invalid, ['ID'], (id) => `bake "${id}" is ambiguous`, 'Give more characters of the run id.'),
  runEnded: rowAbout(
    refused,
    ['ID', 'PHASE'],
    (id, phase) => `bake "${id}" has ended already: ${phase}`,
    'See how it ended with "murmur bakes show".',
  ),
  offsetOutside: rowAbout(
    invalid,
    ['N'],
    (size) => `offset must be between 0 and ${size}`,
    'Go on at the offset that the last message had.',
  ),
  substrateMismatch: rowAbout(
    invalid,
    ['X', 'A', 'Y', 'B'],
    (environment, its, placement, other) =>
      `substrate mismatch: environment "${environment}" is ${its} but placement "${placement}" is ${other}`,
    'Choose an environment and a placement of the same substrate.',
  ),
  architectureMismatch: rowAbout(
    invalid,
    ['X', 'A', 'Y', 'B'],
    (image, its, machineType, other) =>
      `architecture mismatch: base image "${image}" is ARCHITECTURE_${its} but machine type "${machineType}" is ARCHITECTURE_${other}`,
    'Choose an environment whose machine type has the architecture of the base image.',
  ),
  noBase: rowAbout(
    invalid,
    ['X', 'SUBSTRATE'],
    (recipe, substrate) => `recipe "${recipe}" has no base image for ${substrate}`,
    'Name a base image of that substrate in the recipe, or choose another environment and placement.',
  ),
  diskTooSmall: rowAbout(
    refused,
    ['X', 'N', 'Y', 'M'],
    (environment, size, image, least) => `environment "${environment}" has disk_size_gb ${size} but base image "${image}" needs ${least}`,
    "Raise the environment's disk_size_gb, or leave it out for the image's own size.",
  ),
  substrateAbsent: rowAbout(
    refused,
    ['SUBSTRATE'],
    (substrate) => `substrate ${substrate} is not available on this server`,
    'Choose a placement on a substrate that "murmur version" lists, or ask the operator to set this one up.',
  ),
  substrateSilent: rowAbout(
    'UNAVAILABLE',
    ['SUBSTRATE', 'REASON'],
    (substrate, reason) => `substrate ${substrate} does not answer: ${reason}`,
    'Try again in a moment.',
  ),
  profileAndVariables: row(invalid, '--service-profile and -e are mutually exclusive', 'Use one or the other, not both.'),
  profileElsewhere: row(invalid, '--service-profile is only available for GitHub App tenants', 'Forward credentials with -e.'),
  keepUnreadable: row(invalid, 'keep_on_failure: invalid duration', 'Use a Go duration up to 24h, such as 30m.'),
  keepNotPositive: row(invalid, 'keep_on_failure: duration must be positive', 'Use a Go duration up to 24h, such as 30m.'),
  keepTooLong: row(invalid, 'keep_on_failure exceeds 24h maximum', 'Use a Go duration up to 24h, such as 30m.'),
  keepUnsupported: rowAbout(
    refused,
    ['SUBSTRATE'],
    (substrate) => `failed machines cannot be kept on ${substrate}`,
    'Leave out --keep-on-failure.',
  ),
  tooManyBakes: rowAbout(
    'RESOURCE_EXHAUSTED',
    ['T', 'N'],
    (tenant, live) => `tenant "${tenant}" has ${live} bakes that are queued or run, the most there may be`,
    'Wait until some have ended, or cancel them with "murmur bakes cancel"; the operator sets limits.per_tenant.bakes.',
  ),
  imageNameTaken: rowAbout(
    refused,
    ['X'],
    (image) => `image "${image}" already exists and was not baked`,
    'Remove it with "murmur rm image", or rename the recipe.',
  ),
  machineTooLarge: rowAbout(
    refused,
    ['X', 'WHY'],
    (machineType, lacking) => `machine type "${machineType}" never finds room on this host: ${lacking}`,
    'Choose an environment with a smaller machine type, or ask the operator to raise limits.machines.',
  ),
  diskTooLarge: rowAbout(
    refused,
    ['X', 'N', 'M'],
    (environment, size, most) => `environment "${environment}" asks for a disk of ${size} GB, and the largest on this host is ${most} GB`,
    'Lower its disk_size_gb, or ask the operator to raise limits.disk_size_gb.',
  ),
  variableName: rowAbout(
    invalid,
    ['X'],
    (name) => `secret name ${JSON.stringify(name)} must match [A-Z][A-Z0-9_]*`,
    'Use upper case letters, digits and underscores, starting with a letter.',
  ),
  variableReserved: rowAbout(
    invalid,
    ['X'],
    (name) => `secret name "${name}" is reserved (MURMUR_* is internal)`,
    'Choose a name that does not start with MURMUR_.',
  ),
  variableSteers: rowAbout(
    invalid,
    ['X'],
    (name) => `variable "${name}" cannot be forwarded: it changes how a shell or the loader works`,
    'Set it inside the provisioning script.',
  ),
  variableNul: rowAbout(invalid, ['X'], (name) => `variable "${name}" contains a NUL character`, 'Forward it encoded, such as in base64.'),
  variableTooLong: rowAbout(invalid, ['X'], (name) => `variable "${name}" exceeds 64 KiB limit`, 'Fetch what is as large in the script.'),
  forwardedTooLarge: row(invalid, 'forwarded variables exceed 512 KiB limit', 'Forward fewer variables, or shorter ones.'),
  secretMissing: rowAbout(
    refused,
    ['N', 'X'],
    (index, name) => `secret_allowlist[${index}]: secret "${name}" does not exist`,
    'Store it with "murmur secret set", or forward it with "-e"; a service profile must lend it.',
  ),
  secretSteers: rowAbout(
    refused,
    ['N', 'X'],
    (index, name) => `secret_allowlist[${index}]: secret "${name}" cannot be a variable: it changes how a shell or the loader works`,
    'Store it under another name, or take it off the list.',
  ),
  variablesTooLarge: row(
    refused,
    'the secrets and variables of the script exceed 512 KiB limit',
    'No program starts with a larger environment. Allow-list fewer secrets, or shorter ones.',
  ),
  baseUnknown: rowAbout(
    invalid,
    ['X'],
    (image) => `no base image "${image}" can be built here`,
    'Choose one that this server can build, or ask its operator to set the substrate up.',
  ),
  baseUnread: row('RESOURCE_EXHAUSTED', 'the progress of the build is not read', 'Start the build again.'),
  baseInProgress: rowAbout(
    refused,
    ['X'],
    (image) => `base image "${image}" is being built already`,
    'Wait for that build to end: it serves everyone.',
  ),
} satisfies ErrorTable;

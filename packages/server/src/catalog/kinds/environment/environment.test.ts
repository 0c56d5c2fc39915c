import { describeKind } from '../../describe-kind.js';

const gcp = 'name: staging\nsubstrate: SUBSTRATE_GCP\nmachine_type_ref: n2-standard-8\ndisk_type_ref: pd-ssd\n';
const qemu = 'name: staging\nsubstrate: QEMU\nmachine_type_ref: murmur-qemu-small\n';

describeKind({
  kind: 'environment',
  named: 'staging',
  prepare: async (catalog) => {
    await catalog.set('environment', 'used', qemu.replace('staging', 'used'));
    await catalog.set('image', 'base', 'name: base\narchitecture: AMD64\ngce: {self_link: projects/acme/global/images/debian}\n');
    await catalog.set(
      'workspace',
      'app',
      'name: app\nimage_ref: base\nenvironment_ref: used\nplacement: murmur-qemu-local\nrepos: [{clone_url: "https://example.com/app"}]\n',
    );
  },
  accepted: [
    gcp,
    `${gcp}disk_size_gb: 50\ndescription: Eight processors\n`,
    'name: staging\nsubstrate: AWS\nmachineTypeRef: murmur-m7g-large\ndiskTypeRef: gp3\ndiskSizeGb: 0\n',
    qemu,
    `${qemu}disk_size_gb: 20\n`,
    'name: staging\nsubstrate: SUBSTRATE_DOCKER\nmachine_type_ref: docker-small\n',
  ],
  errors: [
    { documented: 'INVALID_ARGUMENT: name is required', document: gcp.replace('name: staging\n', '') },
    { documented: 'INVALID_ARGUMENT: name must match [a-z][a-z0-9-]{0,62}', document: gcp.replace('staging', 'Staging') },
    {
      documented: 'INVALID_ARGUMENT: name "a" does not match "b"',
      message: 'name "staging" does not match "prod"',
      document: gcp,
      name: 'prod',
    },
    { documented: 'INVALID_ARGUMENT: substrate is required', document: gcp.replace('substrate: SUBSTRATE_GCP\n', '') },
    { documented: 'INVALID_ARGUMENT: substrate is required', document: gcp.replace('SUBSTRATE_GCP', 'SUBSTRATE_UNSPECIFIED') },
    { documented: 'INVALID_ARGUMENT: unknown substrate value', document: gcp.replace('SUBSTRATE_GCP', 'AZURE') },
    { documented: 'INVALID_ARGUMENT: machine_type_ref is required', document: gcp.replace('machine_type_ref: n2-standard-8\n', '') },
    { documented: 'INVALID_ARGUMENT: disk_type_ref is required', document: gcp.replace('disk_type_ref: pd-ssd\n', '') },
    {
      documented: 'INVALID_ARGUMENT: disk_type_ref is required',
      document: 'name: staging\nsubstrate: AWS\nmachine_type_ref: m7i-large\n',
    },
    { documented: 'INVALID_ARGUMENT: disk_size_gb must be non-negative', document: `${gcp}disk_size_gb: -1\n` },
    { documented: 'INVALID_ARGUMENT: description exceeds 1024 byte limit', document: `${gcp}description: ${'x'.repeat(1025)}\n` },
    {
      documented: 'FAILED_PRECONDITION: machine_type_ref "X" does not exist',
      message: 'machine_type_ref "n9-huge" does not exist',
      document: gcp.replace('n2-standard-8', 'n9-huge'),
    },
    {
      documented: 'INVALID_ARGUMENT: machine_type_ref "X" is not a SUBSTRATE_GCP machine type',
      message: 'machine_type_ref "m7i-large" is not a SUBSTRATE_GCP machine type',
      document: gcp.replace('n2-standard-8', 'm7i-large'),
    },
    {
      documented: 'FAILED_PRECONDITION: disk_type_ref "X" does not exist',
      message: 'disk_type_ref "floppy" does not exist',
      document: gcp.replace('pd-ssd', 'floppy'),
    },
    {
      documented: 'INVALID_ARGUMENT: disk_type_ref "X" is not a SUBSTRATE_GCP disk type',
      message: 'disk_type_ref "gp3" is not a SUBSTRATE_QEMU disk type',
      document: `${qemu}disk_type_ref: gp3\n`,
    },
    {
      documented: 'FAILED_PRECONDITION: cannot delete environment "X": referenced by workspace: Y',
      message: 'cannot delete environment "used": referenced by workspace: app',
      attempt: async (catalog) => catalog.remove('environment', 'used'),
    },
  ],
});

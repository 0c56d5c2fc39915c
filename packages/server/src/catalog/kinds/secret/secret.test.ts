import { describeKind } from '../../describe-kind.js';

const whole = 'name: TOKEN\nplaintext_value: s3cr3t-value\n';
const workspace = `name: app
image_ref: murmur-gce-base
environment_ref: murmur-qemu-small
placement: murmur-qemu-local
repos: [{clone_url: "https://example.com/app"}]
secret_refs: [USED]
`;

describeKind({
  kind: 'secret',
  named: 'TOKEN',
  prepare: async (catalog) => {
    await catalog.set('secret', 'USED', 'name: USED\nplaintext_value: s3cr3t-value\n');
    await catalog.set('workspace', 'app', workspace);
  },
  accepted: [
    whole,
    `${whole}description: Reads packages\n`,
    'name: TOKEN\nplaintextValue: "  two\\n  lines \\n"\n',
    `name: TOKEN\nplaintext_value: "${'é'.repeat(32 * 1024)}"\n`,
  ],
  errors: [
    { documented: 'INVALID_ARGUMENT: name is required', document: 'plaintext_value: x\n' },
    ...['foo', 'Token', '_TOKEN', '1TOKEN', 'TO-KEN', 'TÖKEN', 'murmur-token', 'A b'].map((name) => ({
      documented: 'INVALID_ARGUMENT: secret name "foo" must match [A-Z][A-Z0-9_]*',
      message: `secret name "${name}" must match [A-Z][A-Z0-9_]*`,
      name,
      document: `name: ${name}\nplaintext_value: x\n`,
    })),
    {
      documented: 'INVALID_ARGUMENT: secret name exceeds 255 character limit',
      name: 'A'.repeat(256),
      document: `name: ${'A'.repeat(256)}\nplaintext_value: x\n`,
    },
    ...['MURMUR_X', 'MURMUR_'].map((name) => ({
      documented: 'INVALID_ARGUMENT: secret name "MURMUR_X" is reserved (MURMUR_* is internal)',
      message: `secret name "${name}" is reserved (MURMUR_* is internal)`,
      name,
      document: `name: ${name}\nplaintext_value: x\n`,
    })),
    {
      documented: 'INVALID_ARGUMENT: name "a" does not match "b"',
      message: 'name "TOKEN" does not match "OTHER"',
      document: whole,
      name: 'OTHER',
    },
    { documented: 'INVALID_ARGUMENT: plaintext_value is required', document: 'name: TOKEN\n' },
    { documented: 'INVALID_ARGUMENT: plaintext_value is required', document: 'name: TOKEN\nplaintext_value:\n' },
    { documented: 'INVALID_ARGUMENT: plaintext_value is required', document: 'name: TOKEN\nplaintext_value: ""\n' },
    {
      documented: 'INVALID_ARGUMENT: plaintext_value is required',
      name: 'USED',
      document: 'name: USED\nplaintext_value: ""\n',
    },
    {
      documented: 'INVALID_ARGUMENT: plaintext_value exceeds 64 KiB limit',
      document: `name: TOKEN\nplaintext_value: "${'é'.repeat(32 * 1024)}x"\n`,
    },
    {
      documented: 'INVALID_ARGUMENT: plaintext_value: must not contain NUL characters',
      document: 'name: TOKEN\nplaintext_value: "a\\0b"\n',
    },
    { documented: 'INVALID_ARGUMENT: description exceeds 1024 byte limit', document: `${whole}description: ${'x'.repeat(1025)}\n` },
    {
      documented: 'FAILED_PRECONDITION: cannot delete secret "X": referenced by workspace: Y',
      message: 'cannot delete secret "USED": referenced by workspace: app',
      attempt: async (catalog) => catalog.remove('secret', 'USED'),
    },
  ],
});

import { type Recipe, RecipeSchema, byteLength, parseDuration } from '@murmur/api';

import { type Faults, fault } from '../../faults.js';
import { defineKind } from '../../kind.js';
import { checkDescription, checkName, checkSecretNames } from '../../shared-rows.js';
import { baseReferences, checkBases } from './bases.js';
import { recipeErrors } from './errors.js';
import { recipeFields } from './fields.js';
import { firstLineFault } from './first-line.js';
import { maxScriptKib, maxTimeout } from './limits.js';

/** What a bake makes: base images and the script that turns one of them into an image. */
export const recipe = defineKind({
  name: 'recipe',
  schema: RecipeSchema,
  summary: 'Combines base images with a provisioning script to bake images preloaded with your toolchain.',
  decoding: { durations: ['provisioning_timeout'] },
  fields: recipeFields,
  example: `name: python-toolchain
base_image_gce_ref: murmur-gce-base
provisioning_script: |
  #!/bin/bash
  set -euo pipefail
  apt-get update -y
  apt-get install -y python3 python3-venv
  python3 --version
provisioning_timeout: 15m
description: Python 3 with virtual environments
`,
  errors: recipeErrors,
  columns: [
    { header: 'NAME', cell: (spec) => spec.name },
    { header: 'DESCRIPTION', cell: (spec) => spec.description },
  ],
  *validate(spec) {
    yield* checkName(recipeErrors, spec.name);
    if (baseReferences(spec).length === 0) yield fault(recipeErrors.baseRequired, 'base_image_aws_ref');
    if (spec.provisioningScript === '') yield fault(recipeErrors.scriptRequired, 'provisioning_script');
    if (byteLength(spec.provisioningScript) > maxScriptKib * 1024) yield fault(recipeErrors.scriptTooLong, 'provisioning_script');
    const wrong = firstLineFault(spec.provisioningScript);
    if (wrong !== undefined) yield fault(recipeErrors[wrong.fault], 'provisioning_script', wrong.line);
    yield* checkTimeout(spec);
    yield* checkSecretNames(recipeErrors, 'secret_allowlist', spec.secretAllowlist);
    yield* checkDescription(spec.description);
  },
  uses: (spec) => spec.secretAllowlist.map((name) => ({ permission: 'secret.assume', name })),
  references: baseReferences,
  checkTargets: checkBases,
});

function* checkTimeout({ provisioningTimeout: text }: Recipe): Faults {
  const path = 'provisioning_timeout';
  if (text === '') return yield fault(recipeErrors.timeoutRequired, path);
  const duration = parseDuration(text);
  if (duration === undefined) yield fault(recipeErrors.timeoutInvalid, path);
  else if (duration <= 0n) yield fault(recipeErrors.timeoutNotPositive, path);
  else if (duration > (parseDuration(maxTimeout) ?? 0n)) yield fault(recipeErrors.timeoutTooLong, path);
}

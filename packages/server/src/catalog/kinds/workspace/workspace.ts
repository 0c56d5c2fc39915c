import { create } from '@bufbuild/protobuf';
import { type Workspace, WorkspaceSchema } from '@murmur/api';

import { type Faults, fault } from '../../faults.js';
import { defineKind } from '../../kind.js';
import { referenceIn, secretReferences } from '../../shared-references.js';
import { checkDescription, checkName, checkSecretNames } from '../../shared-rows.js';
import { workspaceErrors } from './errors.js';
import { workspaceFields } from './fields.js';

/** Where agents work. */
export const workspace = defineKind({
  name: 'workspace',
  schema: WorkspaceSchema,
  summary: 'Where agents work: an image, the shape and place of its machines, and repositories.',
  fields: workspaceFields,
  example: `name: app
image_ref: debian12-base
environment_ref: staging
placement: us-central1
repos:
  - clone_url: https://github.com/acme/app
    base_branch: main
    conflict_resolution: CONFLICT_RESOLUTION_REBASE
description: The web application
`,
  errors: workspaceErrors,
  columns: [
    { header: 'NAME', cell: (spec) => spec.name },
    { header: 'IMAGE REF', cell: (spec) => spec.imageRef },
    { header: 'ENVIRONMENT REF', cell: (spec) => spec.environmentRef },
    { header: 'PLACEMENT', cell: (spec) => spec.placement },
    { header: 'DESCRIPTION', cell: (spec) => spec.description },
  ],
  normalise: (spec) =>
    create(WorkspaceSchema, {
      ...spec,
      repos: spec.repos.map((repo) => ({ ...repo, cloneUrl: repo.cloneUrl.replace(/(?:\.git)+$/, '') })),
    }),
  *validate(spec) {
    yield* checkName(workspaceErrors, spec.name);
    if (spec.imageRef === '') yield fault(workspaceErrors.imageRequired, 'image_ref');
    if (spec.environmentRef === '') yield fault(workspaceErrors.environmentRequired, 'environment_ref');
    if (spec.placement === '') yield fault(workspaceErrors.placementRequired, 'placement');
    yield* checkRepositories(spec);
    if (spec.minIdle < 0) yield fault(workspaceErrors.minIdleNegative, 'min_idle');
    yield* checkSecretNames(workspaceErrors, 'secret_refs', spec.secretRefs);
    yield* checkDescription(spec.description);
  },
  references: (spec) => [
    ...referenceIn('image_ref', 'image', spec.imageRef, workspaceErrors.imageMissing),
    ...referenceIn('environment_ref', 'environment', spec.environmentRef, workspaceErrors.environmentMissing),
    ...referenceIn('placement', 'placement', spec.placement, workspaceErrors.placementMissing),
    ...secretReferences('secret_refs', spec.secretRefs, workspaceErrors.secretMissing),
  ],
});

function* checkRepositories({ repos }: Workspace): Faults {
  if (repos.length === 0) yield fault(workspaceErrors.reposRequired, 'repos');
  for (const [index, { cloneUrl, baseBranch }] of repos.entries()) {
    const path = `repos[${index}].clone_url`;
    if (cloneUrl === '') yield fault(workspaceErrors.cloneUrlRequired, path, String(index));
    else if (!isCloneUrl(cloneUrl)) yield fault(workspaceErrors.cloneUrlInvalid, path, String(index));
    if (baseBranch !== '' && !isBranchName(baseBranch))
      yield fault(workspaceErrors.baseBranchInvalid, `repos[${index}].base_branch`, String(index));
  }
}

/** Credentials in a URL would be readable to everyone who can read the workspace. */
function isCloneUrl(text: string): boolean {
  if (/\s/.test(text) || !URL.canParse(text)) return false;
  const url = new URL(text);
  return url.protocol === 'https:' && text.startsWith('https://') && url.username === '' && url.password === '' && url.pathname.length > 1;
}

/** Whether git takes the text as a branch, by the rules of git-check-ref-format(1) with --branch. */
export function isBranchName(text: string): boolean {
  // eslint-disable-next-line no-control-regex
  if (/[\u0000-\u0020\u007f~^:?*[\\]|\.\.|@\{|\/\/|^[-/]|[/.]$/.test(text)) return false;
  return text !== '@' && text !== '' && text.split('/').every((part) => !part.startsWith('.') && !part.endsWith('.lock'));
}

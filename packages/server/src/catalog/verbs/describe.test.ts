import { expect, test } from 'vitest';

import { kinds as registry } from '../kinds/index.js';
import { describeKinds } from './index.js';

test('tells fields, example and errors of one kind or of all', () => {
  const { kinds } = describeKinds({}, { kind: '' });
  expect(kinds.map((kind) => kind.kind)).toEqual(registry.map((kind) => kind.name));
  const [recipe] = describeKinds({}, { kind: 'recipe' }).kinds;
  expect(recipe?.errors).toContainEqual(
    expect.objectContaining({
      code: 'FAILED_PRECONDITION',
      message: 'cannot delete recipe "X": referenced by image: Y',
      hint: 'Baked images reference this recipe. Delete the referencing images first.',
    }),
  );
  expect(recipe?.fields[0]).toMatchObject({ path: 'name', type: 'string', required: 'yes' });
  expect(kinds.filter((kind) => kind.readOnly).map((kind) => kind.kind)).toEqual(['machine-type', 'disk-type']);
});

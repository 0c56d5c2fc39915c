import { create } from '@bufbuild/protobuf';
import { EnvironmentSchema, ImageSchema } from '@murmur/api';
import { expect, test } from 'vitest';

import { checkDiskSize } from './placing.js';

const image = create(ImageSchema, { name: 'B' });
const base = { immutableId: 'sha256:0', architecture: 'AMD64' as const };

test('a disk smaller than what its base image needs is refused', () => {
  const environment = create(EnvironmentSchema, { name: 'e5', diskSizeGb: 5 });
  expect(() => checkDiskSize(environment, image, { ...base, minimumDiskGb: 10 })).toThrow(
    'environment "e5" has disk_size_gb 5 but base image "B" needs 10',
  );
});

test.each([
  [0, 10],
  [10, 10],
  [5, undefined],
])('a disk of %s GB is taken where the base image needs %s', (diskSizeGb, minimumDiskGb) => {
  const environment = create(EnvironmentSchema, { name: 'e', diskSizeGb });
  const needed = minimumDiskGb === undefined ? base : { ...base, minimumDiskGb };
  expect(() => checkDiskSize(environment, image, needed)).not.toThrow();
});

import { create } from '@bufbuild/protobuf';
import { StartBakeResponse_Outcome as Outcome, StartBakeResponseSchema } from '@murmur/api';
import { describe, expect, test } from 'vitest';

import { callRules } from './call-rules.js';

describe('a bake', () => {
  test.each([
    [Outcome.STARTED, 'r1'],
    [Outcome.IN_PROGRESS, ''],
    [Outcome.CACHED, ''],
  ])('that ends in %s has made run %j', (outcome, name) => {
    const response = create(StartBakeResponseSchema, { outcome, runId: 'r1' });
    expect(callRules.startBake.made?.(response)).toEqual({ kind: 'bake', name });
  });
});

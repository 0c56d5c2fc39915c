import { create, toBinary, toJsonString } from '@bufbuild/protobuf';
import { ApplyResourcesRequestSchema, ListGenerationsRequestSchema, MurmurError, SetResourceRequestSchema } from '@murmur/api';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { type MessageFormat, assertWeight } from './request-message.js';

const applies = ApplyResourcesRequestSchema;

function refusal(bytes: Uint8Array | string, format: MessageFormat, schema = applies as Parameters<typeof assertWeight>[1]): string {
  try {
    assertWeight(Buffer.from(bytes), schema, format, 1000);
  } catch (error) {
    if (error instanceof MurmurError) return `${error.code}: ${error.message}`;
    throw error;
  }
  return 'accepted';
}

const tooMany = 'RESOURCE_EXHAUSTED: the request has more than 1000 elements';
const noMessage = 'INVALID_ARGUMENT: the request is not a message of this call';
const tooDeep = 'INVALID_ARGUMENT: the request is nested too deeply';

describe('in binary', () => {
  test.each<[string, Buffer, string]>([
    ['empty list items', Buffer.from([0x0a, 0]), tooMany],
    ['fields nobody knows', Buffer.from([0x78, 1]), tooMany],
    ['a field again and again', Buffer.from([0x10, 1]), tooMany],
  ])('counts %s', (_, pair, expected) => {
    expect(refusal(Buffer.concat(Array.from({ length: 1000 }, () => pair)), 'binary')).toBe('accepted');
    expect(refusal(Buffer.concat(Array.from({ length: 1001 }, () => pair)), 'binary')).toBe(expected);
  });

  test('counts what lies in list items', () => {
    const inside = Buffer.from([0x0a, 4, 0x0a, 0, 0x12, 0]);
    expect(refusal(Buffer.concat(Array.from({ length: 333 }, () => inside)), 'binary')).toBe('accepted');
    expect(refusal(Buffer.concat(Array.from({ length: 334 }, () => inside)), 'binary')).toBe(tooMany);
  });

  test.each<[string, number[]]>([
    ['a group', [0x0b, 0x0c]],
    ['groups in groups', Array.from({ length: 100_000 }, () => 0x0b)],
    ['a length beyond the end', [0x0a, 5, 1]],
    ['a length beyond the item it lies in', [0x0a, 2, 0x0a, 3, 1, 1, 1]],
    ['half a number', [0x10, 0x80]],
    ['field zero', [0x00]],
  ])('refuses %s', (_, bytes) => {
    expect(refusal(Buffer.from(bytes), 'binary')).toBe(noMessage);
  });
});

describe('in JSON', () => {
  test.each<[string, string, string]>([
    ['list items', `{"documents":[${'{},'.repeat(600)}{}]}`, tooMany],
    ['numbers of a list', `{"x":[${'1,'.repeat(1001)}1]}`, tooMany],
    ['fields nobody knows', `{${Array.from({ length: 600 }, (_, index) => `"x${index}":1`).join()}}`, tooMany],
    ['depth', `{"x":${'['.repeat(100_000)}`, tooDeep],
    ['nothing inside a text', JSON.stringify({ documents: [{ text: `"{[,:\\`.repeat(100_000) }] }), 'accepted'],
    ['nothing in what is no JSON, which its reader refuses', '"', 'accepted'],
    ['nothing in what ends in an escape', '"\\', 'accepted'],
  ])('counts %s', (_, text, expected) => {
    expect(refusal(text, 'json')).toBe(expected);
  });

  // Each of them takes seconds to read as a number.
  test.each([
    ['ifGeneration', '9'.repeat(1_000_000)],
    ['if_generation', `\\u0039${'9'.repeat(1_000_000)}`],
    ['ifGeneration', `${'9'.repeat(1_000_000)}","ifGeneration":"${'9'.repeat(1_000_000)}`],
  ])('refuses a %s of a million digits', (field, digits) => {
    expect(refusal(`{"${field}":"${digits}"}`, 'json', SetResourceRequestSchema)).toMatch(
      /^INVALID_ARGUMENT: if_?generation: expected number$/i,
    );
  });

  test('takes a text of a million digits', () => {
    expect(refusal(JSON.stringify({ document: '9'.repeat(1_000_000) }), 'json', SetResourceRequestSchema)).toBe('accepted');
    expect(refusal(`{"newest":"7","name":"${'9'.repeat(100_000)}"}`, 'json', ListGenerationsRequestSchema)).toBe('accepted');
  });
});

test('takes what is a message, in both formats', () => {
  const document = fc.record({ text: fc.string(), origin: fc.string(), line: fc.integer({ min: 0, max: 1_000_000 }) });
  fc.assert(
    fc.property(fc.array(document, { maxLength: 100 }), fc.boolean(), (documents, dryRun) => {
      const message = create(applies, { documents, dryRun });
      expect(refusal(toBinary(applies, message), 'binary')).toBe('accepted');
      expect(refusal(toJsonString(applies, message), 'json')).toBe('accepted');
    }),
    { numRuns: 50 },
  );
});

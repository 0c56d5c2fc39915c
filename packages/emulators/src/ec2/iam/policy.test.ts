import { expect, test } from 'vitest';

import { allows, parsePolicy, type Statement } from './policy.js';

const role = 'arn:aws:iam::123456789012:role/server';
const allowed = (statements: readonly object[], asked: { action?: string; resource?: string; keys?: Record<string, string[]> } = {}) =>
  allows(
    { Version: '2012-10-17', Statement: statements as readonly Statement[] },
    {
      action: asked.action ?? 'ec2:StopInstances',
      resource: asked.resource ?? 'arn:aws:ec2:us-east-1:123456789012:instance/i-1',
      keys: new Map(Object.entries(asked.keys ?? {})),
      principal: role,
    },
  );
const allow = (rest: object = {}) => ({ Effect: 'Allow', Action: 'ec2:StopInstances', Resource: '*', ...rest });

test('nothing is allowed that no statement allows, and a Deny wins', () => {
  expect(allowed([])).toBe(false);
  expect(allowed([allow()])).toBe(true);
  expect(allowed([allow(), { Effect: 'Deny', Action: '*', Resource: '*' }])).toBe(false);
  expect(allowed([allow()], { action: 'ec2:StartInstances' })).toBe(false);
});

test('an action is compared without its case, a resource with it, and wildcards stand for anything', () => {
  expect(allowed([allow({ Action: ['ec2:stop*'] })])).toBe(true);
  expect(allowed([allow({ Resource: 'arn:aws:ec2:*:*:instance/*' })])).toBe(true);
  expect(allowed([allow({ Resource: 'arn:aws:ec2:*:*:INSTANCE/*' })])).toBe(false);
  expect(allowed([allow({ Resource: 'arn:aws:ec2:*::image/*' })])).toBe(false);
});

test.each([
  [{ StringEquals: { 'ec2:ResourceTag/murmur': 'true' } }, { 'ec2:resourcetag/murmur': ['true'] }, true],
  [{ StringEquals: { 'ec2:ResourceTag/murmur': 'true' } }, { 'ec2:ResourceTag/Murmur': ['true'] }, false],
  [{ StringEquals: { 'ec2:ResourceTag/murmur': 'true' } }, {}, false],
  [{ StringEqualsIfExists: { 'ec2:ResourceTag/murmur': 'true' } }, {}, true],
  [{ StringNotEquals: { 'ec2:CreateAction': 'RunInstances' } }, {}, true],
  [{ StringNotEquals: { 'ec2:CreateAction': 'RunInstances' } }, { 'ec2:CreateAction': ['RunInstances'] }, false],
  [{ StringLike: { 'sts:ExternalId': 'local/*' } }, { 'sts:ExternalId': ['local/default'] }, true],
  [{ Null: { 'sts:ExternalId': 'true' } }, {}, true],
  [{ 'ForAllValues:StringEquals': { 'aws:TagKeys': 'murmur-kept' } }, { 'aws:TagKeys': ['murmur-kept'] }, true],
  [{ 'ForAllValues:StringEquals': { 'aws:TagKeys': 'murmur-kept' } }, { 'aws:TagKeys': ['murmur-kept', 'murmur'] }, false],
  [{ 'ForAnyValue:StringEquals': { 'aws:TagKeys': 'murmur-kept' } }, { 'aws:TagKeys': ['murmur-kept', 'murmur'] }, true],
])('under %j and with %j a call is allowed: %s', (Condition, keys, expected) => {
  expect(allowed([allow({ Condition })], { keys: keys as Record<string, string[]> })).toBe(expected);
});

test('a principal is one ARN, or everybody in an account by its root', () => {
  const trust = (AWS: string) => ({ Effect: 'Allow', Action: 'ec2:StopInstances', Principal: { AWS } });
  expect(allowed([trust(role)])).toBe(true);
  expect(allowed([trust('arn:aws:iam::123456789012:root')])).toBe(true);
  expect(allowed([trust('arn:aws:iam::210987654321:root')])).toBe(false);
  expect(allowed([trust('arn:aws:iam::123456789012:role/other')])).toBe(false);
});

test('what the emulator would not enforce is refused when a policy is read', () => {
  const read = (statement: object) => () => parsePolicy(JSON.stringify({ Version: '2012-10-17', Statement: [allow(statement)] }));
  expect(read({})).not.toThrow();
  expect(read({ NotAction: 'ec2:*' })).toThrow('the emulator knows no NotAction in a statement');
  expect(read({ Condition: { NumericLessThan: { 'aws:MultiFactorAuthAge': '1' } } })).toThrow('condition operator NumericLessThan');
  expect(() => parsePolicy('{"Version": "2008-10-17", "Statement": []}')).toThrow('not a policy of version 2012-10-17');
});

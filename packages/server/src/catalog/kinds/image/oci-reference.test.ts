import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { isImageReference } from './oci-reference.js';

const hex64 = 'a'.repeat(64);

describe('isImageReference', () => {
  test.each([
    'debian',
    'test_com',
    'test.com:tag',
    'test.com:5000',
    'test.com/repo:tag',
    'test:5000/repo',
    'test:5000/repo:tag',
    `test:5000/repo@sha256:${hex64}`,
    `test:5000/repo:tag@sha256:${hex64}`,
    'lowercase:Uppercase',
    'sub-dom1.foo.com/bar/baz/quux:some-long-tag',
    'b.gcr.io/test.example.com/my-app:test.example.com',
    'xn--n3h.com/myimage:xn--n3h.com',
    'foo_bar.com:8080',
    'foo__bar/baz--qux',
    'Registry/repo',
    '[2001:db8::1]:5000/repo:v1',
    'ghcr.io/foo/bar:v1.2',
    `foo/bar@sha512:${'0'.repeat(128)}`,
    `foo/bar@multi+part:${'0'.repeat(32)}`,
    `${'a/'.repeat(127)}a`,
  ])('accepts %.60s', (reference) => {
    expect(isImageReference(reference)).toBe(true);
  });

  test.each([
    '',
    ':justtag',
    `@sha256:${hex64}`,
    'repo@sha256:ffff',
    `repo@sha256:${'A'.repeat(64)}`,
    `validname@invaliddigest:${hex64.slice(0, 10)}`,
    'Uppercase:tag',
    'a//b',
    '/a',
    'a/',
    'a:',
    'a@',
    'a:tag with space',
    ' a',
    'a\n',
    '-foo',
    'foo-',
    'foo___bar',
    'foo..bar',
    'https://example.com/a',
    'test:port/repo',
    `a:${'t'.repeat(129)}`,
    `${'a/'.repeat(128)}a`,
  ])('refuses %.60j', (reference) => {
    expect(isImageReference(reference)).toBe(false);
  });

  test('accepts whatever is put together by the grammar', () => {
    const alphanumeric = fc.string({ unit: fc.constantFrom('a', 'b', '0', '9'), minLength: 1, maxLength: 8 });
    const path = fc.tuple(alphanumeric, fc.constantFrom('', '.', '_', '__', '-', '--')).map(([text, separator]) => `${text}${separator}z`);
    const name = fc.array(path, { minLength: 1, maxLength: 4 }).map((parts) => parts.join('/'));
    const host = fc.constantFrom('', 'localhost/', 'registry.example.com:5000/', 'a-b.c/');
    const suffix = fc.constantFrom('', ':v1', ':latest', `@sha256:${hex64}`, `:V_1.0-x@sha256:${hex64}`);
    fc.assert(fc.property(host, name, suffix, (first, second, third) => isImageReference(first + second + third)));
  });
});

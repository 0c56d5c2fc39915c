import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { formatDuration, parseDuration } from './durations.js';

const second = 1_000_000_000n;
const minute = 60n * second;
const hour = 60n * minute;

describe('parseDuration', () => {
  test.each<[string, bigint]>([
    ['0', 0n],
    ['+0', 0n],
    ['-0', 0n],
    ['5s', 5n * second],
    ['30s', 30n * second],
    ['1478s', 1478n * second],
    ['-5s', -5n * second],
    ['+5s', 5n * second],
    ['5.0s', 5n * second],
    ['5.6s', 5_600_000_000n],
    ['5.s', 5n * second],
    ['.5s', 500_000_000n],
    ['.5h', 30n * minute],
    ['1.5m', 90n * second],
    ['1.0s', second],
    ['1.00s', second],
    ['1.004s', 1_004_000_000n],
    ['100.00100s', 100_001_000_000n],
    ['10ns', 10n],
    ['11us', 11_000n],
    ['12\u00b5s', 12_000n],
    ['12\u03bcs', 12_000n],
    ['13ms', 13_000_000n],
    ['15m', 15n * minute],
    ['16h', 16n * hour],
    ['3h30m', 3n * hour + 30n * minute],
    ['10.5s4m', 4n * minute + 10_500_000_000n],
    ['-2m3.4s', -(2n * minute + 3_400_000_000n)],
    ['1h2m3s4ms5us6ns', hour + 2n * minute + 3n * second + 4_005_006n],
    ['39h9m14.425s', 39n * hour + 9n * minute + 14_425_000_000n],
    ['52763797000ns', 52_763_797_000n],
    ['0.3333333333333333333h', 20n * minute],
    ['9007199254740993ns', 9_007_199_254_740_993n],
    ['9223372036854775807ns', (1n << 63n) - 1n],
    ['9223372036854775.807us', (1n << 63n) - 1n],
    ['-9223372036854775808ns', -(1n << 63n)],
    ['-9223372036854775.808us', -(1n << 63n)],
    ['0.100000000000000000000h', 6n * minute],
    ['0.830103483285477580700h', 49n * minute + 48n * second + 372_539_827n],
    ['00000000000000000000000000001h', hour],
  ])('reads %s as Go does', (text, expected) => {
    expect(parseDuration(text)).toBe(expected);
  });

  test.each([
    '',
    '3',
    '-',
    's',
    '.',
    '-.',
    '.s',
    '+.s',
    '1d',
    'PT1M',
    '1 h',
    ' 1h',
    '1h ',
    '1H',
    '1h-5m',
    '--1h',
    '1,5h',
    '1e3s',
    '10min',
    '1..5s',
    '0x1h',
    '\u0661h',
    '3000000h',
    '9223372036854775808ns',
    '9223372036854775.808us',
    '9223372036854ms775us808ns',
    '-9223372036854775809ns',
    '99999999999999999999h',
  ])('refuses "%s" as Go does', (text) => {
    expect(parseDuration(text)).toBeUndefined();
  });

  test('reads back every duration it prints', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(1n << 63n), max: (1n << 63n) - 1n }), (duration) => {
        expect(parseDuration(formatDuration(duration))).toBe(duration);
      }),
    );
  });

  test('adds the elements up, in whatever order they stand', () => {
    const elements = fc.array(fc.tuple(fc.nat(100_000), fc.constantFrom('ns', 'us', 'ms', 's', 'm', 'h')), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(elements, (parts) => {
        const texts = parts.map(([count, unit]) => `${count}${unit}`);
        const sum = texts.reduce((total, text) => total + (parseDuration(text) ?? 0n), 0n);
        expect(parseDuration(texts.join(''))).toBe(sum);
        expect(parseDuration(texts.toReversed().join(''))).toBe(sum);
        expect(parseDuration(`-${texts.join('')}`)).toBe(-sum);
      }),
    );
  });

  test('reads every whole number of a unit exactly, and refuses it from where it does not fit', () => {
    const units = fc.constantFrom<[string, bigint]>(
      ['ns', 1n],
      ['us', 1_000n],
      ['ms', 1_000_000n],
      ['s', second],
      ['m', minute],
      ['h', hour],
    );
    const counts = (unit: bigint) => {
      const most = (1n << 63n) / unit;
      return fc.oneof(fc.bigInt({ min: 0n, max: 1n << 70n }), fc.bigInt({ min: most > 9n ? most - 9n : 0n, max: most + 9n }));
    };
    const written = units.chain(([name, unit]) => counts(unit).map((count) => ({ text: `${count}${name}`, value: count * unit })));
    fc.assert(
      fc.property(written, ({ text, value }) => {
        expect(parseDuration(text)).toBe(value < 1n << 63n ? value : undefined);
        expect(parseDuration(`-${text}`)).toBe(value <= 1n << 63n ? -value : undefined);
      }),
    );
  });

  test('reads fractions of a second to the nanosecond', () => {
    fc.assert(
      fc.property(fc.nat(1_000_000), fc.integer({ min: 1, max: 9 }), fc.nat(999_999_999), (whole, places, digits) => {
        const fraction = String(digits).padStart(9, '0').slice(0, places);
        expect(parseDuration(`${whole}.${fraction}s`)).toBe(BigInt(whole) * second + BigInt(fraction.padEnd(9, '0')));
      }),
    );
  });

  test('refuses or reads any text without failing', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('1', '9', '.', '-', '+', 'h', 'm', 's', 'n', 'u', ' ') }), (text) => {
        const duration = parseDuration(text);
        expect(duration === undefined || (duration >= -(1n << 63n) && duration < 1n << 63n)).toBe(true);
      }),
    );
  });
});

test.each<[bigint, string]>([
  [0n, '0s'],
  [1n, '1ns'],
  [1_100n, '1.1\u00b5s'],
  [2_200_000n, '2.2ms'],
  [3_300_000_000n, '3.3s'],
  [4n * minute + 5n * second, '4m5s'],
  [5n * hour + 6n * minute + 7_001_000_000n, '5h6m7.001s'],
  [hour, '1h0m0s'],
  [-(1n << 63n), '-2562047h47m16.854775808s'],
])('formatDuration prints %s as Go does', (duration, expected) => {
  expect(formatDuration(duration)).toBe(expected);
});

const nanoseconds: ReadonlyMap<string, bigint> = new Map([
  ['ns', 1n],
  ['us', 1_000n],
  ['\u00b5s', 1_000n], // U+00B5 micro sign
  ['\u03bcs', 1_000n], // U+03BC Greek mu
  ['ms', 1_000_000n],
  ['s', 1_000_000_000n],
  ['m', 60_000_000_000n],
  ['h', 3_600_000_000_000n],
]);

/** One past the largest duration: the magnitude only a negative one may have. */
const limit = 1n << 63n;

const element = /([0-9]*)(?:\.([0-9]*))?([^.0-9]+)/y;

/**
 * The nanoseconds a Go duration such as `1h30m`, `.5h` or `-100ms` stands for, or undefined when Go's
 * `time.ParseDuration` would refuse it. Fractions below a nanosecond are cut as Go cuts them.
 */
export function parseDuration(text: string): bigint | undefined {
  const negative = text.startsWith('-');
  const unsigned = negative || text.startsWith('+') ? text.slice(1) : text;
  if (unsigned === '0') return 0n;
  if (unsigned === '') return undefined;
  let total = 0n;
  let position = 0;
  while (position < unsigned.length) {
    element.lastIndex = position;
    const match = element.exec(unsigned);
    if (match === null) return undefined;
    const value = elementValue(match[1] ?? '', match[2] ?? '', match[3] ?? '');
    if (value === undefined) return undefined;
    total += value;
    if (total > limit) return undefined;
    position = element.lastIndex;
  }
  if (negative) return -total;
  return total === limit ? undefined : total;
}

function elementValue(whole: string, fraction: string, unitName: string): bigint | undefined {
  const unit = nanoseconds.get(unitName);
  if (unit === undefined || (whole === '' && fraction === '')) return undefined;
  const significant = whole.replace(/^0+/, '');
  // 2^63 has 19 digits; longer numbers need no arithmetic to be too long.
  if (significant.length > 19) return undefined;
  const units = BigInt(significant === '' ? '0' : significant);
  if (units > limit || units > limit / unit) return undefined;
  const value = units * unit + fractionValue(fraction, unit);
  return value > limit ? undefined : value;
}

/** Go computes fractions in floating point and stops reading digits that no longer fit; so do we, to agree on every digit. */
function fractionValue(digits: string, unit: bigint): bigint {
  let numerator = 0n;
  let scale = 1;
  for (const digit of digits) {
    if (numerator > (limit - 1n) / 10n) break;
    const next = numerator * 10n + BigInt(digit);
    if (next > limit) break;
    numerator = next;
    scale *= 10;
  }
  return BigInt(Math.trunc(Number(numerator) * (Number(unit) / scale)));
}

/** A duration in nanoseconds as Go's `Duration.String` prints it: `1h30m0s`, `1.5s`, `100ms`, `0s`. */
export function formatDuration(duration: bigint): string {
  if (duration === 0n) return '0s';
  const sign = duration < 0n ? '-' : '';
  const magnitude = duration < 0n ? -duration : duration;
  if (magnitude < 1_000n) return `${sign}${magnitude}ns`;
  if (magnitude < 1_000_000n) return `${sign}${decimal(magnitude, 3)}\u00b5s`;
  if (magnitude < 1_000_000_000n) return `${sign}${decimal(magnitude, 6)}ms`;
  const minute = 60_000_000_000n;
  const seconds = `${decimal(magnitude % minute, 9)}s`;
  const minutes = magnitude / minute;
  if (minutes === 0n) return `${sign}${seconds}`;
  if (minutes < 60n) return `${sign}${minutes}m${seconds}`;
  return `${sign}${minutes / 60n}h${minutes % 60n}m${seconds}`;
}

function decimal(value: bigint, places: number): string {
  const scale = 10n ** BigInt(places);
  const fraction = (value % scale).toString().padStart(places, '0').replace(/0+$/, '');
  return fraction === '' ? `${value / scale}` : `${value / scale}.${fraction}`;
}

import { type Timestamp, timestampDate } from '@bufbuild/protobuf/wkt';

/** A moment as `2026-11-21T04:53:19Z`; empty when there is none. */
export function renderTime(time: Timestamp | undefined): string {
  return time === undefined
    ? ''
    : timestampDate(time)
        .toISOString()
        .replace(/\.\d+Z$/, 'Z');
}

/** A span as `42s`, `3m07s` or `1h02m`. */
export function renderSeconds(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60), whole % 60];
  if (hours > 0) return `${hours}h${twoDigits(minutes)}m`;
  return minutes > 0 ? `${minutes}m${twoDigits(rest)}s` : `${rest}s`;
}

/** The seconds between two moments; until now when the second is yet to come. */
export function secondsBetween(start: Timestamp | undefined, end: Timestamp | undefined): number {
  if (start === undefined) return 0;
  const until = end === undefined ? Date.now() : timestampDate(end).getTime();
  return (until - timestampDate(start).getTime()) / 1000;
}

function twoDigits(value: number): string {
  return String(value).padStart(2, '0');
}

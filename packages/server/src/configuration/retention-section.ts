import { parseDuration } from '@murmur/api';

import type { Section } from './reader.js';

/** How many seconds what has ended is kept; undefined is for ever. */
export interface Retention {
  readonly runsSeconds: number | undefined;
  readonly logsSeconds: number | undefined;
  readonly auditSeconds: number | undefined;
}

const secondsPerDay = 86_400;

/** What applies where nothing is configured. */
export const defaultRetention: Retention = {
  runsSeconds: 90 * secondsPerDay,
  logsSeconds: 30 * secondsPerDay,
  auditSeconds: 400 * secondsPerDay,
};

/** The section `retention`. */
export function readRetention(root: Section): Retention {
  const section = root.section('retention', ['runs', 'logs', 'audit']);
  if (section === undefined) return defaultRetention;
  return {
    runsSeconds: readSeconds(section, 'runs', defaultRetention.runsSeconds),
    logsSeconds: readSeconds(section, 'logs', defaultRetention.logsSeconds),
    auditSeconds: readSeconds(section, 'audit', defaultRetention.auditSeconds),
  };
}

/** What ended in the last hour may still be looked at by whoever waited for it. */
const leastSeconds = 3600;
const mostSeconds = 36_500 * secondsPerDay;

function readSeconds(section: Section, key: string, usual: number | undefined): number | undefined {
  const written = section.scalar(key);
  if (written === undefined) return usual;
  const seconds = secondsOf(written);
  if (seconds === 0) return undefined;
  if (seconds === undefined || seconds < 0) section.refuse(key, `"${written}" is not a duration such as 90d or 36h`);
  else if (seconds < leastSeconds) section.refuse(key, 'must be at least 1h, or 0 to keep for ever');
  else if (seconds > mostSeconds) section.refuse(key, 'must be at most 36500d, or 0 to keep for ever');
  return seconds;
}

/** The seconds of a duration that may begin with days: `90d`, `1d12h`, `36h`, `0`. */
function secondsOf(text: string): number | undefined {
  const [, days = '0', rest = ''] = /^(?:(\d{1,6})d)?(.*)$/s.exec(text) ?? [];
  if (text === '') return undefined;
  const nanoseconds = rest === '' ? 0n : parseDuration(rest);
  return nanoseconds === undefined ? undefined : Number(days) * secondsPerDay + Number(nanoseconds) / 1e9;
}

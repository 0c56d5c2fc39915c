import { MurmurError } from '@murmur/api';
import { destination, type Logger, pino } from 'pino';

/** The log on standard error; `MURMUR_LOG_LEVEL` says how much of it. */
export function createLog(environment: Readonly<Record<string, string | undefined>>): Logger {
  const level = environment['MURMUR_LOG_LEVEL'] ?? 'info';
  const levels = [...Object.keys(pino.levels.values), 'silent'];
  if (!levels.includes(level)) {
    throw new MurmurError('INVALID_ARGUMENT', `MURMUR_LOG_LEVEL "${level}" is not a level`, { hint: `Use one of ${levels.join(', ')}.` });
  }
  return pino({ level, base: null }, destination(2));
}

import { ControlError } from './control-error.js';

/** Changes some settings by what a request's JSON says. Throws for a name or type that is not one of them. */
export function changeSettings(settings: object, changes: unknown): void {
  if (typeof changes !== 'object' || changes === null) throw new ControlError('settings are a JSON object');
  for (const [name, value] of Object.entries(changes)) {
    const before: unknown = Object.entries(settings).find(([known]) => known === name)?.[1];
    if (before === undefined || typeof before !== typeof value || Array.isArray(before) !== Array.isArray(value)) {
      throw new ControlError(`there is no setting ${name} of this type`);
    }
  }
  Object.assign(settings, changes);
}

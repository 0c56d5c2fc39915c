import type { CloudTimes } from '../cloud/pauses.js';
import type { Places } from './compute.js';

/** What every part of the substrate works with. */
export interface Cloud {
  readonly places: Places;
  readonly times: CloudTimes;
}

import type * as Sdk from '@aws-sdk/client-ec2';

import type { CloudTimes } from '../cloud/pauses.js';
import type { AwsAccounts } from './account.js';

/** The SDK, which is loaded when the first substrate is opened. */
export type Ec2 = typeof Sdk;

/** What every part of the substrate works with. */
export interface Cloud {
  readonly ec2: Ec2;
  readonly accounts: AwsAccounts;
  readonly times: CloudTimes;
}

import type { AwsTarget } from '@murmur/api';

import { type Faults, fault } from '../../faults.js';
import { patternOf } from '../../shared-rows.js';
import { placementErrors as errors } from './errors.js';
import { accountId, identifiers } from './aws-identifiers.js';

const region = /^[a-z]{2,}(?:-[a-z]+)+-[0-9]+$/;
const arn = (resource: string, account: string) => new RegExp(`^arn:aws(?:-[a-z]+)*:iam::${account}:${resource}/[\\w+=,.@/-]+$`);

/** What is wrong with an AWS target, as far as its words tell. What they name is looked for when it is used. */
export function* checkAws(target: AwsTarget): Faults {
  if (target.accountId === '') yield fault(errors.accountRequired, 'aws.account_id');
  else if (!accountId.test(target.accountId)) yield fault(errors.accountInvalid, 'aws.account_id');
  if (target.region === '') yield fault(errors.regionRequired, 'aws.region');
  else if (!region.test(target.region)) yield fault(errors.regionInvalid, 'aws.region');
  if (target.vpcId !== '' && !identifiers.vpc.test(target.vpcId)) yield fault(errors.vpcInvalid, 'aws.vpc_id');
  for (const [index, subnet] of target.subnetIds.entries()) {
    if (!identifiers.subnet.test(subnet)) yield fault(errors.subnetIdInvalid, `aws.subnet_ids[${index}]`, String(index));
  }
  const group = target.securityGroupId;
  if (group !== '' && !identifiers.securityGroup.test(group)) yield fault(errors.securityGroupInvalid, 'aws.security_group_id');
  yield* checkArns(target);
}

/** Both belong to the account: a role of another one leads there, and an instance takes no profile from elsewhere. */
function* checkArns({ accountId: account, roleArn, instanceProfileArn }: AwsTarget): Faults {
  const owner = accountId.test(account) ? account : patternOf(accountId);
  if (roleArn !== '' && !arn('role', owner).test(roleArn)) yield fault(errors.roleInvalid, 'aws.role_arn');
  if (instanceProfileArn !== '' && !arn('instance-profile', owner).test(instanceProfileArn)) {
    yield fault(errors.instanceProfileInvalid, 'aws.instance_profile_arn');
  }
}

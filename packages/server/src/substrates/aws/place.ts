import type { AwsTarget } from '@murmur/api';

import type { Site } from '../substrate.js';

/** An account and region as a placement names them, with the tenant that uses it. */
export interface AwsPlace {
  readonly accountId: string;
  readonly region: string;
  /** Empty where the server's own identity is used. */
  readonly roleArn: string;
  readonly externalId: string;
  readonly subnets: readonly string[];
  readonly securityGroup: string;
  readonly profileArn: string;
  readonly publicIp: boolean;
}

/** The site of a placement on AWS, as this tenant uses it. */
export function siteOfTarget(target: AwsTarget, tenant: string): Site {
  const { accountId, assignPublicIp, instanceProfileArn, region, roleArn, securityGroupId, subnetIds } = target;
  const own = { accountId, region, roleArn, externalId: tenant, subnets: subnetIds.join(' ') };
  return { ...own, securityGroup: securityGroupId, profileArn: instanceProfileArn, publicIp: assignPublicIp } as unknown as Site;
}

/** The place that a site names. */
export function placeOf(site: Site): AwsPlace {
  const { subnets, ...rest } = site as unknown as Omit<AwsPlace, 'subnets'> & { subnets: string };
  return { ...rest, subnets: subnets.split(' ').filter((id) => id !== '') };
}

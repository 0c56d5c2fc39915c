import { usualTimes } from '../cloud/pauses.js';
import type { Substrate } from '../substrate.js';
import { createAccounts } from './account.js';
import { checkSite } from './check.js';
import { captureMachine } from './capture.js';
import type { Cloud } from './cloud.js';
import { findPublished } from './find.js';
import { amiExists, discardAmi, keepAmi, resolveAmi } from './images.js';
import { launchMachine } from './launch.js';
import { destroyAll, listOwned } from './owned.js';
import { siteOfTarget } from './place.js';
import { enterMachine, waitForMachine } from './reach.js';
import type { AwsConfiguration } from './session.js';

/** The substrate on Amazon EC2. */
export async function createAwsSubstrate(configuration: AwsConfiguration, times = usualTimes): Promise<Substrate> {
  const cloud: Cloud = { ec2: await import('@aws-sdk/client-ec2'), accounts: createAccounts(configuration, times.call), times };
  return {
    name: 'AWS',
    local: false,
    scope: ({ target }) => (target.case === 'aws' ? `${target.value.accountId}/${target.value.region}` : ''),
    siteOf({ target }, tenant) {
      if (target.case !== 'aws') throw new TypeError('not a placement on AWS');
      return siteOfTarget(target.value, tenant);
    },
    serves: () => true,
    resolveBase: (site, image, _rights, signal) => resolveAmi(cloud, site, image, signal),
    launch: (spec, token, signal) => launchMachine(cloud, spec, token, signal),
    waitReady: (machine, keys, signal) => waitForMachine(cloud, machine, keys, signal),
    channel: (machine, keys, signal) => enterMachine(cloud, machine, keys, signal),
    capture: (machine, keys, artifact, signal) => captureMachine(cloud, machine, keys, artifact, signal),
    imageId: ({ ami }) => (typeof ami === 'string' ? ami : undefined),
    imageExists: (site, reference, check, signal) => amiExists(cloud, site, reference, check, signal),
    keepImage: (site, reference, signal) => keepAmi(cloud, site, reference, signal),
    discardImage: (site, reference, signal) => discardAmi(cloud, site, reference, signal),
    destroy: (site, token, signal) => destroyAll(cloud, site, token, signal),
    listOwned: (site, installation, signal) => listOwned(cloud, site, installation, signal),
    findBases: (site, signal) => findPublished(cloud, site, signal),
    checkPlacement: (site, signal) => checkSite(cloud, site, signal),
    close: () => Promise.resolve(cloud.accounts.close()),
  };
}

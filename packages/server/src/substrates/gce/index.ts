import { usualTimes } from '../cloud/pauses.js';
import type { Substrate } from '../substrate.js';
import { captureMachine } from './capture.js';
import { checkSite } from './check.js';
import type { Cloud } from './cloud.js';
import { createPlaces } from './compute.js';
import type { GceConfiguration, SubjectTokens } from './identity.js';
import { discardImage, imageExists, keepImage, resolveImage } from './images.js';
import { launchMachine } from './launch.js';
import { destroyAll, listOwned } from './owned.js';
import { siteOfTarget } from './place.js';
import { enterMachine, waitForMachine } from './reach.js';

/** The substrate on Google Compute Engine. */
export function createGceSubstrate(configuration: GceConfiguration, subjects: SubjectTokens, times = usualTimes): Substrate {
  const cloud: Cloud = { places: createPlaces(configuration, subjects, times.call), times };
  return {
    name: 'GCP',
    local: false,
    scope: ({ target }) => (target.case === 'gcp' ? target.value.project : ''),
    siteOf({ target }, tenant) {
      if (target.case !== 'gcp') throw new TypeError('not a placement on GCE');
      return siteOfTarget(target.value, tenant);
    },
    serves: () => true,
    resolveBase: (site, image, _rights, signal) => resolveImage(cloud, site, image, signal),
    launch: (spec, token, signal) => launchMachine(cloud, spec, token, signal),
    waitReady: (machine, keys, signal) => waitForMachine(cloud, machine, keys, signal),
    channel: (machine, keys, signal) => enterMachine(cloud, machine, keys, signal),
    capture: (machine, _keys, artifact, signal) => captureMachine(cloud, machine, artifact, signal),
    imageId: ({ selfLink }) => (typeof selfLink === 'string' ? selfLink : undefined),
    imageExists: (site, reference, _check, signal) => imageExists(cloud, site, reference, signal),
    keepImage: (site, reference, signal) => keepImage(cloud, site, reference, signal),
    discardImage: (site, reference, signal) => discardImage(cloud, site, reference, signal),
    destroy: (site, token, signal) => destroyAll(cloud, site, token, signal),
    listOwned: (site, installation, signal) => listOwned(cloud, site, installation, signal),
    checkPlacement: (site, signal) => checkSite(cloud, site, signal),
  };
}

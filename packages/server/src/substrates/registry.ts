import type { Image, Placement } from '@murmur/api';
import type { Logger } from 'pino';

import { checkRegion } from './aws/errors.js';
import { createAwsSubstrate } from './aws/index.js';
import type { AwsConfiguration } from './aws/session.js';
import { createDockerSubstrate } from './docker/index.js';
import { openRegistry, type RegistryChoice } from './docker/push-target.js';
import type { GceConfiguration, SubjectTokens } from './gce/identity.js';
import { createGceSubstrate } from './gce/index.js';
import type { GuestReach } from './guest-reach.js';
import { createQemuSubstrate } from './qemu/index.js';
import type { Substrate, SubstrateName } from './substrate.js';

/** What a substrate may be made with. */
export interface SubstrateParts {
  /** What a substrate keeps on the server's own host lies below it. */
  readonly dataDir: string;
  /** A folder with a short path for sockets. */
  readonly runtimeDir: string;
  /** This installation's id, on everything made outside. */
  readonly installation: string;
  /** This installation as an issuer of identities, by which clouds know it. */
  readonly subjects: SubjectTokens;
  /** What machines on this host may connect to. */
  readonly reach: GuestReach;
  readonly log: Logger;
}

/** What the operator has decided about each substrate. */
export interface SubstratesConfiguration {
  readonly qemu: { readonly enabled: boolean };
  /** `socket`: the Docker Engine's, in place of the usual one. */
  readonly docker: { readonly enabled: boolean; readonly socket?: string | undefined; readonly registry?: RegistryChoice | undefined };
  /** Present where it is configured. */
  readonly aws?: AwsConfiguration | undefined;
  /** Present where it is configured. */
  readonly gce?: GceConfiguration | undefined;
}

/** One substrate: whether the operator wants it, and how it is opened. */
export interface Registration {
  readonly name: SubstrateName;
  enabled(configuration: SubstratesConfiguration): boolean;
  /** Throws where the documents alone tell that an image cannot be started there. */
  checkImage?(image: Image, placement: Placement): void;
  /** Rejects, with the reason, where this host or the configuration does not have what it takes. */
  open(parts: SubstrateParts, configuration: SubstratesConfiguration): Promise<Substrate>;
}

/** Every substrate there is. */
export const registry: readonly Registration[] = [
  { name: 'QEMU', enabled: ({ qemu }) => qemu.enabled, open: (parts) => createQemuSubstrate(parts) },
  {
    name: 'DOCKER',
    enabled: ({ docker }) => docker.enabled,
    open: async (parts, { docker: { registry: choice, socket } }) =>
      createDockerSubstrate({ ...parts, socket, registry: choice === undefined ? undefined : await openRegistry(choice) }),
  },
  {
    name: 'AWS',
    enabled: ({ aws }) => aws !== undefined,
    checkImage: checkRegion,
    open: (_parts, { aws }) => createAwsSubstrate(aws ?? {}),
  },
  {
    name: 'GCP',
    enabled: ({ gce }) => gce !== undefined,
    open: ({ subjects }, { gce }) => Promise.resolve(createGceSubstrate(gce ?? {}, subjects)),
  },
];

/** What the substrate of this name has against the image in that placement, whether or not this server is set up for it. */
export function checkImage(name: SubstrateName, image: Image, placement: Placement): void {
  registry.find((line) => line.name === name)?.checkImage?.(image, placement);
}

import { readFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';

import { create } from '@bufbuild/protobuf';
import { ImageSchema, isMurmurError, MurmurError, readValue } from '@murmur/api';

import type { IssuerConfig } from '../access/oidc.js';
import { isTenantId } from '../access/tenant-id.js';
import type { BuiltinConfig } from '../catalog/builtins.js';
import { checkSource } from '../catalog/kinds/image/sources.js';
import type { KeySource } from '../secrets/key-places.js';
import { defaultLimits, type Limits, readLimits } from './limits-section.js';
import { readIssuers } from './oidc-section.js';
import { defaultNetwork, type Network, readNetwork } from './network-section.js';
import { Section } from './reader.js';
import { defaultRetention, readRetention, type Retention } from './retention-section.js';
import { allSubstrates, readSubstrates, type SubstratesSection } from './substrates-section.js';

/** What the operator has decided about a server. */
export interface Configuration {
  /** The issuers whose tokens are taken beside API keys. */
  readonly oidc: readonly IssuerConfig[];
  /** The sources of the clouds' builtin base images. */
  readonly baseImages: Pick<BuiltinConfig, 'awsBaseAmis' | 'gceBaseSelfLink'>;
  /** The tenants beside `local/…` that may use the placements on the server's own host. */
  readonly localTenants: readonly string[];
  readonly keyProvider: KeySource;
  /** The names a proxy passes on to a server that listens on the loopback. */
  readonly hosts: readonly string[];
  readonly limits: Limits;
  readonly network: Network;
  readonly retention: Retention;
  readonly substrates: SubstratesSection;
}

/** What a server does that nobody has configured. */
export const noConfiguration: Configuration = {
  oidc: [],
  baseImages: {},
  localTenants: [],
  keyProvider: undefined,
  hosts: [],
  limits: defaultLimits(),
  network: defaultNetwork,
  retention: defaultRetention,
  substrates: allSubstrates,
};

const sections = ['oidc', 'base_images', 'local_tenants', 'key_provider', 'hosts', 'limits', 'network', 'retention', 'substrates'];

/** A file that was named must exist; one that was merely looked for need not. */
export type Presence = 'required' | 'optional';

/** The configuration of a server: in the file named, or else in `server.yaml` of its data directory, when there is one. */
export function configurationFor(dataDir: string, configFile: string | undefined): Promise<Configuration> {
  return configFile === undefined
    ? readConfiguration(join(dataDir, 'server.yaml'), 'optional')
    : readConfiguration(resolve(configFile), 'required');
}

/** Reads the operator's configuration file. Throws INVALID_ARGUMENT with everything that is wrong with it. */
export async function readConfiguration(file: string, presence: Presence): Promise<Configuration> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
    if (presence === 'optional' && code === 'ENOENT') return noConfiguration;
    const why = code === 'ENOENT' ? 'no such file' : cause instanceof Error ? cause.message : String(cause);
    throw new MurmurError('INVALID_ARGUMENT', `cannot read ${file}: ${why}`, { cause });
  }
  return parseConfiguration(text, file);
}

/** Reads the text of the configuration file; paths in it are relative to the file's folder. */
export function parseConfiguration(text: string, file: string): Configuration {
  const problems: string[] = [];
  const root = new Section(valueOf(text, file) ?? {}, '', sections, problems);
  const configuration: Configuration = {
    oidc: readIssuers(root),
    baseImages: readBaseImages(root),
    localTenants: readLocalTenants(root),
    keyProvider: readKeyProvider(root, dirname(file)),
    hosts: readHosts(root),
    limits: readLimits(root),
    network: readNetwork(root),
    retention: readRetention(root),
    substrates: readSubstrates(root),
  };
  const [first, ...rest] = problems.map((problem) => ({ code: 'INVALID_ARGUMENT' as const, message: `${file}: ${problem}`, hint }));
  if (first !== undefined) throw MurmurError.ofFaults([first, ...rest]);
  return configuration;
}

const hint = 'The guide "Running a server" lists what can be configured.';

function valueOf(text: string, file: string): unknown {
  try {
    return readValue(text);
  } catch (thrown) {
    if (!isMurmurError(thrown)) throw thrown;
    throw new MurmurError(thrown.code, `${file}: ${thrown.message}`, { cause: thrown, hint: thrown.hint ?? hint });
  }
}

function readBaseImages(root: Section): Configuration['baseImages'] {
  const section = root.section('base_images', ['aws', 'gce']);
  const aws = section?.section('aws', ['ami_ids']);
  const gce = section?.section('gce', ['self_link']);
  const amiIds = aws?.textMap('ami_ids');
  const selfLink = gce?.required('self_link');
  if (aws?.has('ami_ids') === false) aws.refuseAll('ami_ids is required');
  // The catalog's own checks, so that a builtin is held to what every image is.
  const faults = [
    ...(amiIds === undefined ? [] : checkSource(create(ImageSchema, { source: { case: 'aws', value: { amiIds } } }))),
    ...(selfLink === undefined ? [] : checkSource(create(ImageSchema, { source: { case: 'gce', value: { selfLink } } }))),
  ];
  for (const { message } of faults) root.refuseAll(`base_images.${message}`);
  return {
    ...(amiIds === undefined ? {} : { awsBaseAmis: amiIds }),
    ...(selfLink === undefined ? {} : { gceBaseSelfLink: selfLink }),
  };
}

function readLocalTenants(root: Section): readonly string[] {
  const tenants = root.texts('local_tenants') ?? [];
  for (const [index, tenant] of tenants.entries()) {
    if (!isTenantId(tenant)) root.refuse(`local_tenants[${index}]`, `"${tenant}" is not a tenant such as github_app/acme`);
  }
  return tenants;
}

function readHosts(root: Section): readonly string[] {
  const hosts = root.texts('hosts') ?? [];
  for (const [index, host] of hosts.entries()) {
    if (!/^[a-z0-9.:-]{1,253}$/i.test(host)) root.refuse(`hosts[${index}]`, `"${host}" is not a name such as murmur.example.com`);
  }
  return hosts;
}

function readKeyProvider(root: Section, folder: string): KeySource {
  const section = root.section('key_provider', ['file', 'env']);
  if (section === undefined) return undefined;
  const file = section.text('file');
  const env = section.text('env');
  if (section.has('file') === section.has('env')) section.refuseAll('exactly one of file and env is required');
  if (env !== undefined && !/^[A-Za-z_][A-Za-z0-9_]*$/.test(env)) section.refuse('env', `"${env}" is not the name of a variable`);
  if (file !== undefined) return { file: resolve(folder, file) };
  return env === undefined ? undefined : { env };
}

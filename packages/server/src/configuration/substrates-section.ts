import { isAbsolute } from 'node:path';

import type { Section } from './reader.js';

/** What the operator has decided about the places where machines run. */
export interface SubstratesSection {
  readonly qemu: { readonly enabled: boolean };
  /** `socket`: the Docker Engine's, in place of the usual one. `registry`: where baked images are pushed, if anywhere. */
  readonly docker: { readonly enabled: boolean; readonly socket?: string | undefined; readonly registry?: PushRegistry | undefined };
  readonly aws?: AwsSection | undefined;
  readonly gce?: GceSection | undefined;
}

/** Bakes on GCE, present where they are configured. */
export interface GceSection {
  /** In place of Google's own addresses. */
  readonly endpoint: string | undefined;
  readonly stsEndpoint: string | undefined;
  readonly iamCredentialsEndpoint: string | undefined;
  /** What this installation calls itself to Google; a name of its own unless given. */
  readonly issuer: string | undefined;
  /** Whether placements without a provider use the server's own identity, which Google's library looks for. */
  readonly operatorCredentials: 'refused' | 'allowed';
}

/** Bakes on AWS, present where they are configured. */
export interface AwsSection {
  /** In place of Amazon's own addresses. */
  readonly endpoint: string | undefined;
  /** Whether placements without a role use the server's own identity, which the SDK looks for. */
  readonly operatorCredentials: 'refused' | 'allowed';
}

/** A registry that gets what is baked. */
export interface PushRegistry {
  /** Host and path, such as `ghcr.io/acme/bakes`. */
  readonly repository: string;
  /** A file with `user:password` or a Docker configuration. */
  readonly credentialFile?: string | undefined;
  /** A variable of the server's with the same. */
  readonly credentialEnv?: string | undefined;
}

/** What holds where nothing is configured: whatever this host can do. */
export const allSubstrates: SubstratesSection = { qemu: { enabled: true }, docker: { enabled: true } };

/** Reads the section `substrates`. */
export function readSubstrates(root: Section): SubstratesSection {
  const section = root.section('substrates', ['qemu', 'docker', 'aws', 'gce']);
  const qemu = section?.section('qemu', ['enabled']);
  const docker = section?.section('docker', ['enabled', 'socket', 'registry']);
  const socket = docker?.text('socket');
  if (socket !== undefined && !isAbsolute(socket)) docker?.refuse('socket', `"${socket}" is not an absolute path`);
  return {
    qemu: { enabled: qemu?.truth('enabled') ?? true },
    docker: { enabled: docker?.truth('enabled') ?? true, socket, registry: readRegistry(docker) },
    ...(section?.has('aws') === true ? { aws: readAws(section) } : {}),
    ...(section?.has('gce') === true ? { gce: readGce(section) } : {}),
  };
}

function readAws(substrates: Section): AwsSection {
  const section = substrates.section('aws', ['endpoint', 'operator_credentials']);
  return { endpoint: readAddress(section, 'endpoint', 'https://ec2.example.com'), operatorCredentials: readOwnIdentity(section) };
}

function readGce(substrates: Section): GceSection {
  const keys = ['endpoint', 'sts_endpoint', 'iam_credentials_endpoint', 'issuer', 'operator_credentials'];
  const section = substrates.section('gce', keys);
  const issuer = section?.text('issuer');
  if (issuer !== undefined && !/^https:\/\/[^/?#\s]+(?:\/[^?#\s]*[^/?#\s])?$/.test(issuer)) {
    section?.refuse('issuer', `"${issuer}" is not an address such as "https://murmur.example.com"`);
  }
  return {
    endpoint: readAddress(section, 'endpoint', 'https://compute.example.com'),
    stsEndpoint: readAddress(section, 'sts_endpoint', 'https://sts.example.com'),
    iamCredentialsEndpoint: readAddress(section, 'iam_credentials_endpoint', 'https://iamcredentials.example.com'),
    issuer,
    operatorCredentials: readOwnIdentity(section),
  };
}

function readAddress(section: Section | undefined, name: string, example: string): string | undefined {
  const address = section?.text(name);
  if (address !== undefined && !/^https?:\/\/[^/]+\/?$/.test(address)) {
    section?.refuse(name, `"${address}" is not the address of a service, such as "${example}"`);
  }
  return address;
}

function readOwnIdentity(section: Section | undefined): 'refused' | 'allowed' {
  return section?.truth('operator_credentials') === true ? 'allowed' : 'refused';
}

/** A host with a dot, a port or the name localhost, and at least one part of a path after it. */
const repositoryPattern =
  /^(?:localhost|[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z0-9-]+|[A-Za-z0-9.-]+:[0-9]+)(?::[0-9]+)?(?:\/[a-z0-9]+(?:[._-]+[a-z0-9]+)*)+$/;

function readRegistry(docker: Section | undefined): PushRegistry | undefined {
  const section = docker?.section('registry', ['repository', 'credential_file', 'credential_env']);
  if (section === undefined) return undefined;
  const repository = section.required('repository');
  if (repository !== undefined && !repositoryPattern.test(repository)) {
    section.refuse('repository', `"${repository}" is not a registry's host and a path, such as ghcr.io/acme/bakes`);
  }
  const credentialFile = section.text('credential_file');
  if (credentialFile !== undefined && !isAbsolute(credentialFile)) {
    section.refuse('credential_file', `"${credentialFile}" is not an absolute path`);
  }
  const credentialEnv = section.text('credential_env');
  if (credentialFile !== undefined && credentialEnv !== undefined)
    section.refuseAll('credential_file and credential_env exclude each other');
  return { repository: repository ?? '', credentialFile, credentialEnv };
}

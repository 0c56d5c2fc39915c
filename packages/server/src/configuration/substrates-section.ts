import { isAbsolute } from 'node:path';

import type { Section } from './reader.js';

/** What the operator has decided about the places where machines run. */
export interface SubstratesSection {
  readonly qemu: { readonly enabled: boolean };
  /** `socket`: the Docker Engine's, in place of the usual one. */
  readonly docker: { readonly enabled: boolean; readonly socket?: string | undefined };
}

/** What holds where nothing is configured: whatever this host can do. */
export const allSubstrates: SubstratesSection = { qemu: { enabled: true }, docker: { enabled: true } };

/** Reads the section `substrates`. */
export function readSubstrates(root: Section): SubstratesSection {
  const section = root.section('substrates', ['qemu', 'docker']);
  const qemu = section?.section('qemu', ['enabled']);
  const docker = section?.section('docker', ['enabled', 'socket']);
  const socket = docker?.text('socket');
  if (socket !== undefined && !isAbsolute(socket)) docker?.refuse('socket', `"${socket}" is not an absolute path`);
  return {
    qemu: { enabled: qemu?.truth('enabled') ?? true },
    docker: { enabled: docker?.truth('enabled') ?? true, socket },
  };
}

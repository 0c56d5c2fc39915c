import { createHash } from 'node:crypto';
import { link, open, rename, rm } from 'node:fs/promises';
import type { ExportImageResponse } from '@murmur/api';

import { CliError } from '../failure.js';

/** Where a download goes, and what to do with a file that is there already. */
export interface DownloadTarget {
  readonly file: string;
  readonly existing: 'refuse' | 'replace';
  onProgress(received: number, total: number): void;
}

/** A finished download; the digest is `sha256:` and 64 hexadecimal digits. */
export interface Saved {
  readonly bytes: number;
  readonly digest: string;
}

/**
 * Writes a download beside its target and moves it there once its size and digest are right, so no half file is ever seen.
 * The request is made only once there is a file to write to.
 */
export async function saveDownload(request: () => AsyncIterable<ExportImageResponse>, target: DownloadTarget): Promise<Saved> {
  const partial = `${target.file}.${process.pid}.part`;
  if (target.existing === 'refuse') await refuseExisting(target.file);
  const handle = await open(partial, 'wx').catch((cause: unknown) => {
    throw new CliError('FAILED_PRECONDITION', `cannot write ${target.file}: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause,
    });
  });
  try {
    let saved: Saved;
    try {
      saved = await receive(request, { ...target, write: (chunk) => handle.writeFile(chunk) });
      await handle.sync();
    } finally {
      await handle.close();
    }
    await moveIntoPlace(partial, target);
    return saved;
  } finally {
    await rm(partial, { force: true });
  }
}

/**
 * Hands a download's pieces on, each once there is room for it. Throws ABORTED at its end when its size or digest is not what was
 * promised: whoever was handed them must not take them for the whole then.
 */
export async function receive(
  request: () => AsyncIterable<ExportImageResponse>,
  { file, onProgress, write }: Pick<DownloadTarget, 'file' | 'onProgress'> & { write(chunk: Uint8Array): Promise<void> },
): Promise<Saved> {
  const hash = createHash('sha256');
  const expected = { bytes: 0, digest: '' };
  let received = 0;
  for await (const message of request()) {
    if (message.digest !== '') Object.assign(expected, { bytes: Number(message.totalBytes), digest: message.digest });
    hash.update(message.chunk);
    await write(message.chunk);
    received += message.chunk.length;
    onProgress(received, expected.bytes);
  }
  const digest = `sha256:${hash.digest('hex')}`;
  const promised = expected.digest.startsWith('sha256:') ? expected.digest : `sha256:${expected.digest}`;
  if (received !== expected.bytes || digest !== promised) {
    throw new CliError('ABORTED', `the download of ${file} arrived damaged`, { hint: 'Try again.' });
  }
  return { bytes: received, digest };
}

async function moveIntoPlace(partial: string, target: DownloadTarget): Promise<void> {
  if (target.existing === 'replace') {
    await rename(partial, target.file);
    return;
  }
  // A rename would replace a file made in the meantime; a link fails instead.
  await link(partial, target.file).catch((cause: unknown) => {
    throw alreadyThere(target.file, cause);
  });
}

async function refuseExisting(file: string): Promise<void> {
  const handle = await open(file, 'r').catch(() => undefined);
  if (handle === undefined) return;
  await handle.close();
  throw alreadyThere(file, undefined);
}

function alreadyThere(file: string, cause: unknown): CliError {
  return new CliError('ALREADY_EXISTS', `${file} exists`, { cause, hint: 'Choose another name, or replace it with --force.' });
}

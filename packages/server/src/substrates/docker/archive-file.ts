import { createHash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';

const block = 512;
const largestOctal = 8 ** 11;

/** A content-addressed piece of an OCI layout. */
export interface Blob {
  readonly digest: string;
  readonly size: number;
}

/** A tar file in the making, whose blobs get their name when their content is known: it is written once, at full length. */
export interface ArchiveFile extends AsyncDisposable {
  /** Adds content under the name of its digest; content that is there already once only. */
  addBlob(size: number, content: AsyncIterable<Buffer>): Promise<Blob>;
  addFile(name: string, content: Buffer): Promise<void>;
  /** Ends the archive. */
  finish(): Promise<void>;
}

/** Begins a tar file. */
export async function createArchive(file: string): Promise<ArchiveFile> {
  const handle = await open(file, 'wx', 0o600);
  const digests = new Set<string>();
  let end = 0;

  const append = async (at: number, header: Buffer, size: number): Promise<void> => {
    await writeAt(handle, header, at);
    end = at + block + Math.ceil(size / block) * block;
    await handle.truncate(end);
  };

  return {
    async addBlob(size, content) {
      const at = end;
      const hash = createHash('sha256');
      let written = 0;
      for await (const chunk of content) {
        hash.update(chunk);
        await writeAt(handle, chunk, at + block + written);
        written += chunk.length;
        if (written > size) break;
      }
      if (written !== size) throw new Error(`a layer has another size than the ${size} bytes that were announced`);
      const digest = hash.digest('hex');
      if (!digests.has(digest)) await append(at, tarHeader(`blobs/sha256/${digest}`, size), size);
      digests.add(digest);
      return { digest: `sha256:${digest}`, size };
    },
    async addFile(name, content) {
      const at = end;
      await writeAt(handle, content, at + block);
      await append(at, tarHeader(name, content.length), content.length);
    },
    async finish() {
      await handle.truncate(end + 2 * block);
      await handle.sync();
    },
    [Symbol.asyncDispose]: () => handle.close(),
  };
}

async function writeAt(handle: FileHandle, bytes: Buffer, position: number): Promise<void> {
  for (let done = 0; done < bytes.length;) done += (await handle.write(bytes, done, bytes.length - done, position + done)).bytesWritten;
}

/** The header of a plain file, as POSIX ustar has it; a size that has no room in octal in GNU's base 256. */
function tarHeader(name: string, size: number): Buffer {
  const header = Buffer.alloc(block);
  header.write(name, 0, 100);
  header.write('0000644\0' + '0000000\0' + '0000000\0', 100);
  if (size < largestOctal) header.write(`${size.toString(8).padStart(11, '0')}\0`, 124);
  else {
    header.writeUInt8(0x80, 124);
    header.writeBigUInt64BE(BigInt(size), 128);
  }
  header.write('00000000000\0', 136);
  header.write('        0', 148);
  header.write('ustar\0' + '00', 257);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return header;
}

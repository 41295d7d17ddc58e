import { createHash } from 'node:crypto';
import type { ByteChunks } from '../decode.js';
import { readBytes } from './bytes.js';

/** SHA-256 of bytes, in hexadecimal; a stream is never held whole. */
export async function hashInput(bytes: Uint8Array | ByteChunks): Promise<string> {
  const hash = createHash('sha256');
  if (bytes instanceof Uint8Array) hash.update(bytes);
  else for await (const chunk of bytes) hash.update(chunk);
  return hash.digest('hex');
}

/**
 * The SHA-256 by which a log is known: its file's own; of several files that of their hashes, each with a newline
 * (`sha256sum FILE... | cut -c-64 | sha256sum`).
 */
export function combineHashes(hashes: readonly string[]): string {
  return hashes.length === 1
    ? hashes[0]
    : createHash('sha256')
        .update(hashes.map((hash) => `${hash}\n`).join(''))
        .digest('hex');
}

/** SHA-256 of a file's bytes as they lie (packed where it is gzip), in hexadecimal. */
export function hashFile(path: string): Promise<string> {
  return hashInput(readBytes(path));
}

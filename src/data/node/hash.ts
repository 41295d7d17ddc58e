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

/** SHA-256 of a file's bytes as they lie (packed where it is gzip), in hexadecimal. */
export function hashFile(path: string): Promise<string> {
  return hashInput(readBytes(path));
}

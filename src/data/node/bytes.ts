import { createReadStream } from 'node:fs';
import { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { PopeError } from '../../util/index.js';
import { startsWithGzip } from '../decode.js';

/**
 * The bytes of a file, or of standard input for `-`, as they come.
 * @throws PopeError (code `bad_file`) where it cannot be read.
 */
export async function* readBytes(path: string): AsyncGenerator<Uint8Array> {
  try {
    const stream: AsyncIterable<Uint8Array> =
      path === '-' ? process.stdin : createReadStream(path, { highWaterMark: 1 << 18 });
    yield* stream;
  } catch (cause) {
    throw unreadable(path, cause);
  }
}

/**
 * Unpacks gzip where the bytes are gzip (by their first two, whatever the name says), else passes them through.
 * @throws PopeError (code `bad_log`) where the gzip is damaged or cut off.
 */
export async function* unpack(chunks: AsyncIterable<Uint8Array>, file: string): AsyncGenerator<Uint8Array> {
  const [packed, source] = await startsWithGzip(chunks);
  if (!packed) {
    yield* source;
    return;
  }
  const input = Readable.from(source, { objectMode: false });
  const output = createGunzip({ chunkSize: 1 << 18 });
  input.on('error', (error) => output.destroy(error));
  try {
    yield* input.pipe(output) as AsyncIterable<Uint8Array>;
  } catch (cause) {
    if (cause instanceof PopeError) throw cause;
    throw new PopeError(`${file} is not a whole gzip file; expected one that unpacks.`, {
      code: 'bad_log',
      file,
      cause,
    });
  } finally {
    input.destroy();
  }
}

/** The name that errors give to a path. */
export function nameOf(path: string): string {
  return path === '-' ? 'standard input' : path;
}

function unreadable(path: string, cause: unknown): unknown {
  const code = (cause as { code?: unknown }).code;
  if (typeof code !== 'string' || cause instanceof PopeError) return cause;
  const why =
    code === 'ENOENT'
      ? 'does not exist'
      : code === 'EISDIR'
        ? 'is a folder'
        : code === 'EACCES' || code === 'EPERM'
          ? 'may not be read by this user'
          : `cannot be read (${code})`;
  return new PopeError(`${nameOf(path)} ${why}; expected a file to read.`, { code: 'bad_file', file: path, cause });
}

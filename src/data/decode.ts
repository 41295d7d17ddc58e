import { PopeError } from '../util/index.js';
import { newlines, withoutMark } from './lines.js';

export type ByteChunks = Iterable<Uint8Array> | AsyncIterable<Uint8Array>;

/**
 * Bytes to text, strictly: what is not UTF-8 is refused, never replaced.
 * @throws PopeError (code `bad_log`) naming the line.
 */
export function decodeUtf8(chunks: ByteChunks, file: string): AsyncGenerator<string> {
  return withoutMark(decoded(chunks, file));
}

async function* decoded(chunks: ByteChunks, file: string): AsyncGenerator<string> {
  // whole characters at a time: a decoder that streams takes twice as long
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  let line = 1;
  const decode = (bytes: Uint8Array): string => {
    try {
      return decoder.decode(bytes);
    } catch (cause) {
      const loose = new TextDecoder('utf-8').decode(bytes);
      const at = line + newlines(loose.slice(0, Math.max(loose.indexOf('\uFFFD'), 0)));
      const message = `${file} line ${at}: is not valid UTF-8; expected a text file in UTF-8 (or gzip of one).`;
      throw new PopeError(message, { code: 'bad_log', file, line: at, cause });
    }
  };
  let rest = new Uint8Array(0);
  for await (const chunk of chunks) {
    const bytes = rest.length === 0 ? chunk : joined(rest, chunk);
    const end = wholeCharacters(bytes);
    rest = bytes.slice(end);
    const text = decode(bytes.subarray(0, end));
    line += newlines(text);
    yield text;
  }
  if (rest.length > 0) yield decode(rest);
}

/** How many of the bytes end with a character: a character that has begun has at most three. */
function wholeCharacters(bytes: Uint8Array): number {
  const n = bytes.length;
  for (let k = 1; k <= Math.min(3, n); k++) {
    const b = bytes[n - k];
    if (b < 0x80) return n;
    if (b >= 0xc0) return k < (b >= 0xf0 ? 4 : b >= 0xe0 ? 3 : 2) ? n - k : n;
  }
  return n;
}

function joined(x: Uint8Array, y: Uint8Array): Uint8Array<ArrayBuffer> {
  const both = new Uint8Array(x.length + y.length);
  both.set(x);
  both.set(y, x.length);
  return both;
}

/**
 * Unpacks gzip where the bytes are gzip (by their first two), else passes them through.
 * For browsers: Node's readers use node:zlib.
 * @throws PopeError where the platform has no DecompressionStream, or the gzip is damaged.
 */
export async function* gunzip(chunks: ByteChunks, file: string): AsyncGenerator<Uint8Array> {
  const [packed, source] = await startsWithGzip(chunks);
  if (!packed) {
    yield* source;
    return;
  }
  if (typeof DecompressionStream === 'undefined') {
    throw new PopeError(`${file} is gzipped; expected plain text, since this platform has no DecompressionStream.`, {
      code: 'bad_log',
      file,
    });
  }
  const stream = new DecompressionStream('gzip');
  const writer = stream.writable.getWriter();
  const feed = (async () => {
    for await (const chunk of source) await writer.write(chunk as Uint8Array<ArrayBuffer>);
    await writer.close();
  })();
  feed.catch(() => undefined); // the reading side below meets the same error
  const reader = stream.readable.getReader();
  try {
    for (let next = await reader.read(); !next.done; next = await reader.read()) yield next.value as Uint8Array;
    await feed;
  } catch (cause) {
    throw new PopeError(`${file} is not a whole gzip file; expected one that unpacks.`, {
      code: 'bad_log',
      file,
      cause,
    });
  }
}

/** Looks at the first two bytes for gzip's mark, and gives back all chunks from the first on. */
export async function startsWithGzip(chunks: ByteChunks): Promise<[boolean, AsyncGenerator<Uint8Array>]> {
  const iterator = Symbol.asyncIterator in chunks ? chunks[Symbol.asyncIterator]() : chunks[Symbol.iterator]();
  const head: Uint8Array[] = [];
  const bytes: number[] = [];
  while (bytes.length < 2) {
    const next = await iterator.next();
    if (next.done) break;
    head.push(next.value);
    bytes.push(...next.value.subarray(0, 2 - bytes.length));
  }
  async function* all(): AsyncGenerator<Uint8Array> {
    try {
      yield* head;
      for (let next = await iterator.next(); !next.done; next = await iterator.next()) yield next.value;
    } finally {
      await iterator.return?.();
    }
  }
  return [bytes[0] === 0x1f && bytes[1] === 0x8b, all()];
}

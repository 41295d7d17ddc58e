import { PopeError } from '../util/index.js';

/** Pieces of text as they arrive. */
export type Chunks = Iterable<string> | AsyncIterable<string>;

/** A line longer than this is refused: it is no log, and would not fit a string. */
const MAX_LINE = 2 ** 28;

/**
 * Splits text into lines, a batch of lines for each chunk that ends some: the whole text is never held.
 * A byte order mark at the start and a carriage return at the end of a line are dropped.
 * @throws PopeError where a line has more than 2^28 characters.
 */
export async function* lineBatches(chunks: Chunks, file: string): AsyncGenerator<string[]> {
  let pending: string[] = [];
  let pendingLength = 0;
  let line = 0;
  for await (const chunk of withoutMark(chunks)) {
    const lines = chunk.split('\n');
    const rest = lines.pop() ?? '';
    if (lines.length > 0) {
      lines[0] = pending.join('') + lines[0];
      pending = [];
      pendingLength = 0;
      line += lines.length;
      yield lines.map(withoutReturn);
    }
    pending.push(rest);
    pendingLength += rest.length;
    if (pendingLength > MAX_LINE) {
      throw new PopeError(
        `${file} line ${line + 1}: has more than ${MAX_LINE} characters; expected one round a line.`,
        {
          code: 'bad_log',
          file,
          line: line + 1,
        },
      );
    }
  }
  const last = pending.join('');
  if (last !== '') yield [withoutReturn(last)];
}

/** The same chunks without a byte order mark before the first character. */
export async function* withoutMark(chunks: Chunks): AsyncGenerator<string> {
  let started = false;
  for await (const chunk of chunks) {
    if (chunk === '') continue;
    yield started || !chunk.startsWith('\uFEFF') ? chunk : chunk.slice(1);
    started = true;
  }
}

function withoutReturn(line: string): string {
  return line.endsWith('\r') ? line.slice(0, -1) : line;
}

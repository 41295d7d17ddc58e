import { PopeError } from '../util/index.js';

/** Pieces of text as they arrive. */
export type Chunks = Iterable<string> | AsyncIterable<string>;

/** A line longer than this is refused: it is no log, and would not fit a string. */
const MAX_LINE = 2 ** 28;

/**
 * Text cut where lines end, as it comes: the whole text is never held. A byte order mark at the start is dropped, a newline
 * at the end added.
 * @throws PopeError where a line has more than 2^28 characters.
 */
export async function* wholeLines(chunks: Chunks, file: string): AsyncGenerator<string> {
  let pending: string[] = [];
  let pendingLength = 0;
  let line = 1;
  for await (const chunk of withoutMark(chunks)) {
    const last = chunk.lastIndexOf('\n') + 1;
    if (last > 0) {
      const text = pending.join('') + chunk.slice(0, last);
      yield text;
      line += newlines(text);
      pending = [];
      pendingLength = 0;
    }
    pending.push(chunk.slice(last));
    pendingLength += chunk.length - last;
    if (pendingLength > MAX_LINE) {
      throw new PopeError(`${file} line ${line}: has more than ${MAX_LINE} characters; expected one round a line.`, {
        code: 'bad_log',
        file,
        line,
      });
    }
  }
  const rest = pending.join('');
  if (rest !== '') yield `${rest}\n`;
}

/** The lines of `wholeLines`, a batch for each of its texts, without their newlines and carriage returns. */
export async function* lineBatches(chunks: Chunks, file: string): AsyncGenerator<string[]> {
  for await (const text of wholeLines(chunks, file)) yield text.slice(0, -1).split('\n').map(withoutReturn);
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

/** A line without the carriage return that may end it. */
export function withoutReturn(line: string): string {
  return line.endsWith('\r') ? line.slice(0, -1) : line;
}

/** How many newlines a text has. */
export function newlines(text: string): number {
  let count = 0;
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) count++;
  return count;
}

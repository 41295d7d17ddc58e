import { PopeError } from '../../util/index.js';
import { newlines } from '../decode.js';
import { type Chunks, withoutMark } from '../lines.js';

/** Whole lines, each ended by a newline: as text, and as the UTF-8 of it. */
export interface LineBlock {
  readonly text: string;
  /** Bytes of the text; what lies after `length` is of an earlier block. Good until the next block is asked for. */
  readonly bytes: Uint8Array;
  readonly length: number;
}

/** Units of a block: small enough for the processor's cache. */
const BLOCK = 2 ** 18;
/** A line longer than this is refused: it is no log, and would not fit a string. */
const MAX_LINE = 2 ** 28;

/**
 * Text as blocks of whole lines; the whole text is never held. A byte order mark at the start is dropped, a newline at the
 * end added.
 * @throws PopeError where a line has more than 2^28 characters.
 */
export async function* lineBlocks(chunks: Chunks, file: string): AsyncGenerator<LineBlock> {
  const encoder = new TextEncoder();
  let buffer = new Uint8Array(0);
  let line = 1;
  const blockOf = (text: string): LineBlock => {
    // a unit of UTF-16 takes at most three bytes
    if (buffer.length < text.length * 3) buffer = new Uint8Array(Math.max(text.length, BLOCK) * 3);
    return { text, bytes: buffer, length: encoder.encodeInto(text, buffer).written };
  };
  let pending: string[] = [];
  let pendingLength = 0;
  for await (const chunk of withoutMark(chunks)) {
    const last = chunk.lastIndexOf('\n') + 1;
    if (last > 0) {
      const text = pending.join('') + chunk.slice(0, last);
      for (let at = 0; at < text.length; ) {
        const within = text.lastIndexOf('\n', at + BLOCK - 1) + 1;
        const end = within > at ? within : text.indexOf('\n', at) + 1;
        yield blockOf(text.slice(at, end));
        at = end;
      }
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
  if (rest !== '') yield blockOf(`${rest}\n`);
}

import { type Chunks, wholeLines } from '../lines.js';

/** Whole lines, each ended by a newline: as text, and as the UTF-8 of it. */
export interface LineBlock {
  readonly text: string;
  /** Bytes of the text; what lies after `length` is of an earlier block. Good until the next block is asked for. */
  readonly bytes: Uint8Array;
  readonly length: number;
}

/** Units of a block: small enough for the processor's cache. */
const BLOCK = 2 ** 18;

/** The text of `wholeLines` in blocks. */
export async function* lineBlocks(chunks: Chunks, file: string): AsyncGenerator<LineBlock> {
  const encoder = new TextEncoder();
  let buffer = new Uint8Array(0);
  const blockOf = (text: string): LineBlock => {
    // a unit of UTF-16 takes at most three bytes
    if (buffer.length < text.length * 3) buffer = new Uint8Array(Math.max(text.length, BLOCK) * 3);
    return { text, bytes: buffer, length: encoder.encodeInto(text, buffer).written };
  };
  for await (const text of wholeLines(chunks, file)) {
    for (let at = 0; at < text.length; ) {
      const within = text.lastIndexOf('\n', at + BLOCK - 1) + 1;
      const end = within > at ? within : text.indexOf('\n', at) + 1;
      yield blockOf(text.slice(at, end));
      at = end;
    }
  }
}

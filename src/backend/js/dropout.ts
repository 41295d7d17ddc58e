import type { TypedArray } from '../../tensor/index.js';
import type { DropoutKey } from '../backend.js';

/** Hashes below this many 24ths of bits drop their element. */
export const dropoutThreshold = (rate: number): number => Math.floor(rate * 2 ** 24);

/**
 * 24 bits from the index and the key: the mixing rounds of lowbias32 (Wellons), the key's halves before each. A counter
 * and not a stream, so that threads and vectors of any width draw the same mask.
 */
export function dropoutHash(index: number, [first, second]: DropoutKey): number {
  let h = (index + first) | 0;
  h = Math.imul(h ^ (h >>> 16), 0x7feb352d);
  h = Math.imul(h ^ (h >>> 15) ^ second, 0x846ca68b);
  return (h ^ (h >>> 16)) >>> 8;
}

export function dropout(out: TypedArray, x: TypedArray, rate: number, key: DropoutKey): void {
  const threshold = dropoutThreshold(rate);
  const kept = 1 / (1 - rate);
  for (let i = 0; i < x.length; i++) out[i] = dropoutHash(i, key) < threshold ? 0 : x[i] * kept;
}

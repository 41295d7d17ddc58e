import { expand } from '../ops/index.js';
import type { Tensor } from '../tensor/index.js';

/** Keys and values of the tokens read so far, [B, H, past, D] a layer; `gptHidden` replaces them as it reads on. */
export interface KeyValueCache {
  length: number;
  keys: readonly Tensor[];
  values: readonly Tensor[];
}

/** The cache before the first token. */
export const emptyCache = (): KeyValueCache => ({ length: 0, keys: [], values: [] });

/** The cache of one row as that of `rows` equal rows: a shared prompt, read once. Gradients run through. */
export function widenedCache(cache: KeyValueCache, rows: number): KeyValueCache {
  const wide = (x: Tensor): Tensor => (rows === 1 ? x : expand(x, [rows, ...x.shape.slice(1)]));
  return { length: cache.length, keys: cache.keys.map(wide), values: cache.values.map(wide) };
}

import type { Tokenizer } from './tokenizer/index.js';

/** Texts remembered at most; then the memory starts anew. */
const CAPACITY = 65536;

/** The tokenizer's `encode` with a memory: in training the same texts come round again and again. */
export function cachedEncode(tokenizer: Tokenizer): (text: string) => Int32Array {
  const known = new Map<string, Int32Array>();
  return (text) => {
    let ids = known.get(text);
    if (ids === undefined) {
      ids = tokenizer.encode(text);
      if (known.size >= CAPACITY) known.clear();
      known.set(text, ids);
    }
    return ids;
  };
}

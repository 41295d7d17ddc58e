import { assertInteger } from '../../util/index.js';
import { MAX_VOCAB, type Merge, pairKey } from './bpe-model.js';
import { bpeTokenizer } from './bpe-tokenizer.js';
import { byteOrder, byteToChar } from './byte-alphabet.js';
import { heapPop, heapPush } from './heap.js';
import { preTokenize } from './pre-tokenize.js';
import { assertText, END_OF_TEXT, type Tokenizer } from './tokenizer.js';
import { utf8Encode } from './utf8.js';

export interface TrainBpeOptions {
  /** Tokens wanted, with the 256 bytes and end of text; fewer come where the texts have no more pairs to merge. */
  readonly vocabSize: number;
  /** A pair seen fewer times is not merged. Default 2. */
  readonly minFrequency?: number;
  /** Called after each merge with the number of tokens so far and `vocabSize`. */
  readonly onProgress?: (tokens: number, vocabSize: number) => void;
}

interface Candidate {
  readonly count: number;
  readonly key: number;
}

/** More frequent first; among equals the pair of smaller ids, the left one compared first. */
const before = (a: Candidate, b: Candidate): boolean => (a.count === b.count ? a.key < b.key : a.count > b.count);

/**
 * Learns a byte-level BPE vocabulary. Ids 0 to 255 are the bytes in GPT-2's order, then the merges in the order
 * learned, last `<|endoftext|>`. The same texts give the same vocabulary; the merges are those that Hugging Face's
 * `BpeTrainer` learns with the byte alphabet as `initial_alphabet`.
 * @param texts one text or several; no merge crosses from one to the next.
 * @throws PopeError unless vocabSize is an integer from 257 to 2^21 and minFrequency one of at least 1.
 */
export function trainBpe(texts: string | Iterable<string>, options: TrainBpeOptions): Tokenizer {
  const { vocabSize, minFrequency = 2, onProgress } = options;
  assertInteger('vocabSize', vocabSize, 257, MAX_VOCAB);
  assertInteger('minFrequency', minFrequency, 1);

  const { words, counts } = countWords(texts);
  const tokens = byteOrder.map((byte) => byteToChar[byte]!);
  const idOf = new Map(tokens.map((token, id) => [token, id]));
  const merges: Merge[] = [];
  const merged = new Set<number>();
  const pairCounts = new Map<number, number>();
  const wordsWith = new Map<number, Set<number>>();
  const heap: Candidate[] = [];

  // Counts are kept exact; heap entries may be old. A fallen count is noticed when its entry is popped, a risen one
  // is pushed anew.
  const apply = (delta: ReadonlyMap<number, number>): void => {
    for (const [key, change] of delta) {
      const count = (pairCounts.get(key) ?? 0) + change;
      if (count > 0) pairCounts.set(key, count);
      else {
        pairCounts.delete(key);
        wordsWith.delete(key);
      }
      if (change > 0) heapPush(heap, { count, key }, before);
    }
  };
  const addPairs = (index: number, sign: 1 | -1, delta: Map<number, number>): void => {
    const word = words[index]!;
    const change = sign * counts[index]!;
    for (let i = 0; i + 1 < word.length; i++) {
      const key = pairKey(word[i]!, word[i + 1]!);
      delta.set(key, (delta.get(key) ?? 0) + change);
      if (sign < 0) continue;
      const places = wordsWith.get(key);
      if (places === undefined) wordsWith.set(key, new Set([index]));
      else places.add(index);
    }
  };

  const first = new Map<number, number>();
  for (let index = 0; index < words.length; index++) addPairs(index, 1, first);
  apply(first);

  while (tokens.length < vocabSize - 1) {
    const top = heapPop(heap, before);
    if (top === undefined) break;
    const count = pairCounts.get(top.key) ?? 0;
    if (count !== top.count) {
      if (count > 0) heapPush(heap, { count, key: top.key }, before);
      continue;
    }
    if (count < minFrequency) break;

    const left = Math.floor(top.key / MAX_VOCAB);
    const right = top.key % MAX_VOCAB;
    const token = tokens[left]! + tokens[right]!;
    // Two pairs can join to the same bytes ('a' + 'aa', 'aa' + 'a'): one token, two merges.
    const joined = idOf.get(token) ?? tokens.push(token) - 1;
    idOf.set(token, joined);
    if (!merged.has(top.key)) merges.push({ left, right, joined });
    merged.add(top.key);

    const delta = new Map<number, number>();
    for (const index of [...wordsWith.get(top.key)!]) {
      addPairs(index, -1, delta);
      words[index] = mergeWord(words[index]!, left, right, joined);
      addPairs(index, 1, delta);
    }
    apply(delta);
    onProgress?.(tokens.length + 1, vocabSize);
  }

  const eosId = tokens.push(END_OF_TEXT) - 1;
  return bpeTokenizer({ tokens, merges, specialIds: new Set([eosId]), eosId });
}

/** The distinct pieces of the texts as base token ids, with how often each occurs. */
function countWords(texts: string | Iterable<string>): { words: number[][]; counts: number[] } {
  const seen = new Map<string, number>();
  for (const text of typeof texts === 'string' ? [texts] : texts) {
    assertText(text);
    for (const piece of preTokenize(text)) seen.set(piece, (seen.get(piece) ?? 0) + 1);
  }
  const baseId = new Array<number>(256);
  byteOrder.forEach((byte, id) => {
    baseId[byte] = id;
  });
  return {
    words: [...seen.keys()].map((piece) => Array.from(utf8Encode(piece), (byte) => baseId[byte]!)),
    counts: [...seen.values()],
  };
}

/** `word` with each occurrence of the pair replaced, from left to right. */
function mergeWord(word: readonly number[], left: number, right: number, joined: number): number[] {
  const out: number[] = [];
  for (let i = 0; i < word.length; i++) {
    if (word[i] === left && word[i + 1] === right) {
      out.push(joined);
      i++;
    } else out.push(word[i]!);
  }
  return out;
}

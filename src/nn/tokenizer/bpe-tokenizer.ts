import { bpeToJson } from './bpe-json.js';
import { type BpeModel, pairKey } from './bpe-model.js';
import { byteToChar, charToByte } from './byte-alphabet.js';
import { heapPop, heapPush } from './heap.js';
import { preTokenize } from './pre-tokenize.js';
import { assertText, checkedId, type Tokenizer } from './tokenizer.js';
import { utf8Decode, utf8Encode } from './utf8.js';

/** Pieces kept with their ids, and the longest piece kept: at most some megabytes, whatever the text. */
const CACHE_PIECES = 16384;
const CACHE_LENGTH = 64;

interface Candidate {
  readonly rank: number;
  readonly at: number;
}

const before = (a: Candidate, b: Candidate): boolean => (a.rank === b.rank ? a.at < b.at : a.rank < b.rank);

/** The tokenizer of a byte-level BPE vocabulary, which is trusted: `bpeFromJson` and `trainBpe` check it. */
export function bpeTokenizer(model: BpeModel): Tokenizer {
  const { tokens, merges, specialIds, eosId } = model;
  const rankOf = new Map(merges.map(({ left, right }, rank) => [pairKey(left, right), rank]));
  const bytesOf = tokens.map((token, id) =>
    specialIds.has(id) ? new Uint8Array(0) : Uint8Array.from(token, (character) => charToByte.get(character)!),
  );
  const idOfByte = new Int32Array(256);
  const byChar = new Map(tokens.map((token, id) => [token, id]));
  byteToChar.forEach((character, byte) => {
    idOfByte[byte] = byChar.get(character)!;
  });
  const cache = new Map<string, Int32Array>();

  /** The pair of lowest rank is joined first, the leftmost among equals; O(n log n) in the bytes of the piece. */
  const encodePiece = (piece: string): Int32Array => {
    const ids = Int32Array.from(utf8Encode(piece), (byte) => idOfByte[byte]!);
    const count = ids.length;
    // A list linked both ways over positions; a joined pair lives at its left position, the right one holds -1.
    const next = Int32Array.from(ids, (_, i) => i + 1);
    const previous = Int32Array.from(ids, (_, i) => i - 1);
    const heap: Candidate[] = [];
    const rankAt = (at: number): number | undefined =>
      at < 0 || ids[at]! < 0 || next[at]! >= count ? undefined : rankOf.get(pairKey(ids[at]!, ids[next[at]!]!));
    const offer = (at: number): void => {
      const rank = rankAt(at);
      if (rank !== undefined) heapPush(heap, { rank, at }, before);
    };
    for (let at = 0; at + 1 < count; at++) offer(at);
    for (let best = heapPop(heap, before); best !== undefined; best = heapPop(heap, before)) {
      const { rank, at } = best;
      if (rankAt(at) !== rank) continue;
      const right = next[at]!;
      ids[at] = merges[rank]!.joined;
      ids[right] = -1;
      next[at] = next[right]!;
      if (next[at]! < count) previous[next[at]!] = at;
      offer(previous[at]!);
      offer(at);
    }
    return ids.filter((id) => id >= 0);
  };

  const encodeCached = (piece: string): Int32Array => {
    const known = cache.get(piece);
    if (known !== undefined) return known;
    const ids = encodePiece(piece);
    if (piece.length <= CACHE_LENGTH) {
      if (cache.size >= CACHE_PIECES) cache.delete(cache.keys().next().value!);
      cache.set(piece, ids);
    }
    return ids;
  };

  return {
    kind: 'bpe',
    vocabSize: tokens.length,
    eosId,
    encode(text) {
      assertText(text);
      const pieces = preTokenize(text).map(encodeCached);
      const out = new Int32Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
      let at = 0;
      for (const piece of pieces) {
        out.set(piece, at);
        at += piece.length;
      }
      return out;
    },
    decode(ids) {
      let length = 0;
      for (let i = 0; i < ids.length; i++) length += bytesOf[checkedId(ids, i, tokens.length)]!.length;
      const bytes = new Uint8Array(length);
      let at = 0;
      for (let i = 0; i < ids.length; i++) {
        bytes.set(bytesOf[ids[i]!]!, at);
        at += bytesOf[ids[i]!]!.length;
      }
      return utf8Decode(bytes);
    },
    toJSON: () => bpeToJson(model),
  };
}

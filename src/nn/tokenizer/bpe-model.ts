/** A byte-level BPE vocabulary: all that encoding and decoding need, and all that tokenizer.json says. */
export interface BpeModel {
  /** Token of each id in GPT-2's byte alphabet; special tokens as they are written. */
  readonly tokens: readonly string[];
  /** Pairs of token ids and the id of their join, the first merge first. */
  readonly merges: readonly Merge[];
  /** Ids that stand for no text. `eosId` is one of them. */
  readonly specialIds: ReadonlySet<number>;
  readonly eosId: number;
}

export interface Merge {
  readonly left: number;
  readonly right: number;
  readonly joined: number;
}

/** Most tokens a vocabulary may have: a pair of ids must be one exact number. */
export const MAX_VOCAB = 2 ** 21;

/** One number for a pair of ids; numbers are ordered as the pairs are, the left id first. */
export const pairKey = (left: number, right: number): number => left * MAX_VOCAB + right;

import { invalid } from '../../util/index.js';
import type { BpeJson } from './bpe-json.js';
import type { ByteJson } from './byte-tokenizer.js';
import type { CharJson } from './char-tokenizer.js';

/** What a tokenizer.json of ours holds: char and byte are ours, bpe has the shape of Hugging Face's `tokenizers`. */
export type TokenizerJson = CharJson | ByteJson | BpeJson;

/**
 * Text to token ids and back. Ids are integers from 0 to `vocabSize - 1`.
 *
 * Special tokens are never read out of text: a prompt that contains the letters `<|endoftext|>` is encoded as these
 * letters, so no text can end a document by itself (Hugging Face's `encode` would make it one token).
 */
export interface Tokenizer {
  readonly kind: 'char' | 'byte' | 'bpe';
  readonly vocabSize: number;
  /** End of text, also the separator of documents in a training stream. `encode` never returns it. */
  readonly eosId: number;
  /** The id that stands for a character outside the alphabet; only char tokenizers have one. */
  readonly unkId?: number;
  /** Lone surrogates are encoded as U+FFFD, as in any UTF-8 encoder. @throws PopeError where `text` is not a string. */
  encode(text: string): Int32Array;
  /**
   * Special tokens (end of text) say nothing and are left out; bytes that are not UTF-8 become U+FFFD.
   * @throws PopeError for an id outside the vocabulary.
   */
  decode(ids: ArrayLike<number>): string;
  toJSON(): TokenizerJson;
}

/** How the end-of-text token is written in a tokenizer.json. */
export const END_OF_TEXT = '<|endoftext|>';

/** @throws PopeError unless `text` is a string. */
export function assertText(text: string): void {
  if (typeof text !== 'string') throw invalid('text', text, 'a string');
}

/** @throws PopeError unless `ids[position]` is an id of the vocabulary; returns it. */
export function checkedId(ids: ArrayLike<number>, position: number, vocabSize: number): number {
  const id = ids[position]!;
  if (!Number.isInteger(id) || id < 0 || id >= vocabSize) {
    throw invalid(`ids[${position}]`, id, `a token id from 0 to ${vocabSize - 1}`);
  }
  return id;
}

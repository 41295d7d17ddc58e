import { invalid } from '../../util/index.js';
import { bpeFromJson } from './bpe-json.js';
import { bpeTokenizer } from './bpe-tokenizer.js';
import { byteTokenizer } from './byte-tokenizer.js';
import { type CharJson, charTokenizerOf } from './char-tokenizer.js';
import type { Tokenizer } from './tokenizer.js';

/**
 * The tokenizer that a parsed tokenizer.json describes: `{"type": "char"}`, `{"type": "byte"}`, or a byte-level BPE in
 * the shape of Hugging Face's `tokenizers` (which has `model` and no `type`). Extra keys are ignored.
 * @throws PopeError naming the key that is wrong, what it was and what was expected.
 */
export function tokenizerFromJson(json: unknown): Tokenizer {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) {
    throw invalid('tokenizer', json, 'an object, the content of a tokenizer.json');
  }
  const record = json as Readonly<Record<string, unknown>>;
  const type = record['type'];
  if (type === undefined && record['model'] !== undefined) return bpeTokenizer(bpeFromJson(record));
  if (type !== 'char' && type !== 'byte') {
    throw invalid('tokenizer.type', type, "'char' or 'byte', or a file with tokenizer.model");
  }
  if (record['version'] !== 1) throw invalid('tokenizer.version', record['version'], '1');
  return type === 'byte' ? byteTokenizer() : charTokenizerOf(record as unknown as CharJson);
}

import { invalid } from '../../util/index.js';
import { assertText, checkedId, type Tokenizer } from './tokenizer.js';
import { wellFormed } from './utf8.js';

/** tokenizer.json of a char tokenizer. Ids: the characters in this order, then unknown (if any), then end of text. */
export interface CharJson {
  readonly type: 'char';
  readonly version: 1;
  /** The alphabet: distinct strings of one Unicode code point each. */
  readonly characters: readonly string[];
  /** `map`: other characters become one unknown token; `refuse`: they are an error. */
  readonly unknown: 'map' | 'refuse';
}

/**
 * One token a Unicode code point of the corpus, in code point order; then `unkId`, then `eosId`.
 *
 * A character outside the alphabet becomes `unkId`, which decodes as U+FFFD, so that scoring foreign text never
 * fails; with `unknown: 'refuse'` there is no such token and the character is named in an error.
 * @param corpusTexts one text or several, holding at least one character.
 * @throws PopeError where the corpus is empty.
 */
export function charTokenizer(
  corpusTexts: string | Iterable<string>,
  options: { readonly unknown?: 'map' | 'refuse' } = {},
): Tokenizer {
  const characters = new Set<string>();
  for (const text of typeof corpusTexts === 'string' ? [corpusTexts] : corpusTexts) {
    assertText(text);
    for (const character of wellFormed(text)) characters.add(character);
  }
  const sorted = [...characters].sort((a, b) => a.codePointAt(0)! - b.codePointAt(0)!);
  if (sorted.length === 0) throw invalid('corpusTexts', [], 'texts with at least one character');
  return charTokenizerOf({ type: 'char', version: 1, characters: sorted, unknown: options.unknown ?? 'map' });
}

/** The tokenizer that a `CharJson` describes. @throws PopeError naming the key that is wrong. */
export function charTokenizerOf(json: CharJson): Tokenizer {
  const { characters, unknown } = json;
  if (unknown !== 'map' && unknown !== 'refuse') throw invalid('tokenizer.unknown', unknown, "'map' or 'refuse'");
  if (!Array.isArray(characters) || characters.length === 0) {
    throw invalid('tokenizer.characters', characters, 'a list of at least one character');
  }
  const idOf = new Map<string, number>();
  characters.forEach((character: unknown, id) => {
    const where = `tokenizer.characters[${id}]`;
    if (typeof character !== 'string' || [...character].length !== 1 || wellFormed(character) !== character) {
      throw invalid(where, character, 'a string of one Unicode character');
    }
    if (idOf.has(character)) throw invalid(where, character, 'a character that is not in the list already');
    idOf.set(character, id);
  });
  const alphabet: readonly string[] = [...characters];
  const unkId = unknown === 'map' ? alphabet.length : undefined;
  const eosId = alphabet.length + (unkId === undefined ? 0 : 1);

  return {
    kind: 'char',
    vocabSize: eosId + 1,
    eosId,
    ...(unkId === undefined ? {} : { unkId }),
    encode(text) {
      assertText(text);
      const ids = new Int32Array(text.length);
      let length = 0;
      for (const character of wellFormed(text)) {
        const id = idOf.get(character) ?? unkId;
        if (id === undefined) {
          const code = character.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0');
          throw invalid(
            'text',
            character,
            `only characters of the tokenizer's alphabet (${alphabet.length} characters)`,
            `U+${code} is not one of them. Build the tokenizer with unknown: 'map' to encode it as unknown.`,
          );
        }
        ids[length++] = id;
      }
      return ids.slice(0, length);
    },
    decode(ids) {
      let text = '';
      for (let i = 0; i < ids.length; i++) {
        const id = checkedId(ids, i, eosId + 1);
        if (id !== eosId) text += id === unkId ? '\uFFFD' : alphabet[id]!;
      }
      return text;
    },
    toJSON: () => ({ type: 'char', version: 1, characters: alphabet, unknown }),
  };
}

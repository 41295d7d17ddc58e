import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import {
  byteTokenizer,
  charTokenizer,
  type Tokenizer,
  tokenizerFromJson,
  trainBpe,
} from '../../../src/nn/tokenizer/index.js';
import { PopeError } from '../../../src/util/index.js';

const CORPUS = "to be, or not to be: that's the question.\nТо есть 日本 😀 banana bananas\n\n  to be";
const bpe = trainBpe(CORPUS, { vocabSize: 290 });
const char = charTokenizer(CORPUS);
const byte = byteTokenizer();
const all: [string, Tokenizer][] = [
  ['byte', byte],
  ['bpe', bpe],
  ['char', char],
];
const reload = (tokenizer: Tokenizer): Tokenizer => tokenizerFromJson(JSON.parse(JSON.stringify(tokenizer)));

/** Any text: also emoji, combining marks, control characters and, by 'binary', lone surrogates. */
const text = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.string({ unit: 'binary' }),
  fc
    .array(fc.constantFrom('to', ' be', '\uFEFF', '\u0085', '\r\n', ' ', "'ll", '😀', '<|endoftext|>', '\0', '1²'))
    .map((p) => p.join('')),
);
const anyUtf16 = fc.array(fc.integer({ min: 0, max: 0xffff })).map((units) => String.fromCharCode(...units));
const replaced = (s: string): string => Buffer.from(s, 'utf8').toString('utf8');

describe.each(all.slice(0, 2))('%s tokenizer', (_, tokenizer) => {
  test.prop([text])('decode(encode(s)) is s', (s) => {
    expect(tokenizer.decode(tokenizer.encode(s))).toBe(replaced(s));
  });

  test.prop([anyUtf16])('lone surrogates become U+FFFD, all else is kept', (s) => {
    expect(tokenizer.decode(tokenizer.encode(s))).toBe(replaced(s));
  });

  test.prop([fc.array(fc.integer({ min: 0, max: 255 }))])('any ids decode to some text', (ids) => {
    expect(typeof tokenizer.decode(ids)).toBe('string');
  });
});

describe.each(all)('%s tokenizer', (kind, tokenizer) => {
  test.prop([text])('ids are in the vocabulary, and never end of text', (s) => {
    for (const id of tokenizer.encode(s)) {
      expect(id).toBeGreaterThanOrEqual(0);
      expect(id).toBeLessThan(tokenizer.vocabSize);
      expect(id).not.toBe(tokenizer.eosId);
    }
  });

  test.prop([fc.array(text)])(
    'encode is deterministic: a reloaded tokenizer, whatever it saw before, gives the same ids',
    (texts) => {
      const fresh = reload(tokenizer);
      for (const s of [...texts].reverse()) expect(fresh.encode(s)).toEqual(tokenizer.encode(s));
    },
  );

  test('JSON round trip', () => {
    const again = reload(tokenizer);
    expect(again.toJSON()).toEqual(tokenizer.toJSON());
    expect([again.kind, again.vocabSize, again.eosId, again.unkId]).toEqual([
      kind,
      tokenizer.vocabSize,
      tokenizer.eosId,
      tokenizer.unkId,
    ]);
  });

  test('end of text decodes to nothing; ids outside the vocabulary are refused', () => {
    const ids = [...tokenizer.encode('to'), tokenizer.eosId, ...tokenizer.encode('be')];
    expect(tokenizer.decode(ids)).toBe('tobe');
    expect(tokenizer.decode([])).toBe('');
    expect(tokenizer.encode('')).toEqual(new Int32Array(0));
    for (const bad of [-1, tokenizer.vocabSize, 0.5, NaN])
      expect(() => tokenizer.decode([0, bad])).toThrow(/^ids\[1\] is/);
    expect(() => tokenizer.encode(undefined as unknown as string)).toThrow(PopeError);
  });
});

describe('char tokenizer', () => {
  const alphabet = [...new Set(CORPUS)];

  test.prop([fc.array(fc.constantFrom(...alphabet)).map((c) => c.join(''))])(
    'decode(encode(s)) is s on its alphabet, one id a character',
    (s) => {
      expect(char.decode(char.encode(s))).toBe(s);
      expect(char.encode(s)).toHaveLength([...s].length);
    },
  );

  test('ids are in code point order, then unknown, then end of text', () => {
    const small = charTokenizer(['ba', 'c😀']);
    expect([...small.encode('abc😀')]).toEqual([0, 1, 2, 3]);
    expect([small.unkId, small.eosId, small.vocabSize]).toEqual([4, 5, 6]);
  });

  test('unknown characters are mapped, or refused by name', () => {
    expect(char.decode(char.encode('tü'))).toBe('t\uFFFD');
    const strict = charTokenizer(CORPUS, { unknown: 'refuse' });
    expect(() => strict.encode('tü')).toThrow(/text is "ü".*U\+00FC/);
    expect(strict.unkId).toBeUndefined();
    expect(reload(strict).unkId).toBeUndefined();
    expect(strict.vocabSize).toBe(char.vocabSize - 1);
  });

  test('an empty corpus is refused', () => {
    expect(() => charTokenizer([])).toThrow(PopeError);
    expect(() => charTokenizer('')).toThrow(/corpusTexts/);
  });
});

describe('tokenizerFromJson', () => {
  test.prop([fc.jsonValue()])('any other JSON is refused in a sentence', (json) => {
    expect(() => tokenizerFromJson(json)).toThrow(PopeError);
  });

  test.each([
    [null, 'tokenizer is null'],
    [{}, 'tokenizer.type'],
    [{ type: 'word' }, 'tokenizer.type is "word"'],
    [{ type: 'byte', version: 2 }, 'tokenizer.version is 2'],
    [{ type: 'char', version: 1, unknown: 'map' }, 'tokenizer.characters is undefined'],
    [{ type: 'char', version: 1, unknown: 'map', characters: [] }, 'tokenizer.characters'],
    [{ type: 'char', version: 1, unknown: 'map', characters: ['a', 'bc'] }, 'tokenizer.characters[1] is "bc"'],
    [{ type: 'char', version: 1, unknown: 'map', characters: ['a', '\ud800'] }, 'tokenizer.characters[1]'],
    [{ type: 'char', version: 1, unknown: 'map', characters: ['a', 'a'] }, 'tokenizer.characters[1] is "a"'],
    [{ type: 'char', version: 1, characters: ['a'] }, 'tokenizer.unknown is undefined'],
  ])('%j names the key', (json, sentence) => {
    expect(() => tokenizerFromJson(json)).toThrow(sentence);
  });
});

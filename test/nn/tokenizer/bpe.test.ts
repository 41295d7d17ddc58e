import { readFileSync } from 'node:fs';
import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { type BpeJson, type Tokenizer, tokenizerFromJson, trainBpe } from '../../../src/nn/tokenizer/index.js';
import { preTokenize } from '../../../src/nn/tokenizer/pre-tokenize.js';
import { PopeError } from '../../../src/util/index.js';

const json = (tokenizer: Tokenizer): BpeJson => tokenizer.toJSON() as BpeJson;
const mergesOf = (tokenizer: Tokenizer): readonly (readonly [string, string])[] => json(tokenizer).model.merges;

interface Golden {
  readonly text: string;
  readonly tokenizer: BpeJson;
  readonly probes: readonly {
    readonly text: string;
    readonly ids: readonly number[];
    readonly pieces: readonly string[];
  }[];
}
const golden = JSON.parse(readFileSync(new URL('../../golden/tokenizers-bpe.json', import.meta.url), 'utf8')) as Golden;
const good = golden.tokenizer;

/** The definition, slowly: count every pair of every piece anew, merge the best, repeat. Tokens are strings. */
function slowMerges(texts: readonly string[], vocabSize: number, minFrequency: number): [string, string][] {
  const alphabet = Object.keys(json(trainBpe('', { vocabSize: 257 })).model.vocab).slice(0, 256);
  const charOf = (byte: number): string => {
    const printable = (byte > 0x20 && byte < 0x7f) || (byte > 0xa0 && byte !== 0xad);
    if (printable) return String.fromCharCode(byte);
    const hidden = Array.from({ length: 256 }, (_, b) => b).filter(
      (b) => !((b > 0x20 && b < 0x7f) || (b > 0xa0 && b !== 0xad)),
    );
    return String.fromCharCode(256 + hidden.indexOf(byte));
  };
  const pieces = texts.flatMap((text) => preTokenize(text).map((piece) => [...Buffer.from(piece, 'utf8')].map(charOf)));
  const tokens = [...alphabet];
  const merges: [string, string][] = [];
  while (tokens.length < vocabSize - 1) {
    let best: { pair: [string, string]; count: number } | undefined;
    const counts = new Map<string, number>();
    for (const piece of pieces) {
      for (let i = 0; i + 1 < piece.length; i++) {
        const name = `${piece[i]} ${piece[i + 1]}`;
        counts.set(name, (counts.get(name) ?? 0) + 1);
      }
    }
    for (const [name, count] of counts) {
      const pair = name.split(' ') as [string, string];
      const [a, b] = pair.map((token) => tokens.indexOf(token)) as [number, number];
      const [c, d] = (best?.pair ?? pair).map((token) => tokens.indexOf(token)) as [number, number];
      if (best === undefined || count > best.count || (count === best.count && (a < c || (a === c && b < d))))
        best = { pair, count };
    }
    if (best === undefined || best.count < minFrequency) break;
    const [left, right] = best.pair;
    if (!merges.some(([a, b]) => a === left && b === right)) merges.push([left, right]);
    if (!tokens.includes(left + right)) tokens.push(left + right);
    for (const piece of pieces) {
      for (let i = 0; i + 1 < piece.length; i++)
        if (piece[i] === left && piece[i + 1] === right) piece.splice(i, 2, left + right);
    }
  }
  return merges;
}

const smallText = fc
  .array(fc.constantFrom('a', 'b', 'aa', 'ab', ' ', ' a', 'é', '😀', '\n', '1'), { maxLength: 40 })
  .map((p) => p.join(''));

describe('trainBpe', () => {
  test.prop(
    [fc.array(smallText, { maxLength: 4 }), fc.integer({ min: 257, max: 290 }), fc.integer({ min: 1, max: 4 })],
    { numRuns: 150 },
  )('the merges are those of the slow definition', (texts, vocabSize, minFrequency) => {
    expect(mergesOf(trainBpe(texts, { vocabSize, minFrequency }))).toEqual(slowMerges(texts, vocabSize, minFrequency));
  });

  test('the merges are those of the Python package tokenizers', () => {
    const { merges } = golden.tokenizer.model;
    expect(merges.length).toBe(54);
    // Both stop before 320 tokens, where no pair is left that occurs twice.
    expect(mergesOf(trainBpe(golden.text, { vocabSize: 320 }))).toEqual(merges);
  });

  test.prop([smallText], { numRuns: 30 })('each merge only shortens', (s) => {
    const full = json(trainBpe([s, s], { vocabSize: 275 }));
    let before = Number.POSITIVE_INFINITY;
    for (let count = 0; count <= full.model.merges.length; count++) {
      const merges = full.model.merges.slice(0, count);
      const length = tokenizerFromJson({ ...full, model: { ...full.model, merges } }).encode(s).length;
      expect(length).toBeLessThan(before + 1);
      if (count === 0) expect(length).toBe(Buffer.byteLength(s));
      before = length;
    }
  });

  test('sizes: bytes in GPT-2 order, merges, end of text last; fewer tokens where no pair is left', () => {
    const none = trainBpe('', { vocabSize: 5000 });
    expect([none.vocabSize, none.eosId]).toEqual([257, 256]);
    expect(json(none).model.vocab).toMatchObject({ '!': 0, a: 64, Ā: 188, Ġ: 220, '<|endoftext|>': 256 });
    const seen: number[][] = [];
    const some = trainBpe('aaaa aaaa', { vocabSize: 259, onProgress: (done, total) => seen.push([done, total]) });
    expect(some.vocabSize).toBe(259);
    expect(seen).toEqual([
      [258, 259],
      [259, 259],
    ]);
  });

  test.each([[256], [257.5], [NaN], [2 ** 22]])('vocabSize %d is refused', (vocabSize) => {
    expect(() => trainBpe('a', { vocabSize })).toThrow(/^vocabSize is/);
    expect(() => trainBpe('a', { vocabSize: 300, minFrequency: 0 })).toThrow(/^minFrequency is/);
  });
});

describe('encode', () => {
  const loaded = tokenizerFromJson(golden.tokenizer);

  test.each(golden.probes)(
    '$text has the pieces and ids that the Python package tokenizers gives',
    ({ text, ids, pieces }) => {
      expect(preTokenize(text)).toEqual(pieces);
      expect([...loaded.encode(text)]).toEqual(ids);
      expect(loaded.decode(ids)).toBe(text);
    },
  );

  test('more pieces than the cache holds keep their ids', () => {
    const numbers = Array.from({ length: 20_000 }, (_, i) => ` ${i}a`).join('');
    expect(loaded.encode(numbers + numbers)).toEqual(
      Int32Array.from([...loaded.encode(numbers), ...tokenizerFromJson(golden.tokenizer).encode(numbers)]),
    );
  });

  test('a token named __proto__ survives JSON', () => {
    const text = JSON.stringify({ ...good, model: { ...good.model, vocab: '@' } });
    const vocab = `${JSON.stringify(good.model.vocab).slice(0, -1)},"__proto__":311}`;
    const tokenizer = tokenizerFromJson(JSON.parse(text.replace('"@"', () => vocab)));
    expect(tokenizer.vocabSize).toBe(312);
    expect(tokenizer.decode([311])).toBe('__proto__');
    const again = tokenizerFromJson(JSON.parse(JSON.stringify(tokenizer)));
    expect([again.vocabSize, again.decode([311])]).toEqual([312, '__proto__']);
  });

  test.prop([fc.string({ unit: 'binary' })])('the pieces joined are the text', (s) => {
    expect(preTokenize(s).join('')).toBe(s);
  });
});

describe('a tokenizer.json of GPT-2 kind', () => {
  const withModel = (change: object): object => ({ ...good, model: { ...good.model, ...change } });
  const withVocab = (change: object): object => withModel({ vocab: { ...good.model.vocab, ...change } });
  const { a: _a, ...withoutA } = good.model.vocab;

  test('merges as strings, end of text in vocab only, and absent optional keys are read', () => {
    const old = {
      pre_tokenizer: { type: 'ByteLevel', add_prefix_space: false },
      model: { type: 'BPE', vocab: good.model.vocab, merges: good.model.merges.map((pair) => pair.join(' ')) },
    };
    const tokenizer = tokenizerFromJson(old);
    expect(tokenizer.eosId).toBe(0);
    for (const { text, ids } of golden.probes) expect([...tokenizer.encode(text)]).toEqual(ids);
  });

  test.each<[string, object, string]>([
    ['no model', { ...good, model: 3 }, 'tokenizer.model is 3'],
    ['WordPiece', withModel({ type: 'WordPiece' }), 'tokenizer.model.type is "WordPiece"'],
    ['a normalizer', { ...good, normalizer: { type: 'NFC' } }, 'tokenizer.normalizer'],
    ['no pre-tokenizer', { ...good, pre_tokenizer: null }, 'tokenizer.pre_tokenizer is null'],
    ['another split', { ...good, pre_tokenizer: { type: 'Sequence' } }, 'tokenizer.pre_tokenizer.type is "Sequence"'],
    [
      'a prefix space',
      { ...good, pre_tokenizer: { type: 'ByteLevel', add_prefix_space: true } },
      'tokenizer.pre_tokenizer.add_prefix_space is true',
    ],
    ['dropout', withModel({ dropout: 0.1 }), 'tokenizer.model.dropout is 0.1'],
    ['ignored merges', withModel({ ignore_merges: true }), 'tokenizer.model.ignore_merges is true'],
    ['a vocab list', withModel({ vocab: [] }), 'tokenizer.model.vocab'],
    ['a fractional id', withVocab({ a: 1.5 }), 'tokenizer.model.vocab["a"] is 1.5'],
    ['a huge id', withVocab({ a: 1e9 }), 'tokenizer.model.vocab["a"] is 1000000000'],
    ['an id twice', withVocab({ a: 1 }), 'an id of its own'],
    ['a gap', withVocab({ Ġthe: 400 }), 'tokenizer.model.vocab["Ġthe"] is 400'],
    ['not byte-level', withVocab({ '▁the': 311 }), 'tokenizer.model.vocab["▁the"]'],
    ['a missing byte', withModel({ vocab: { ...withoutA, zzz: good.model.vocab['a'] } }), 'an id for byte 97'],
    ['no merges', withModel({ merges: undefined }), 'tokenizer.model.merges is undefined'],
    ['a merge of three', withModel({ merges: ['a b c'] }), 'tokenizer.model.merges[0] is "a b c"'],
    ['a merge into nothing', withModel({ merges: [['a', 'q']] }), '"aq" is none'],
    [
      'a merge twice',
      withModel({ merges: [...good.model.merges, good.model.merges[0]] }),
      'tokenizer.model.merges[54]',
    ],
    [
      'a searched token',
      { ...good, added_tokens: [{ id: 311, content: 'hi', special: false }] },
      'tokenizer.added_tokens[0].special',
    ],
    [
      'another id',
      { ...good, added_tokens: [{ id: 5, content: '<|endoftext|>', special: true }] },
      'tokenizer.added_tokens is 5',
    ],
  ])('%s is refused by its key', (_, bad, sentence) => {
    expect(() => tokenizerFromJson(bad)).toThrow(PopeError);
    expect(() => tokenizerFromJson(bad)).toThrow(sentence);
  });
});

import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { createLogBuilder, decodeUtf8, logChunks, parseJsonl, type ReadOptions } from '../../src/data/index.js';
import { parseEntry } from '../../src/data/json-entries.js';
import { openLogBuilder } from '../../src/data/log-builder.js';
import { lineBlocks } from '../../src/data/scan/line-blocks.js';
import { createRoundScanner } from '../../src/data/scan/round-scanner.js';
import { scanNumber } from '../../src/data/scan/scan-number.js';
import type { Log } from '../../src/ope/index.js';
import { validRecords } from './log-arbitrary.js';

/** The slow twin: every line by JSON.parse and the builder's own checks. */
function parsed(text: string, options: ReadOptions): Log {
  const builder = createLogBuilder(options);
  const file = options.file ?? 'log';
  for (const [i, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue;
    const bare = line.endsWith('\r') ? line.slice(0, -1) : line;
    const { place, value, malformed } = parseEntry(bare, { file, unit: 'line', line: i + 1 }, 'one JSON object a line');
    if (malformed === undefined) builder.add(value, place);
    else builder.refuse(malformed, place);
  }
  return builder.finish();
}

/** JSON with blanks where they are allowed, keys in any order, unknown keys among them and some keys twice. */
function spelled(value: unknown, draw: () => number): string {
  const blank = (): string => ['', '', ' ', '\t', '  '][draw() % 5]!;
  const string = (text: string): string =>
    draw() % 4 === 0
      ? `"${[...JSON.stringify(text).slice(1, -1)].map((c) => (/[a-z]/.test(c) && draw() % 3 === 0 && !JSON.stringify(text).includes('\\') ? `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}` : c)).join('')}"`
      : JSON.stringify(text);
  if (typeof value === 'string') return string(value);
  if (typeof value === 'number') return draw() % 3 === 0 ? value.toExponential() : JSON.stringify(value);
  if (Array.isArray(value)) {
    return `[${blank()}${value.map((v) => spelled(v, draw)).join(`${blank()},${blank()}`)}${blank()}]`;
  }
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const entries = Object.entries(value).map(([k, v]) => `${string(k)}${blank()}:${blank()}${spelled(v, draw)}`);
  if (('responses' in value || 'text' in value) && draw() % 3 === 0)
    entries.push(`"extra":${['{"a":[1,{"b":null}],"c":true}', '"x"', '[]', 'false', '-1e-7'][draw() % 5]}`);
  if (draw() % 5 === 0 && entries.length > 0) entries.unshift(entries[draw() % entries.length]!);
  for (let i = entries.length - 1; i > 0; i--) {
    const j = draw() % (i + 1);
    // a key that stands twice must keep its order to mean the same; here both have one value
    [entries[i], entries[j]] = [entries[j]!, entries[i]!];
  }
  return `{${blank()}${entries.join(`${blank()},${blank()}`)}${blank()}}`;
}

const draws = fc.infiniteStream(fc.nat()).map((stream) => () => stream.next().value as number);
const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
function* cut(bytes: Uint8Array, draw: () => number): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; ) {
    const size = 1 + (draw() % 97);
    yield bytes.slice(at, at + size);
    at += size;
  }
}
function* pieces(text: string, draw: () => number): Generator<string> {
  for (let at = 0, size = 0; at < text.length; at += size) {
    size = 1 + (draw() % 97);
    yield text.slice(at, at + size);
  }
}
const outcome = async (run: () => Promise<unknown>): Promise<unknown> => {
  try {
    return { log: await run() };
  } catch (error) {
    return { error: (error as Error).message };
  }
};
const texts = fc.tuple(validRecords, draws).map(([records, draw]) => {
  const ends = ['\n', '\r\n', '\n\n', '\n  \n'];
  return { draw, text: records.map((r) => spelled(r, draw) + ends[draw() % 4]!).join('') };
});

describe('JSON Lines scanned from bytes', () => {
  test.prop([texts, fc.constantFrom<('stop' | 'skip')[]>('stop', 'skip')])(
    'give the log that JSON.parse gives',
    async ({ text, draw }, onError: 'stop' | 'skip') => {
      const expected = await outcome(async () => parsed(text, { onError }));
      expect('log' in (expected as object)).toBe(true);
      const chunks = decodeUtf8(cut(bytesOf(text), draw), 'log');
      expect(await outcome(() => parseJsonl(chunks, { onError }))).toEqual(expected);
    },
  );

  test.prop(
    [
      texts,
      fc.nat(),
      fc.constantFrom(
        '"',
        '\\',
        '{',
        ']',
        ',',
        '1',
        '-',
        'x',
        ':',
        '\n',
        '',
        'NaN',
        'null',
        '1e999',
        '2',
        '\u00e9',
        '\ud800',
      ),
      fc.integer({ min: 0, max: 3 }),
    ],
    { numRuns: 400 },
  )(
    'and where a character is wrong, its log or its errors, line and all',
    async ({ text, draw }, where, wrong, cutOut) => {
      const at = where % text.length;
      const damaged = text.slice(0, at) + wrong + text.slice(at + cutOut);
      for (const onError of ['stop', 'skip'] as const) {
        const expected = await outcome(async () => parsed(damaged, { onError }));
        expect(await outcome(() => parseJsonl(pieces(damaged, draw), { onError }))).toEqual(expected);
      }
    },
  );

  test.prop([texts, fc.integer({ min: 1, max: 3 })])(
    'in parts, the parts of that log',
    async ({ text, draw }, rounds) => {
      const found: Log[] = [];
      for await (const part of logChunks(pieces(text, draw), { rounds })) found.push(part);
      const whole = parsed(text, {});
      expect(found.flatMap((part) => part.ids)).toEqual(whole.ids);
      expect(found.flatMap((part) => part.responses)).toEqual(whole.responses);
      expect(found.flatMap((part) => [...(part.logPropensity ?? [])])).toEqual([...(whole.logPropensity ?? [])]);
    },
  );

  const good =
    '{"id":"a","prompt":"x","note":{"deep":[1,"\u00e9"]},"responses":[{"text":"y \u4e16\ud83d\ude00","log_propensity":-0.5,"feedback":{"up":1}}]}\n';

  test('are taken without JSON.parse once the signals are known, unknown keys left out', async () => {
    for await (const block of lineBlocks([good + good.replace('"a"', '"b"')], 'log')) {
      const [scanner, builder] = [createRoundScanner(), openLogBuilder()];
      expect(scanner.take(builder, block, 0, 0, 1)).toBe(-1);
      expect([builder.columns.ids, builder.columns.responses, builder.ids.size]).toEqual([[], [], 0]);
      builder.add(JSON.parse(good), { file: 'log', unit: 'line', line: 1 });
      const second = bytesOf(good).length;
      expect(scanner.take(builder, block, second, second - good.length, 2)).toBe(block.length);
      expect(scanner.wide).toBe(block.length - block.text.length);
      const log = builder.finish();
      expect([log.ids, log.responses]).toEqual([['a', 'b'], Array(2).fill('y \u4e16\ud83d\ude00')]);
      expect([...log.feedback.get('up')!, ...log.logPropensity!]).toEqual([1, 1, -0.5, -0.5]);
    }
  });

  test('take half a surrogate pair as JSON.parse does', async () => {
    const text = good + good.replace('"a"', '"b"').replace('y ', 'a text that is longer \ud800 than twelve ');
    expect((await parseJsonl(text)).responses[1]).toBe('a text that is longer \ud800 than twelve \u4e16\ud83d\ude00');
  });

  test.prop([fc.string({ unit: 'grapheme', maxLength: 40 }), draws])(
    'bytes cut anywhere are the same text',
    async (text, draw) => {
      let found = '';
      for await (const piece of decodeUtf8(
        cut(bytesOf(text), () => draw() % 3),
        'log',
      ))
        found += piece;
      expect(found).toBe(text.replace(/^\uFEFF/, ''));
    },
  );

  test('bytes that are no UTF-8 are refused with their line', async () => {
    const round = '{"prompt":"x","responses":[{"text":"y","propensity":0.5}]}\n';
    const bytes = bytesOf(`${round}${round.replace('"y"', '"?"')}`);
    bytes[bytes.lastIndexOf(0x3f)] = 0xff;
    await expect(parseJsonl(decodeUtf8([bytes], 'log.jsonl'))).rejects.toThrow('log.jsonl line 2: is not valid UTF-8');
    for (const wrong of [[0xc0, 0x80], [0xed, 0xa0, 0x80], [0xe4, 0xb8], [0xf0, 0x9f, 0x98], [0x80]]) {
      const read = parseJsonl(decodeUtf8([bytesOf('{"prompt":"'), Uint8Array.from(wrong)], 'a'));
      await expect(read).rejects.toThrow('a line 1: is not valid UTF-8');
    }
  });
});

describe('numbers scanned from bytes', () => {
  const scanned = (text: string): [number, number] => {
    const value = new Float64Array(1);
    return [scanNumber(bytesOf(`${text}\n`), 0, value), value[0]!];
  };
  test.prop(
    [fc.double({ noNaN: true, noDefaultInfinity: true }), fc.constantFrom('plain', 'exponent', 'long', 'short')],
    { numRuns: 2000 },
  )('round as JSON.parse rounds', (x, form) => {
    const text =
      form === 'plain'
        ? JSON.stringify(x)
        : form === 'exponent'
          ? x.toExponential(20)
          : form === 'long'
            ? x.toPrecision(19)
            : x.toPrecision(5);
    expect(scanned(text)).toEqual([text.length, JSON.parse(text)]);
  });
  test.each(['01', '-', '1.', '.5', '1e', '+1', 'x', '1e+', '--1'])('%s is none', (text) => {
    const [end, value] = scanned(text);
    expect(end === -1 || end < text.length || Number.isNaN(value)).toBe(true);
  });
});

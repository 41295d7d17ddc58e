import { type Column, put } from '../columns.js';
import {
  CLOSE,
  createScan,
  isNull,
  isWord,
  OPEN,
  QUOTE,
  type Scan,
  scanString,
  skipBlank,
  skipColon,
  skipComma,
  skipValue,
} from './json-bytes.js';
import type { LineBlock } from './line-blocks.js';
import { scanNumber } from './scan-number.js';
import { createTexts } from './texts.js';

/**
 * Reads values at a position of a block. Every reader gives the position after the value, or -1 where there is none of its
 * kind; what it found lies in `word`, `record` or `scan`.
 */
export interface ValueReader {
  readonly scan: Scan;
  readonly word: string | undefined;
  readonly record: Readonly<Record<string, unknown>> | undefined;
  open(block: LineBlock): void;
  /** A key and its colon. `expected`: the one of `words` to try first, since files repeat their order. */
  key(at: number, words: readonly Uint8Array[], expected: number): number;
  /** A string; with `orNull` also null, which gives undefined. `unique`: not to be looked for among earlier ones. */
  string(at: number, orNull: boolean, unique?: boolean): number;
  /** A string that is not empty, or null. */
  name(at: number, unique?: boolean): number;
  /** A finite number, or null, which gives NaN. */
  number(at: number): number;
  /** An object of a kind that is rare, by JSON.parse, or null. */
  object(at: number): number;
  /**
   * An object of numbers of at most `most` by name, each into row `row` of its column, which must be there; or null. For a
   * name, null stands for `absent`: NaN leaves it out, Infinity refuses it.
   */
  numbers(at: number, named: ReadonlyMap<string, Column>, row: number, most: number, absent: number): number;
}

const KNOWN_NAMES = 64;

export function createValueReader(): ValueReader {
  const scan = createScan();
  const { number } = scan;
  const texts = createTexts();
  /** Names of signals and targets, as they are spelled. */
  const names: { readonly bytes: Uint8Array; readonly name: string }[] = [];
  let bytes: Uint8Array = new Uint8Array(0);
  let text = '';
  let word: string | undefined;
  let record: Readonly<Record<string, unknown>> | undefined;

  /** From the quote that opens a key: the position of the one that closes it, or -1, also where it has an escape. */
  function keyEnd(at: number): number {
    if (bytes[at] !== QUOTE) return -1;
    const end = scanString(bytes, at + 1, scan);
    return scan.escaped ? -1 : end;
  }
  function readKey(at: number, words: readonly Uint8Array[], expected: number): number {
    const end = keyEnd(at);
    if (end < 0) return -1;
    scan.key = indexOfWord(bytes, at + 1, end - at - 1, words, expected);
    return skipColon(bytes, end + 1);
  }
  function readString(at: number, orNull: boolean, unique = false): number {
    if (bytes[at] !== QUOTE) {
      word = undefined;
      return orNull && isNull(bytes, at) ? at + 4 : -1;
    }
    const from = at + 1 - scan.wide;
    const end = scanString(bytes, at + 1, scan);
    if (end < 0) return -1;
    const to = end - scan.wide;
    if (scan.escaped) word = JSON.parse(text.slice(from - 1, to + 1)) as string;
    else word = unique ? text.slice(from, to) : texts.text(bytes, at + 1, end, text, from, to);
    return end + 1;
  }
  function readName(at: number, unique = false): number {
    const end = readString(at, true, unique);
    return word === '' ? -1 : end;
  }
  function readNumber(at: number): number {
    if (bytes[at] === 0x6e) {
      number[0] = Number.NaN;
      return isNull(bytes, at) ? at + 4 : -1;
    }
    const end = scanNumber(bytes, at, number);
    return end >= 0 && Number.isFinite(number[0]) ? end : -1;
  }
  function readRecord(at: number): number {
    record = undefined;
    if (bytes[at] !== OPEN) return isNull(bytes, at) ? at + 4 : -1;
    const from = at - scan.wide;
    const end = skipValue(bytes, at, scan);
    if (end >= 0) record = JSON.parse(text.slice(from, end - scan.wide)) as Readonly<Record<string, unknown>>;
    return end;
  }
  /** The column of the name at bytes[at .. end), which begins at text[from], if the columns have it. */
  function columnAt(named: ReadonlyMap<string, Column>, at: number, end: number, from: number): Column | undefined {
    for (let k = 0; k < names.length; k++) {
      const known = names[k];
      if (known.bytes.length === end - at && isWord(bytes, at, known.bytes)) return named.get(known.name);
    }
    const name = texts.text(bytes, at, end, text, from, end - scan.wide);
    if (named.has(name) && names.length < KNOWN_NAMES) names.push({ bytes: bytes.slice(at, end), name });
    return named.get(name);
  }
  function readNumbers(
    at: number,
    named: ReadonlyMap<string, Column>,
    row: number,
    most: number,
    absent: number,
  ): number {
    if (bytes[at] !== OPEN) return isNull(bytes, at) ? at + 4 : -1;
    let i = skipBlank(bytes, at + 1);
    while (bytes[i] !== CLOSE) {
      const from = i + 1 - scan.wide;
      const end = keyEnd(i);
      if (end < 0) return -1;
      const column = columnAt(named, i + 1, end, from);
      // one name twice in an object: the last counts, also where it is null
      if (column === undefined || column.length > row) return -1;
      i = skipColon(bytes, end + 1);
      if (i < 0) return -1;
      i = readNumber(i);
      if (i < 0 || number[0] > most) return -1;
      const value = Number.isNaN(number[0]) ? absent : number[0];
      if (value === Infinity) return -1;
      if (!Number.isNaN(value)) put(column, row, value);
      i = skipComma(bytes, i, CLOSE);
      if (i < 0) return -1;
    }
    return i + 1;
  }
  return {
    scan,
    get word() {
      return word;
    },
    get record() {
      return record;
    },
    open(block) {
      ({ bytes, text } = block);
    },
    key: readKey,
    string: readString,
    name: readName,
    number: readNumber,
    object: readRecord,
    numbers: readNumbers,
  };
}

/** Which of `words` stands at `at`, -1 for none; `expected` first. */
function indexOfWord(
  bytes: Uint8Array,
  at: number,
  length: number,
  words: readonly Uint8Array[],
  expected: number,
): number {
  const guess = words[expected];
  if (guess !== undefined && guess.length === length && isWord(bytes, at, guess)) return expected;
  for (let k = 0; k < words.length; k++) {
    if (words[k].length === length && isWord(bytes, at, words[k])) return k;
  }
  return -1;
}

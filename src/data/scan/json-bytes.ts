import { scanNumber } from './scan-number.js';

// All of these read bytes that end in a newline, which is in no token: nothing asks for the length. A position of -1 says
// that the bytes are unusual or wrong; whoever gets it hands the line to JSON.parse.

export const NEWLINE = 0x0a;
export const QUOTE = 0x22;
export const OPEN = 0x7b;
export const CLOSE = 0x7d;
export const OPEN_LIST = 0x5b;
export const CLOSE_LIST = 0x5d;
const BACKSLASH = 0x5c;
/** Values nested deeper are left to JSON.parse. */
const MAX_DEPTH = 16;

/** What goes with the positions while a line is read. */
export interface Scan {
  /** The string that was read last has an escape. */
  escaped: boolean;
  /** Which of the keys asked for was read last; -1 where it was none of them. */
  key: number;
  /** Bytes less UTF-16 units of all that was read: what to take from a position to find it in the text. */
  wide: number;
  /** The number that was read last. */
  readonly number: Float64Array;
}

export const createScan = (): Scan => ({ escaped: false, key: -1, wide: 0, number: new Float64Array(1) });

/** The position of the next byte that is no blank; a newline is none. */
export function skipBlank(bytes: Uint8Array, at: number): number {
  let i = at;
  for (let b = bytes[i]; b === 0x20 || b === 0x09 || b === 0x0d; b = bytes[++i]);
  return i;
}

/** From after the opening quote: the position of the closing one, or -1. The bytes are known to be UTF-8. */
export function scanString(bytes: Uint8Array, at: number, scan: Scan): number {
  let i = at;
  let wide = 0;
  scan.escaped = false;
  for (let b = bytes[i]; b !== QUOTE; b = bytes[++i]) {
    if (b >= 0x80) {
      // one unit of UTF-16 for two or three bytes, two units for four
      if (b < 0xc0) wide++;
      else if (b >= 0xf0) wide--;
    } else if (b < 0x20) return -1;
    else if (b === BACKSLASH) {
      scan.escaped = true;
      i = skipEscape(bytes, i + 1);
      if (i < 0) return -1;
    }
  }
  scan.wide += wide;
  return i;
}

/** From after the backslash: the position of the escape's last byte, or -1. */
function skipEscape(bytes: Uint8Array, at: number): number {
  switch (bytes[at]) {
    case QUOTE:
    case BACKSLASH:
    case 0x2f: // /
    case 0x62: // b
    case 0x66: // f
    case 0x6e: // n
    case 0x72: // r
    case 0x74: // t
      return at;
    case 0x75: // u
      for (let k = 1; k <= 4; k++) {
        const b = bytes[at + k];
        if (!((b >= 0x30 && b <= 0x39) || (b >= 0x41 && b <= 0x46) || (b >= 0x61 && b <= 0x66))) return -1;
      }
      return at + 4;
    default:
      return -1;
  }
}

/** From after a key: the position of the value, or -1 where there is no colon. */
export function skipColon(bytes: Uint8Array, at: number): number {
  let i = bytes[at] === 0x3a ? at : skipBlank(bytes, at);
  if (bytes[i] !== 0x3a) return -1;
  i++;
  return bytes[i] > 0x20 ? i : skipBlank(bytes, i);
}

/** From after a value: the position of the next one after a comma, or of the closing byte; -1 where neither is there. */
export function skipComma(bytes: Uint8Array, at: number, close: number): number {
  let i = bytes[at] > 0x20 ? at : skipBlank(bytes, at);
  if (bytes[i] === close) return i;
  if (bytes[i] !== 0x2c) return -1;
  i++;
  i = bytes[i] > 0x20 ? i : skipBlank(bytes, i);
  // a comma before the end is none of JSON's
  return bytes[i] === close ? -1 : i;
}

export function isNull(bytes: Uint8Array, at: number): boolean {
  return bytes[at] === 0x6e && bytes[at + 1] === 0x75 && bytes[at + 2] === 0x6c && bytes[at + 3] === 0x6c;
}

/** Do these bytes stand at `at`? */
export function isWord(bytes: Uint8Array, at: number, word: Uint8Array): boolean {
  for (let k = 0; k < word.length; k++) if (bytes[at + k] !== word[k]) return false;
  return true;
}

/** The codes of ASCII text. */
export const wordOf = (text: string): Uint8Array => Uint8Array.from(text, (c) => c.charCodeAt(0));

const [TRUE, FALSE] = ['true', 'false'].map(wordOf);

/** The position after any JSON value of finite numbers, checked as JSON.parse would; -1 where it is wrong or deep. */
export function skipValue(bytes: Uint8Array, at: number, scan: Scan, depth = 0): number {
  switch (bytes[at]) {
    case QUOTE: {
      const end = scanString(bytes, at + 1, scan);
      return end < 0 ? -1 : end + 1;
    }
    case OPEN:
      return depth >= MAX_DEPTH ? -1 : skipObject(bytes, at, scan, depth);
    case OPEN_LIST:
      return depth >= MAX_DEPTH ? -1 : skipArray(bytes, at, scan, depth);
    case 0x74:
      return isWord(bytes, at, TRUE) ? at + 4 : -1;
    case 0x66:
      return isWord(bytes, at, FALSE) ? at + 5 : -1;
    case 0x6e:
      return isNull(bytes, at) ? at + 4 : -1;
    default: {
      const end = scanNumber(bytes, at, scan.number);
      return end >= 0 && Number.isFinite(scan.number[0]) ? end : -1;
    }
  }
}

function skipArray(bytes: Uint8Array, at: number, scan: Scan, depth: number): number {
  let i = skipBlank(bytes, at + 1);
  if (bytes[i] === CLOSE_LIST) return i + 1;
  for (;;) {
    i = skipValue(bytes, i, scan, depth + 1);
    if (i < 0) return -1;
    i = skipComma(bytes, i, CLOSE_LIST);
    if (i < 0) return -1;
    if (bytes[i] === CLOSE_LIST) return i + 1;
  }
}

function skipObject(bytes: Uint8Array, at: number, scan: Scan, depth: number): number {
  let i = skipBlank(bytes, at + 1);
  if (bytes[i] === CLOSE) return i + 1;
  for (;;) {
    if (bytes[i] !== QUOTE) return -1;
    i = scanString(bytes, i + 1, scan);
    if (i < 0) return -1;
    i = skipColon(bytes, i + 1);
    if (i < 0) return -1;
    i = skipValue(bytes, i, scan, depth + 1);
    if (i < 0) return -1;
    i = skipComma(bytes, i, CLOSE);
    if (i < 0) return -1;
    if (bytes[i] === CLOSE) return i + 1;
  }
}

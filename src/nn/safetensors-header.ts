import { PopeError, show } from '../util/index.js';
import { duplicateKey } from './duplicate-key.js';

/** Bytes of one element, for the types of the format that are read here. */
const ELEMENT_SIZE = { F64: 8, F32: 4, I32: 4, F16: 2, BF16: 2 } as const;
export type StoredDtype = keyof typeof ELEMENT_SIZE;

/** The format's own limit of a header's length in bytes. */
export const MAX_HEADER = 100_000_000;

export interface HeaderEntry {
  readonly name: string;
  readonly dtype: StoredDtype;
  readonly shape: readonly number[];
  /** Elements, the product of the shape. */
  readonly size: number;
  /** First byte in the file, and the byte behind the last. */
  readonly start: number;
  readonly end: number;
}

export interface Header {
  readonly entries: readonly HeaderEntry[];
  readonly metadata: Readonly<Record<string, string>>;
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * Reads and checks the header of a safetensors file; no tensor is allocated. The file is: length N of the header as
 * little-endian uint64, N bytes of JSON, data. Together the tensors cover the data once, without gap or overlap.
 * @param file how errors call the file.
 * @throws PopeError saying which tensor is wrong and how.
 */
export function readHeader(bytes: Uint8Array, file: string): Header {
  const refuse = (sentence: string, got?: unknown): PopeError => new PopeError(`${file}: ${sentence}`, { file, got });
  if (bytes.length < 8) throw refuse(`the file has ${bytes.length} bytes; expected at least 8 (the header's length)`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = view.getBigUint64(0, true);
  if (length > MAX_HEADER) throw refuse(`the header's length is ${length} bytes; expected at most ${MAX_HEADER}`);
  const dataStart = 8 + Number(length);
  if (dataStart > bytes.length) {
    throw refuse(`the header's length is ${length} bytes, but ${bytes.length - 8} follow. Is the file cut short?`);
  }
  if (bytes[8] !== 0x7b || length === 0n) throw refuse("the header does not begin with '{'");

  const json = parseJson(bytes.subarray(8, dataStart), refuse);
  const entries: HeaderEntry[] = [];
  let metadata: Readonly<Record<string, string>> = {};
  for (const [name, value] of Object.entries(json)) {
    if (name === '__metadata__') metadata = checkMetadata(value, refuse);
    else entries.push(checkEntry(name, value, dataStart, bytes.length, refuse));
  }
  checkCover(entries, dataStart, bytes.length, refuse);
  return { entries, metadata };
}

type Refuse = (sentence: string, got?: unknown) => PopeError;

function parseJson(bytes: Uint8Array, refuse: Refuse): Readonly<Record<string, unknown>> {
  let json: unknown;
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    json = JSON.parse(text);
  } catch (cause) {
    throw refuse(`the header is not JSON in UTF-8 (${cause instanceof Error ? cause.message : String(cause)})`);
  }
  if (!isRecord(json)) throw refuse('the header is not a JSON object', json);
  const twice = duplicateKey(text);
  if (twice !== undefined) throw refuse(`the header has the key ${show(twice)} twice`, twice);
  return json;
}

function checkMetadata(value: unknown, refuse: Refuse): Readonly<Record<string, string>> {
  if (!isRecord(value)) throw refuse(`__metadata__ is ${show(value)}; expected an object of strings`, value);
  for (const [key, text] of Object.entries(value)) {
    if (typeof text !== 'string') throw refuse(`__metadata__[${show(key)}] is ${show(text)}; expected a string`, text);
  }
  return value as Readonly<Record<string, string>>;
}

const isNatural = (value: unknown): value is number =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 && !Object.is(value, -0);

function checkEntry(name: string, value: unknown, dataStart: number, fileEnd: number, refuse: Refuse): HeaderEntry {
  const wrong = (key: string, got: unknown, expected: string): PopeError =>
    refuse(`tensor ${show(name)}: ${key} is ${show(got)}; expected ${expected}`, got);
  if (!isRecord(value)) throw refuse(`tensor ${show(name)} is ${show(value)}; expected an object`, value);
  const { dtype, shape, data_offsets: offsets } = value;
  if (typeof dtype !== 'string' || !Object.hasOwn(ELEMENT_SIZE, dtype)) {
    throw wrong('dtype', dtype, `one of ${Object.keys(ELEMENT_SIZE).join(', ')}`);
  }
  if (!Array.isArray(shape) || !shape.every(isNatural)) throw wrong('shape', shape, 'a list of integers of at least 0');
  const size = shape.reduce((product: number, extent: number) => product * extent, 1);
  if (!Number.isSafeInteger(size)) throw wrong('shape', shape, 'fewer than 2^53 elements');

  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isNatural)) {
    throw wrong('data_offsets', offsets, 'two integers of at least 0');
  }
  const [start, end] = offsets as [number, number];
  if (start > end) throw wrong('data_offsets', offsets, 'a begin that is not behind the end');
  if (end > fileEnd - dataStart)
    throw wrong('data_offsets', offsets, `an end of at most ${fileEnd - dataStart}, the bytes there are`);
  const bytes = size * ELEMENT_SIZE[dtype as StoredDtype];
  if (end - start !== bytes)
    throw wrong('data_offsets', offsets, `${bytes} bytes, as shape ${show(shape)} of ${dtype} needs`);
  return { name, dtype: dtype as StoredDtype, shape, size, start: dataStart + start, end: dataStart + end };
}

function checkCover(entries: readonly HeaderEntry[], dataStart: number, fileEnd: number, refuse: Refuse): void {
  let covered = dataStart;
  const inOrder = [...entries].sort((a, b) => a.start - b.start || a.end - b.end);
  for (const { name, start, end } of inOrder) {
    if (start < covered) throw refuse(`tensor ${show(name)} overlaps the one before it by ${covered - start} bytes`);
    if (start > covered) throw refuse(`${start - covered} bytes before tensor ${show(name)} belong to no tensor`);
    covered = end;
  }
  if (covered < fileEnd) throw refuse(`the last ${fileEnd - covered} bytes belong to no tensor`);
}

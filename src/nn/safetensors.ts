import { invalid, PopeError, show } from '../util/index.js';
import { fromBfloat16, fromFloat16 } from './half-float.js';
import { type HeaderEntry, MAX_HEADER, readHeader } from './safetensors-header.js';

/** A tensor as a safetensors file holds it: row-major, `data` has as many elements as the product of `shape`. */
export type StoredTensor =
  | { readonly dtype: 'F32'; readonly shape: readonly number[]; readonly data: Float32Array }
  | { readonly dtype: 'F64'; readonly shape: readonly number[]; readonly data: Float64Array }
  | { readonly dtype: 'I32'; readonly shape: readonly number[]; readonly data: Int32Array };

const ARRAYS = { F32: Float32Array, F64: Float64Array, I32: Int32Array } as const;
const isLittleEndian = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;

/**
 * Reads a safetensors file. F16 and BF16 become F32, exactly. Values are taken as they are, NaN and infinities too:
 * who reads weights checks them. Everything is checked before anything is allocated, and what is allocated is in
 * proportion to `bytes`.
 *
 * `data` is a view of `bytes` where its place there allows one (writers align to 8 bytes), else a copy.
 * @param file how errors call the file.
 * @throws PopeError saying which tensor is wrong and how.
 */
export function readSafetensors(
  bytes: Uint8Array,
  file = 'safetensors',
): { readonly tensors: Map<string, StoredTensor>; readonly metadata: Readonly<Record<string, string>> } {
  if (!(bytes instanceof Uint8Array)) throw invalid('bytes', bytes, 'a Uint8Array');
  const { entries, metadata } = readHeader(bytes, file);
  return { tensors: new Map(entries.map((entry) => [entry.name, readTensor(bytes, entry)])), metadata };
}

function readTensor(bytes: Uint8Array, { dtype, shape, size, start }: HeaderEntry): StoredTensor {
  const view = new DataView(bytes.buffer, bytes.byteOffset + start);
  if (dtype === 'F16' || dtype === 'BF16') {
    const convert = dtype === 'F16' ? fromFloat16 : fromBfloat16;
    const data = new Float32Array(size);
    for (let i = 0; i < size; i++) data[i] = convert(view.getUint16(2 * i, true));
    return { dtype: 'F32', shape, data };
  }
  const width = ARRAYS[dtype].BYTES_PER_ELEMENT;
  const at = bytes.byteOffset + start;
  const isView = isLittleEndian && at % width === 0;
  if (dtype === 'F32') {
    if (isView) return { dtype, shape, data: new Float32Array(bytes.buffer, at, size) };
    const data = new Float32Array(size);
    for (let i = 0; i < size; i++) data[i] = view.getFloat32(4 * i, true);
    return { dtype, shape, data };
  }
  if (dtype === 'F64') {
    if (isView) return { dtype, shape, data: new Float64Array(bytes.buffer, at, size) };
    const data = new Float64Array(size);
    for (let i = 0; i < size; i++) data[i] = view.getFloat64(8 * i, true);
    return { dtype, shape, data };
  }
  if (isView) return { dtype, shape, data: new Int32Array(bytes.buffer, at, size) };
  const data = new Int32Array(size);
  for (let i = 0; i < size; i++) data[i] = view.getInt32(4 * i, true);
  return { dtype, shape, data };
}

// The order of the official writer: wider types first, so that with the padded header every tensor is aligned.
const ORDER = { F64: 0, F32: 1, I32: 2 } as const;

/**
 * Writes a safetensors file: tensors by type (F64, F32, I32) and then by name, the header padded with spaces to 8
 * bytes. The same tensors give the same bytes, whatever the order of the record.
 * @throws PopeError where a shape does not fit its data, a type its array, or a name cannot be written.
 */
export function writeSafetensors(
  tensors: Readonly<Record<string, StoredTensor>>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array {
  const entries = Object.entries(tensors);
  for (const [name, tensor] of entries) checkTensor(name, tensor);
  entries.sort(([a, x], [b, y]) => ORDER[x.dtype] - ORDER[y.dtype] || (a < b ? -1 : 1));

  const fields: string[] = [];
  if (Object.keys(metadata).length > 0) fields.push(`"__metadata__":${metadataJson(metadata)}`);
  let length = 0;
  for (const [name, { dtype, shape, data }] of entries) {
    const info = { dtype, shape: Array.from(shape), data_offsets: [length, length + data.byteLength] };
    fields.push(`${JSON.stringify(name)}:${JSON.stringify(info)}`);
    length += data.byteLength;
  }
  const json = new TextEncoder().encode(`{${fields.join(',')}}`);
  const headerLength = Math.ceil(json.length / 8) * 8;
  if (headerLength > MAX_HEADER) throw invalid('tensors', tensors, `names and metadata of at most ${MAX_HEADER} bytes`);

  const out = new Uint8Array(8 + headerLength + length);
  new DataView(out.buffer).setBigUint64(0, BigInt(headerLength), true);
  out.fill(0x20, 8, 8 + headerLength);
  out.set(json, 8);
  let at = 8 + headerLength;
  for (const [, { data }] of entries) {
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    if (isLittleEndian) out.set(bytes, at);
    else for (let i = 0; i < bytes.length; i++) out[at + i] = bytes[i ^ (data.BYTES_PER_ELEMENT - 1)]!;
    at += data.byteLength;
  }
  return out;
}

function checkTensor(name: string, { dtype, shape, data }: StoredTensor): void {
  const where = `tensors[${show(name)}]`;
  if (name === '__metadata__') throw invalid('tensors', name, "names other than the format's own __metadata__");
  checkWellFormed('tensors', name);
  if (!Object.hasOwn(ARRAYS, dtype)) throw invalid(`${where}.dtype`, dtype, `one of ${Object.keys(ARRAYS).join(', ')}`);
  if (!(data instanceof ARRAYS[dtype])) throw invalid(`${where}.data`, data, `a ${ARRAYS[dtype].name} for ${dtype}`);
  if (!Array.isArray(shape) || !shape.every((extent: number) => Number.isSafeInteger(extent) && extent >= 0)) {
    throw invalid(`${where}.shape`, shape, 'a list of integers of at least 0');
  }
  const size = shape.reduce((product: number, extent: number) => product * extent, 1);
  if (size !== data.length) {
    throw new PopeError(
      `${where}.shape is ${show(shape)}, ${size} elements; expected ${data.length}, the length of data.`,
      {
        argument: `${where}.shape`,
        got: shape,
      },
    );
  }
}

/** Other readers refuse a lone surrogate in JSON. */
function checkWellFormed(argument: string, text: string): void {
  if (/\p{Surrogate}/u.test(text)) throw invalid(argument, text, 'text without lone surrogates');
}

function metadataJson(metadata: Readonly<Record<string, string>>): string {
  for (const [key, text] of Object.entries(metadata)) {
    if (typeof text !== 'string') throw invalid(`metadata[${show(key)}]`, text, 'a string');
    checkWellFormed('metadata', key + text);
  }
  return JSON.stringify(metadata);
}

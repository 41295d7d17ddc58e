import { readFileSync } from 'node:fs';
import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { fromBfloat16, fromFloat16 } from '../../src/nn/half-float.js';
import { readSafetensors, type StoredTensor, writeSafetensors } from '../../src/nn/safetensors.js';
import { PopeError } from '../../src/util/index.js';

const golden = JSON.parse(readFileSync(new URL('../golden/safetensors.json', import.meta.url), 'utf8')) as {
  readonly mixed: string;
  readonly half: string;
  readonly half_values: readonly string[];
};
const fromBase64 = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'base64'));

/** A file from its parts, by the format's description: length (uint64, little endian), header, data. */
function file(header: string | object, data: ArrayLike<number> = [], length?: bigint): Uint8Array {
  const json = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header), 'utf8');
  const out = new Uint8Array(8 + json.length + data.length);
  new DataView(out.buffer).setBigUint64(0, length ?? BigInt(json.length), true);
  out.set(json, 8);
  out.set(Array.from(data), 8 + json.length);
  return out;
}
const bitsOf = ({ data }: StoredTensor): number[] => [...new Uint8Array(data.buffer, data.byteOffset, data.byteLength)];
const product = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

const tensor: fc.Arbitrary<StoredTensor> = fc.array(fc.integer({ min: 0, max: 3 }), { maxLength: 3 }).chain((shape) => {
  const exactly = { minLength: product(shape), maxLength: product(shape) };
  return fc.oneof(
    fc.array(fc.float(), exactly).map((v): StoredTensor => ({ dtype: 'F32', shape, data: new Float32Array(v) })),
    fc.array(fc.double(), exactly).map((v): StoredTensor => ({ dtype: 'F64', shape, data: new Float64Array(v) })),
    fc.array(fc.integer(), exactly).map((v): StoredTensor => ({ dtype: 'I32', shape, data: new Int32Array(v) })),
  );
});
const name = fc.string({ unit: 'grapheme' }).filter((s) => s !== '__metadata__');
const record = fc.dictionary(name, tensor, { maxKeys: 5 });
const metadata = fc.dictionary(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'grapheme' }), { maxKeys: 3 });

/** Reads hostile bytes: either a PopeError, or tensors inside the bounds of the file. */
function readsSafely(bytes: Uint8Array): 'read' | 'refused' {
  let tensors: Map<string, StoredTensor>;
  try {
    tensors = readSafetensors(bytes).tensors;
  } catch (error) {
    expect(error).toBeInstanceOf(PopeError);
    return 'refused';
  }
  let stored = 0;
  for (const { shape, data } of tensors.values()) {
    expect(data.length).toBe(product(shape));
    stored += data.byteLength;
  }
  expect(stored).toBeLessThanOrEqual(2 * bytes.length);
  return 'read';
}

describe('round trip', () => {
  test.prop([record, metadata, fc.integer({ min: 0, max: 9 })])(
    'what is written is read, bit for bit, at any alignment',
    (tensors, meta, shift) => {
      const bytes = writeSafetensors(tensors, meta);
      const shifted = new Uint8Array(shift + bytes.length).subarray(shift);
      shifted.set(bytes);
      const read = readSafetensors(shifted);
      expect(Object.entries(read.metadata).sort()).toEqual(Object.entries(meta).sort());
      expect([...read.tensors.keys()].sort()).toEqual(Object.keys(tensors).sort());
      for (const [key, written] of Object.entries(tensors)) {
        const back = read.tensors.get(key)!;
        expect([back.dtype, back.shape, bitsOf(back)]).toEqual([written.dtype, written.shape, bitsOf(written)]);
      }
    },
  );

  test.prop([record])('the order of the record does not matter; data begin at a multiple of 8', (tensors) => {
    const bytes = writeSafetensors(tensors);
    expect(writeSafetensors(Object.fromEntries(Object.entries(tensors).reverse()))).toEqual(bytes);
    expect(new DataView(bytes.buffer).getBigUint64(0, true) % 8n).toBe(0n);
  });
});

describe('files of others', () => {
  const mixed: Record<string, StoredTensor> = {
    'wte.weight': { dtype: 'F32', shape: [2, 3], data: new Float32Array([1.5, -2, 3e-8, 0, Infinity, -0]) },
    steps: { dtype: 'I32', shape: [], data: new Int32Array([7]) },
    'z.exact': { dtype: 'F64', shape: [2], data: new Float64Array([0.1, 1e300]) },
    empty: { dtype: 'F32', shape: [0, 3], data: new Float32Array(0) },
    'a.bias': { dtype: 'I32', shape: [2], data: new Int32Array([1, -1]) },
  };

  test('a file of the Python package safetensors is read', () => {
    const { tensors, metadata } = readSafetensors(fromBase64(golden.mixed));
    expect(Object.fromEntries(tensors)).toEqual(mixed);
    expect(metadata).toEqual({ format: 'pt' });
  });

  test('the same tensors are written to the same bytes', () => {
    const theirs = Buffer.from(golden.mixed, 'base64').toString('latin1');
    const ours = Buffer.from(writeSafetensors(mixed, { format: 'pt' })).toString('latin1');
    expect(ours).toBe(theirs);
  });

  test('its half precision is read as F32', () => {
    const { tensors } = readSafetensors(fromBase64(golden.half));
    expect(tensors.get('half')?.dtype).toBe('F32');
    expect([...tensors.get('half')!.data].map(Number)).toEqual(
      golden.half_values.map((v) => (v === 'inf' ? Infinity : Number(v))),
    );
    expect([...tensors.get('odd')!.data]).toEqual([3]);
  });

  test('a file made by hand from the format description: unpadded header, unaligned data, metadata, BF16', () => {
    const header =
      '{"__metadata__":{"format":"pt"},"b":{"dtype":"BF16","shape":[2],"data_offsets":[0,4]},' +
      '"f":{"dtype":"F32","shape":[1,2],"data_offsets":[4,12]}}';
    expect((8 + header.length) % 4).not.toBe(0);
    // bfloat16 1.0 is 3F80 and -2.5 is C020; float32 1.0 is 3F800000 and -0.15625 is BE200000; all little-endian.
    const data = [0x80, 0x3f, 0x20, 0xc0, 0, 0, 0x80, 0x3f, 0, 0, 0x20, 0xbe];
    const { tensors, metadata } = readSafetensors(file(header, data));
    expect(metadata).toEqual({ format: 'pt' });
    expect(tensors.get('b')).toEqual({ dtype: 'F32', shape: [2], data: new Float32Array([1, -2.5]) });
    expect(tensors.get('f')).toEqual({ dtype: 'F32', shape: [1, 2], data: new Float32Array([1, -0.15625]) });
  });

  test('half floats: every finite float16 is exact, by its definition; NaN and infinities are kept', () => {
    for (let bits = 0; bits < 0x7c00; bits++) {
      // Neighbours are one unit in the last place apart: 2^-24 below the least normal, then doubling each binade.
      const ulp = 2 ** (Math.max(bits >> 10, 1) - 25);
      if (bits > 0) expect(fromFloat16(bits) - fromFloat16(bits - 1)).toBe(2 ** (Math.max((bits - 1) >> 10, 1) - 25));
      expect(fromFloat16(bits) / ulp).toBe(Math.round(fromFloat16(bits) / ulp));
      expect(fromFloat16(bits | 0x8000)).toBe(-fromFloat16(bits));
    }
    expect([0x0000, 0x3c00, 0x7bff, 0x7c00, 0xfc00].map(fromFloat16)).toEqual([0, 1, 65504, Infinity, -Infinity]);
    expect([0x3f80, 0xc020, 0x7f80, 0x0001].map(fromBfloat16)).toEqual([1, -2.5, Infinity, 2 ** -133]);
    expect([fromFloat16(0x7e00), fromBfloat16(0x7fc0)]).toEqual([NaN, NaN]);
  });
});

describe('bad files', () => {
  const f32 = (shape: unknown, data_offsets: unknown): object => ({ dtype: 'F32', shape, data_offsets });

  test.each<[string, Uint8Array, string]>([
    ['nothing', new Uint8Array(0), 'x: the file has 0 bytes'],
    ['a header longer than the file', file('{}', [], 3n), "header's length is 3 bytes, but 2 follow"],
    ['a header over the cap', file('{}', [], 100_000_001n), 'at most 100000000'],
    ['a header of 2^64 - 1', file('{}', [], 2n ** 64n - 1n), 'at most 100000000'],
    ['no header', file(''), "does not begin with '{'"],
    ['no brace', file(' {}'), "does not begin with '{'"],
    ['not JSON', file('{"a":'), 'not JSON'],
    ['not UTF-8', file({ a: f32([0], [0, 0]) }).map((b) => (b === 97 ? 0xff : b)), 'not JSON in UTF-8'],
    ['deep JSON', file(`{"a":${'['.repeat(200_000)}`), 'not JSON'],
    ['a key twice', file('{"a":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}, "\\u0061" :{}}'), 'the key "a" twice'],
    [
      'an inner key twice',
      file('{"a":{"dtype":"F32","dtype":"I32","shape":[0],"data_offsets":[0,0]}}'),
      '"dtype" twice',
    ],
    ['a tensor that is a list', file({ a: [] }), 'tensor "a" is []'],
    [
      'an unknown type',
      file({ a: { dtype: 'I64', shape: [], data_offsets: [0, 8] } }, Array(8).fill(0)),
      'tensor "a": dtype is "I64"',
    ],
    ['an inherited type', file({ a: { dtype: 'toString', shape: [], data_offsets: [0, 0] } }), 'dtype is "toString"'],
    ['no shape', file({ a: { dtype: 'F32', data_offsets: [0, 0] } }), 'tensor "a": shape is undefined'],
    ['a negative extent', file({ a: f32([-1], [0, 4]) }, [0, 0, 0, 0]), 'tensor "a": shape is [-1]'],
    ['a fractional extent', file({ a: f32([0.5], [0, 2]) }, [0, 0]), 'shape is [0.5]'],
    ['an overflowing shape', file({ a: f32([2 ** 40, 2 ** 40], [0, 0]) }), 'fewer than 2^53 elements'],
    ['a huge shape', file({ a: f32([2 ** 40], [0, 4]) }, [0, 0, 0, 0]), 'as shape [1099511627776] of F32 needs'],
    ['offsets behind the end', file({ a: f32([1], [0, 4]) }, [0, 0]), 'an end of at most 2'],
    ['offsets reversed', file({ a: f32([1], [4, 0]) }, [0, 0, 0, 0]), 'a begin that is not behind the end'],
    ['three offsets', file({ a: f32([1], [0, 4, 8]) }, [0, 0, 0, 0]), 'two integers'],
    ['a wrong length', file({ a: f32([1], [0, 3]) }, [0, 0, 0]), '4 bytes, as shape [1] of F32 needs'],
    [
      'overlap',
      file({ a: f32([1], [0, 4]), b: f32([1], [2, 6]) }, Array(6).fill(0)),
      'tensor "b" overlaps the one before it by 2',
    ],
    ['a hole', file({ a: f32([1], [0, 4]), b: f32([1], [5, 9]) }, Array(9).fill(0)), '1 bytes before tensor "b"'],
    ['a hole at the end', file({ a: f32([1], [0, 4]) }, Array(6).fill(0)), 'the last 2 bytes belong to no tensor'],
    ['metadata of numbers', file({ __metadata__: { epoch: 3 } }), '__metadata__["epoch"] is 3'],
    ['metadata as text', file({ __metadata__: 'x' }), '__metadata__ is "x"'],
  ])('%s is refused', (_, bytes, sentence) => {
    expect(() => readSafetensors(bytes, 'x')).toThrow(PopeError);
    expect(() => readSafetensors(bytes, 'x')).toThrow(sentence);
  });

  test.prop([record.filter((tensors) => Object.keys(tensors).length > 0)], { numRuns: 15 })(
    'every truncation is refused',
    (tensors) => {
      const bytes = writeSafetensors(tensors);
      for (let length = 0; length < bytes.length; length++) expect(readsSafely(bytes.slice(0, length))).toBe('refused');
    },
  );

  const someFile = fc.oneof(
    record.map((tensors) => writeSafetensors(tensors, { k: 'v' })),
    fc.constant(fromBase64(golden.half)),
  );
  test.prop(
    [someFile, fc.array(fc.tuple(fc.nat(400), fc.integer({ min: 0, max: 255 })), { minLength: 1, maxLength: 4 })],
    { numRuns: 500 },
  )('bytes changed anywhere: a PopeError, or tensors inside bounds', (bytes, changes) => {
    const changed = bytes.slice();
    for (const [at, byte] of changes) changed[at % changed.length] = byte;
    readsSafely(changed);
  });

  const json = fc.oneof(
    fc.constantFrom(-1, -0, 0.5, 1, 4, 2 ** 53, 1e308),
    fc.jsonValue(),
    fc.constantFrom('F32', 'F16'),
  );
  const entry = fc.record(
    { dtype: json, shape: fc.oneof(json, fc.array(json)), data_offsets: fc.oneof(json, fc.array(json)) },
    { requiredKeys: [] },
  );
  const nearEntry = fc.record({
    dtype: fc.constantFrom('F32', 'F16', 'F64', 'BOOL'),
    shape: fc.array(fc.constantFrom(0, 1, 2, 3, 2 ** 31)),
    data_offsets: fc.tuple(fc.constantFrom(0, 4, 8), fc.constantFrom(0, 4, 8, 12)),
  });
  test.prop([fc.dictionary(fc.string(), fc.oneof(entry, nearEntry), { maxKeys: 3 }), fc.nat(16)], { numRuns: 500 })(
    'any header: a PopeError, or tensors inside bounds',
    (header, length) => {
      readsSafely(file(header, new Uint8Array(length)));
    },
  );

  test('the writer refuses what it cannot write', () => {
    const good: StoredTensor = { dtype: 'F32', shape: [1], data: new Float32Array(1) };
    const bad =
      (change: object): (() => Uint8Array) =>
      () =>
        writeSafetensors({ a: { ...good, ...change } as StoredTensor });
    expect(bad({ shape: [2] })).toThrow('tensors["a"].shape is [2], 2 elements; expected 1');
    expect(bad({ shape: [-1] })).toThrow('tensors["a"].shape');
    expect(bad({ dtype: 'F64' })).toThrow('tensors["a"].data is a Float32Array; expected a Float64Array');
    expect(bad({ dtype: 'F16' })).toThrow('tensors["a"].dtype is "F16"');
    expect(() => writeSafetensors({ __metadata__: good })).toThrow(PopeError);
    expect(() => writeSafetensors({ '\ud800': good })).toThrow('lone surrogates');
    expect(() => writeSafetensors({}, { a: 1 as unknown as string })).toThrow('metadata["a"] is 1');
  });
});

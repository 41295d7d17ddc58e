import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import type { Kernels } from '../../src/backend/wasm/kernels.js';
import { webAssembly } from '../../src/backend/wasm/web-assembly.js';
import type { FloatDType } from '../../src/tensor/index.js';

export type Floats = Float32Array | Float64Array;

/**
 * Kernels over a memory in which every byte that nobody put there belongs to a NaN: a number read from beyond an
 * operand shows in the result, and `expectUntouched` finds what was written outside of the space that was taken.
 */
export interface Room {
  readonly kernels: Kernels;
  /** All that was placed is forgotten. */
  clear(): void;
  /** Address of a copy of the numbers. */
  put(numbers: Floats | Int32Array): number;
  /** Address of space for a result or for scratch; NaN until it is written, or a copy of the numbers. */
  take(bytes: number, numbers?: Floats): number;
  /** The numbers at an address. */
  read(address: number, count: number, dtype: FloatDType): Floats;
  /** Fails where a byte changed that `take` did not give. */
  expectUntouched(): void;
}

const POISON = 0xff;
const START = 4096;
const GUARD = 256;
const BEYOND = 65_536;

/** Compiles a file of src/backend/wasm/assembly. */
export async function openRoom(file: string, pages = 160): Promise<Room> {
  const { compileKernels } = await import(new URL('../../scripts/build-wasm.mjs', import.meta.url).href);
  const entry = fileURLToPath(new URL(`../../src/backend/wasm/assembly/${file}`, import.meta.url));
  const api = webAssembly()!;
  const memory = new api.Memory({ initial: pages, maximum: 65_536 });
  const instance = new api.Instance(new api.Module(await compileKernels(entry)), { env: { memory } });
  const bytes = new Uint8Array(memory.buffer);
  bytes.fill(POISON, START);
  const expected = new Uint8Array(memory.buffer.byteLength).fill(POISON);
  let next = START;
  let taken: [from: number, to: number][] = [];

  const place = (size: number): number => {
    const address = next;
    next = Math.ceil((address + size + GUARD) / 64) * 64;
    if (next + BEYOND > bytes.length) throw new Error(`the room has no ${size} bytes left`);
    return address;
  };
  return {
    kernels: instance.exports as Kernels,
    clear() {
      bytes.fill(POISON, START, next + BEYOND);
      expected.fill(POISON, START, next + BEYOND);
      next = START;
      taken = [];
    },
    put(numbers) {
      const address = place(numbers.byteLength);
      const copy = new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength);
      bytes.set(copy, address);
      expected.set(copy, address);
      return address;
    },
    take(size, numbers) {
      const address = place(size);
      if (numbers !== undefined) bytes.set(new Uint8Array(numbers.buffer), address);
      taken.push([address, address + size]);
      return address;
    },
    read: (address, count, dtype) =>
      dtype === 'float32'
        ? new Float32Array(memory.buffer, address, count).slice()
        : new Float64Array(memory.buffer, address, count).slice(),
    expectUntouched() {
      for (const [from, to] of taken) expected.set(bytes.subarray(from, to), from);
      const end = next + BEYOND;
      if (Buffer.compare(bytes.subarray(START, end), expected.subarray(START, end)) === 0) return;
      let at = START;
      while (bytes[at] === expected[at]) at++;
      const last = taken.findLast(([, to]) => to <= at);
      expect.fail(
        `byte ${at} changed, ${last === undefined ? 'before' : `${at - last[1]} bytes behind`} a space taken`,
      );
    },
  };
}

/** Fails where a bit differs: -0 is not 0, and NaN equals itself. */
export function expectSameBits(got: Floats, expected: Floats): void {
  const [a, b] = [got, expected].map((x) => Buffer.from(x.buffer, x.byteOffset, x.byteLength));
  if (Buffer.compare(a, b) === 0) return;
  expect(got.length).toBe(expected.length);
  const at = got.findIndex((x, i) => !Object.is(x, expected[i]));
  expect.fail(`element ${at} of ${got.length} is ${got[at]}; expected ${expected[at]}, bit for bit`);
}

/** The half-open ranges between sorted cuts of [0, n): cuts are fractions, rounded to multiples of `grain`. */
export function ranges(n: number, fractions: readonly number[], grain = 1): [begin: number, end: number][] {
  const cuts = fractions.map((x) => Math.min(n, Math.round((x * n) / grain) * grain)).sort((a, b) => a - b);
  const all = [0, ...cuts, n];
  return all.slice(1).map((end, i) => [all[i], end]);
}

import { fc, test } from '@fast-check/vitest';
import { beforeAll, describe, expect } from 'vitest';
import { normal, seededRandom, uniformInt } from '../../src/random/index.js';
import { expectSameBits, type Floats, openRoom, type Room, ranges } from './kernel-room.js';

// Sums, gathers and scatter-adds: against exact sums, in pieces as threads take them, and never a byte beside their space.

let room: Room;
beforeAll(async () => {
  room = await openRoom('index.ts');
});

/** Numbers of sizes from 1e-3 to 1e3. */
function numbers(seed: number, n: number, dtype: 'float32' | 'float64' = 'float32'): Floats {
  const random = seededRandom(seed);
  const drawn = Array.from({ length: n }, () => normal(random) * 10 ** (uniformInt(random, 7) - 3));
  return dtype === 'float32' ? Float32Array.from(drawn) : Float64Array.from(drawn);
}

/** The sum and the sum of sizes, each within one unit of float64. */
function exact(terms: readonly number[]): { sum: number; size: number } {
  let [sum, lost, size] = [0, 0, 0];
  for (const term of terms) {
    const next = sum + term;
    lost += Math.abs(sum) >= Math.abs(term) ? sum - next + term : term - next + sum;
    sum = next;
    size += Math.abs(term);
  }
  return { sum: sum + lost, size };
}

function expectSums(got: Floats, terms: (i: number) => number[], bound: number): void {
  got.forEach((value, i) => {
    const { sum, size } = exact(terms(i));
    if (!(Math.abs(value - sum) <= bound * size))
      expect.fail(`sum ${i} is ${value}; expected ${sum} within ${bound * size}`);
  });
}

const cuts = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 3 });
const seed = fc.nat();

describe('sums of rows', () => {
  test.prop([fc.nat({ max: 9 }), fc.nat({ max: 700 }), cuts, seed, fc.constantFrom('float32', 'float64')])(
    'are exact to 2^-21 (float64: 2^-46) of the sizes, the same bits in any pieces',
    (rows, n, parts, s, dtype) => {
      room.clear();
      const bytes = dtype === 'float32' ? 4 : 8;
      const kernel = dtype === 'float32' ? 'sumRows_f32' : 'sumRows_f64';
      const x = numbers(s, rows * n, dtype);
      const [from, whole, pieces] = [room.put(x), room.take(rows * bytes), room.take(rows * bytes)];
      room.kernels[kernel](0, rows, from, n, whole);
      for (const [begin, end] of ranges(rows, parts)) room.kernels[kernel](begin, end, from, n, pieces);
      room.expectUntouched();
      const got = room.read(whole, rows, dtype);
      expectSameBits(room.read(pieces, rows, dtype), got);
      expectSums(got, (i) => [...x.subarray(i * n, (i + 1) * n)], dtype === 'float32' ? 2 ** -21 : 2 ** -46);
    },
  );
});

describe('sums over rows', () => {
  test.prop([fc.nat({ max: 4 }), fc.integer({ min: 1, max: 300 }), fc.integer({ min: 1, max: 37 }), cuts, seed])(
    'by runs and then over runs are exact to 2^-17 of the sizes, the same bits in any pieces',
    (outer, n, inner, parts, s) => {
      room.clear();
      const x = numbers(s, outer * n * inner);
      const runs = Math.ceil(n / 64);
      const [from, partial, whole] = [room.put(x), room.take(outer * runs * inner * 4), room.take(outer * inner * 4)];
      const [partial2, pieces] = [room.take(outer * runs * inner * 4), room.take(outer * inner * 4)];
      const { sumRuns_f32: sumRuns, sumPartials_f32: sumPartials } = room.kernels;
      sumRuns(0, outer * runs, from, n, inner, partial);
      sumPartials(0, outer, partial, runs, inner, inner, whole);
      for (const [begin, end] of ranges(outer * runs, parts)) sumRuns(begin, end, from, n, inner, partial2);
      for (const [begin, end] of ranges(outer, parts)) sumPartials(begin, end, partial2, runs, inner, inner, pieces);
      room.expectUntouched();
      const got = room.read(whole, outer * inner, 'float32');
      expectSameBits(room.read(pieces, outer * inner, 'float32'), got);
      const terms = (i: number): number[] => {
        const [o, j] = [Math.floor(i / inner), i % inner];
        return Array.from({ length: n }, (_, r) => x[(o * n + r) * inner + j]);
      };
      // 63 additions of float32 a run, then float64, then one rounding
      expectSums(got, terms, 65 * 2 ** -24);
    },
  );
});

const picks = fc.record({
  outer: fc.nat({ max: 3 }),
  size: fc.integer({ min: 1, max: 9 }),
  count: fc.integer({ min: 1, max: 40 }),
  inner: fc.integer({ min: 1, max: 23 }),
  seed,
  parts: cuts,
});

describe('gathers', () => {
  test.prop([picks])('copy whole rows, in any pieces', ({ outer, size, count, inner, seed: s, parts }) => {
    room.clear();
    const random = seededRandom(s);
    const x = numbers(s, outer * size * inner);
    const indices = Int32Array.from({ length: count }, () => uniformInt(random, size));
    const [from, at, out] = [room.put(x), room.put(indices), room.take(outer * count * inner * 4)];
    for (const [begin, end] of ranges(outer * count, parts))
      room.kernels.gatherRows(begin, end, from, size, at, count, inner * 4, out);
    room.expectUntouched();
    const expected = Float32Array.from({ length: outer * count * inner }, (_, i) => {
      const row = Math.floor(i / inner);
      const o = Math.floor(row / count);
      return x[(o * size + indices[row % count]) * inner + (i % inner)];
    });
    expectSameBits(room.read(out, expected.length, 'float32'), expected);
  });
});

describe('scatter-adds', () => {
  test.prop([picks, fc.constantFrom('float32', 'float64')])(
    'add what has one index in its order, in any pieces',
    ({ outer, size, count, inner, seed: s, parts }, dtype) => {
      room.clear();
      const random = seededRandom(s);
      const bytes = dtype === 'float32' ? 4 : 8;
      const updates = numbers(s, outer * count * inner, dtype);
      const indices = Int32Array.from({ length: count }, () => uniformInt(random, size));
      const total = outer * size * inner;
      const [from, at, out] = [room.put(updates), room.put(indices), room.take(total * bytes)];
      const kernel = dtype === 'float32' ? 'scatterRows_f32' : 'scatterRows_f64';
      for (const [begin, end] of ranges(outer, parts))
        room.kernels[kernel](begin, end, from, size, at, count, inner, out);
      room.expectUntouched();
      const expected = dtype === 'float32' ? new Float32Array(total) : new Float64Array(total);
      for (let o = 0; o < outer; o++) {
        for (let i = 0; i < count; i++) {
          for (let j = 0; j < inner; j++)
            expected[(o * size + indices[i]) * inner + j] += updates[(o * count + i) * inner + j];
        }
      }
      expectSameBits(room.read(out, total, dtype), expected);
    },
  );
});

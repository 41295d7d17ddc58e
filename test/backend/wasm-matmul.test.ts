import { fc, test } from '@fast-check/vitest';
import { beforeAll, describe, expect } from 'vitest';
import { createJsBackend, tensor } from '../../src/backend/index.js';
import { createWasmBackend } from '../../src/backend/wasm/index.js';
import { add, linear, matmul } from '../../src/ops/index.js';
import { seededRandom, uniform, uniformInt } from '../../src/random/index.js';
import { type FloatDType, type Shape, scope, sizeOf, type Tensor } from '../../src/tensor/index.js';
import { expectSameBits, type Floats, openRoom, type Room, ranges } from './kernel-room.js';

let room: Room;
beforeAll(async () => {
  room = await openRoom('matmul.ts');
}, 60_000);

interface Case {
  readonly m: number;
  readonly k: number;
  readonly n: number;
  readonly tx: boolean;
  readonly ty: boolean;
  /** Is the product added to C? */
  readonly accumulate: boolean;
  readonly bias: boolean;
  readonly seed: number;
  /** Where the work is cut into ranges, in parts of the whole. */
  readonly cuts: readonly number[];
}

/** Sizes around every edge: of tiles, panels, blocks of 128 rows, blocks of 512 steps. */
const size = (edges: readonly number[]): fc.Arbitrary<number> =>
  fc.oneof(
    { weight: 3, arbitrary: fc.integer({ min: 0, max: 21 }) },
    { weight: 1, arbitrary: fc.constantFrom(...edges) },
  );

const cases: fc.Arbitrary<Case> = fc.record({
  m: size([127, 128, 129, 259]),
  k: size([64, 511, 512, 513, 1027]),
  n: size([32, 33, 47]),
  tx: fc.boolean(),
  ty: fc.boolean(),
  accumulate: fc.boolean(),
  bias: fc.boolean(),
  seed: fc.nat(9999),
  cuts: fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 3 }),
});

interface Operands {
  readonly a: Floats;
  readonly b: Floats;
  readonly bias: Floats;
  /** What stands in C before. */
  readonly c: Floats;
}

const arrayOf = (dtype: FloatDType, length: number, number: () => number): Floats =>
  dtype === 'float32' ? Float32Array.from({ length }, number) : Float64Array.from({ length }, number);

function operands({ m, k, n, seed }: Case, dtype: FloatDType, kind: 'integers' | 'reals'): Operands {
  const random = seededRandom(seed);
  const number = kind === 'reals' ? () => 2 * uniform(random) - 1 : () => uniformInt(random, 17) - 8;
  const draw = (count: number): Floats => arrayOf(dtype, count, number);
  return { a: draw(m * k), b: draw(k * n), bias: draw(n), c: draw(m * n) };
}

/** Names of the ways to a product, and whether they can accumulate and add a bias. */
const ways = {
  'all of B packed': { accumulate: true, bias: true },
  'B packed as it is used': { accumulate: true, bias: true },
  'row by row': { accumulate: false, bias: true },
  'in a batch': { accumulate: false, bias: false },
} as const;
type Way = keyof typeof ways;
const everyWay = Object.keys(ways) as Way[];

/** What of a case a way can do. */
const onWay = (c: Case, way: Way): Case => ({
  ...c,
  accumulate: c.accumulate && ways[way].accumulate,
  bias: c.bias && ways[way].bias,
});

/** C of a case, from kernels called range by range. Fails where they write outside of C and their scratch. */
function product(way: Way, c: Case, dtype: FloatDType, x: Operands, cuts = c.cuts): Floats {
  const { m, k, n, tx, ty } = c;
  const f = dtype === 'float32' ? 'f32' : 'f64';
  const bytes = dtype === 'float32' ? 4 : 8;
  const panels = Math.ceil((n * bytes) / 32);
  const groups = Math.ceil(m / 4);
  room.clear();
  const { kernels } = room;
  const [a, b] = [room.put(x.a), room.put(x.b)];
  const bias = c.bias ? room.put(x.bias) : 0;
  const out = room.take(m * n * bytes, c.accumulate ? x.c : undefined);
  const right = ty ? [b, 1, k] : [b, n, 1];
  if (way === 'row by row') {
    for (const [i, j] of ranges(m, cuts)) {
      kernels[`multiplyRow_${f}`](i, j, a, ...(tx ? [1, m] : [k, 1]), ...right, k, n, out, bias);
    }
  } else if (way === 'in a batch') {
    const table = room.put(Int32Array.of(a, b));
    const scratch = room.take(panels * k * 32 + (tx ? groups * 4 * k * bytes : 0));
    kernels[`batch_${f}`](0, 1, table, +tx, +ty, m, k, n, out, scratch);
  } else {
    let left = [a, 4 * k, k, 1];
    if (tx) {
      left = [room.take(groups * 4 * k * bytes), 4 * k, 1, 4];
      for (const [i, j] of ranges(groups, cuts)) kernels[`packRows_${f}`](i, j, a, k, m, left[0]);
    }
    if (way === 'all of B packed') {
      const packed = room.take(panels * k * 32);
      for (const [i, j] of ranges(panels, cuts)) kernels[`pack_${f}`](i, j, ...right, k, n, packed);
      for (const [i, j] of ranges(m, cuts, 4)) {
        kernels[`multiply_${f}`](i, j, ...left, packed, k, n, out, +c.accumulate, bias);
      }
    } else {
      const scratch = room.take(64 * k);
      for (const [i, j] of ranges(panels, cuts)) {
        kernels[`multiplyPanels_${f}`](i, j, ...left, ...right, m, k, n, out, +c.accumulate, bias, scratch);
      }
    }
  }
  room.expectUntouched();
  return room.read(out, m * n, dtype);
}

/** The triple loop in float64, and the same of absolute values, of which bounds are made. */
function loops({ m, k, n, tx, ty, accumulate, bias }: Case, x: Operands): { sums: Float64Array; sizes: Float64Array } {
  const sums = new Float64Array(m * n);
  const sizes = new Float64Array(m * n);
  for (let i = 0; i < m; i++) {
    for (let j = 0; j < n; j++) {
      const at = i * n + j;
      if (accumulate) sums[at] = x.c[at];
      if (bias) sums[at] += x.bias[j];
      sizes[at] = (accumulate ? Math.abs(x.c[at]) : 0) + (bias ? Math.abs(x.bias[j]) : 0);
      for (let p = 0; p < k; p++) {
        const term = x.a[tx ? p * m + i : i * k + p] * x.b[ty ? j * k + p : p * n + j];
        sums[at] += term;
        sizes[at] += Math.abs(term);
      }
    }
  }
  return { sums, sizes };
}

/** K u/(1 - K u) for sums of K terms, however they are ordered. */
const gamma = (terms: number, u: number): number => (terms * u) / (1 - terms * u);

function expectWithin(got: ArrayLike<number>, { sums, sizes }: ReturnType<typeof loops>, bound: number): void {
  for (let i = 0; i < sums.length; i++) {
    if (!(Math.abs(got[i] - sums[i]) <= bound * sizes[i]))
      expect.fail(`element ${i} is ${got[i]}; expected ${sums[i]} within ${bound * sizes[i]}`);
  }
}

describe.each(['float32', 'float64'] as const)('products in %s', (dtype) => {
  const u = dtype === 'float32' ? 2 ** -24 : 2 ** -53;

  describe.each(everyWay)('%s', (way) => {
    test.prop([cases], { numRuns: 60 })('of integers are the triple loop exactly, in all four forms', (drawn) => {
      const c = onWay(drawn, way);
      const x = operands(c, dtype, 'integers');
      expectWithin(product(way, c, dtype, x), loops(c, x), 0);
    });

    test.prop([cases], { numRuns: 30 })('are within K u/(1 - K u) |A| |B|, K terms a number', (drawn) => {
      const c = onWay(drawn, way);
      const x = operands(c, dtype, 'reals');
      const bound = gamma(c.k + +c.accumulate + +c.bias, u);
      // the loops round as well, in float64
      expectWithin(product(way, c, dtype, x), loops(c, x), dtype === 'float32' ? bound * 1.001 : 2 * bound);
    });

    // a batch is cut between its products: see below
    if (way !== 'in a batch') {
      test.prop([cases], { numRuns: 30 })('have the same bits however the work is cut', (drawn) => {
        const c = onWay(drawn, way);
        const x = operands(c, dtype, 'reals');
        expectSameBits(product(way, c, dtype, x), product(way, c, dtype, x, []));
      });
    }

    test.prop([cases, fc.integer({ min: 1, max: 5 })], { numRuns: 30 })(
      'have rows that do not depend on the number of rows',
      (drawn, fewer) => {
        const c = { ...onWay(drawn, way), tx: false };
        const m = Math.max(0, c.m - fewer);
        fc.pre(way !== 'in a batch' || m >= 4); // fewer are multiplied row by row there
        const x = operands(c, dtype, 'reals');
        const short = product(way, { ...c, m }, dtype, { ...x, a: x.a.slice(0, m * c.k), c: x.c.slice(0, m * c.n) });
        expectSameBits(short, product(way, c, dtype, x).slice(0, m * c.n));
      },
    );

    test.prop([cases, fc.nat(), fc.constantFrom(Number.NaN, Infinity)], { numRuns: 30 })(
      'pass what is not finite to its row or column alone',
      (drawn, at, value) => {
        const c = { ...onWay(drawn, way), accumulate: false, bias: false };
        const { m, k, n, tx, ty } = c;
        fc.pre(m * k * n > 0);
        const x = operands(c, dtype, 'reals');
        const plain = product(way, c, dtype, x);
        const [a, b] = [x.a.slice(), x.b.slice()];
        const [i, j] = [at % m, at % n];
        a[tx ? (at % k) * m + i : i * k + (at % k)] = value;
        const left = product(way, c, dtype, { ...x, a });
        b[ty ? j * k + (at % k) : (at % k) * n + j] = value;
        const right = product(way, c, dtype, { ...x, b });
        for (let e = 0; e < m * n; e++) {
          const [row, column] = [Math.floor(e / n), e % n];
          if (row === i ? Number.isFinite(left[e]) : left[e] !== plain[e])
            expect.fail(`left: element ${e} is ${left[e]}`);
          if (column === j ? Number.isFinite(right[e]) : right[e] !== plain[e])
            expect.fail(`right: element ${e} is ${right[e]}`);
        }
      },
    );
  });

  test.prop(
    [
      cases,
      fc.array(fc.tuple(fc.nat(2), fc.nat(2)), { maxLength: 5 }), // which of three A, which of three B
    ],
    { numRuns: 40 },
  )('of a batch are the single ones, bit for bit, whatever operands repeat', (drawn, pairs) => {
    const c = onWay(drawn, 'in a batch');
    const { m, k, n, tx, ty } = c;
    const [f, bytes] = dtype === 'float32' ? ['f32' as const, 4] : ['f64' as const, 8];
    const three = [0, 1, 2].map((i) => operands({ ...c, seed: c.seed + i }, dtype, 'reals'));
    const way = m < 4 ? 'row by row' : 'all of B packed';
    const single = pairs.map(([a, b]) => product(way, c, dtype, { ...three[0], a: three[a].a, b: three[b].b }, []));
    room.clear();
    const [as, bs] = [three.map(({ a }) => room.put(a)), three.map(({ b }) => room.put(b))];
    const table = room.put(Int32Array.from(pairs.flatMap(([a, b]) => [as[a], bs[b]])));
    const scratch = room.take(Math.ceil((n * bytes) / 32) * k * 32 + (tx ? Math.ceil(m / 4) * 4 * k * bytes : 0));
    const out = room.take(pairs.length * m * n * bytes);
    for (const [i, j] of ranges(pairs.length, c.cuts)) {
      room.kernels[`batch_${f}`](i, j, table, +tx, +ty, m, k, n, out, scratch);
    }
    room.expectUntouched();
    pairs.forEach((_, i) => {
      expectSameBits(room.read(out + i * m * n * bytes, m * n, dtype), single[i]);
    });
  });

  test('of a range leave the other rows and columns alone', () => {
    const c: Case = { m: 30, k: 5, n: 37, tx: false, ty: false, accumulate: false, bias: false, seed: 1, cuts: [] };
    const x = operands(c, dtype, 'reals');
    const whole = product('all of B packed', c, dtype, x);
    const [f, bytes] = dtype === 'float32' ? ['f32' as const, 4] : ['f64' as const, 8];
    const written = (run: (a: number, b: number, out: number) => void): boolean[] => {
      room.clear();
      const [a, b] = [room.put(x.a), room.put(x.b)];
      const out = room.take(c.m * c.n * bytes);
      run(a, b, out);
      room.expectUntouched();
      return [...room.read(out, c.m * c.n, dtype)].map((z, i) => {
        if (!Number.isNaN(z)) expect(z).toBe(whole[i]);
        return !Number.isNaN(z);
      });
    };
    const { k, n, m } = c;
    const rows = written((a, b, out) => {
      const packed = room.take(Math.ceil((n * bytes) / 32) * k * 32);
      room.kernels[`pack_${f}`](0, Math.ceil((n * bytes) / 32), b, n, 1, k, n, packed);
      room.kernels[`multiply_${f}`](8, 20, a, 4 * k, k, 1, packed, k, n, out, 0, 0);
    });
    expect(rows).toEqual(rows.map((_, i) => i >= 8 * n && i < 20 * n));
    const columns = written((a, b, out) => {
      room.kernels[`multiplyPanels_${f}`](1, 4, a, 4 * k, k, 1, b, n, 1, m, k, n, out, 0, 0, room.take(64 * k));
    });
    const width = 32 / bytes;
    expect(columns).toEqual(columns.map((_, i) => i % n >= width && i % n < 4 * width));
  });
});

describe('the verbs choose a way by the number of rows', () => {
  const [js, wasm] = [createJsBackend(), createWasmBackend()];
  const draw = (shape: Shape, seed: number, dtype: FloatDType): Floats => {
    const random = seededRandom(seed);
    return arrayOf(dtype, sizeOf(shape), () => 2 * uniform(random) - 1);
  };

  test.prop([cases.filter(({ m, k, n }) => m * k * n > 0), fc.constantFrom<FloatDType>('float32', 'float64')], {
    numRuns: 40,
  })('and stay within the bound of the js backend, which sums in float64', (c, dtype) =>
    scope(() => {
      const { m, k, n, tx, ty } = c;
      const [sx, sy]: Shape[] = [tx ? [k, m] : [m, k], ty ? [n, k] : [k, n]];
      const [dx, dy] = [draw(sx, c.seed, dtype), draw(sy, c.seed + 1, dtype)];
      const on = (backend: typeof js | typeof wasm, x: Floats, y: Floats): Tensor =>
        matmul(tensor(x, { shape: sx, backend }), tensor(y, { shape: sy, backend }), {
          transposeX: tx,
          transposeY: ty,
        });
      const sums = Float64Array.from(on(js, dx, dy).dataSync());
      const sizes = Float64Array.from(on(js, dx.map(Math.abs), dy.map(Math.abs)).dataSync());
      // one more u: the js backend rounds its result to the dtype
      const bound = (dtype === 'float32' ? 1 : 2) * gamma(k + 1, dtype === 'float32' ? 2 ** -24 : 2 ** -53);
      expectWithin(on(wasm, dx, dy).dataSync(), { sums, sizes }, bound * 1.001);
    }),
  );

  test.prop([cases.filter(({ m, k, n }) => m * k * n > 0), fc.constantFrom<FloatDType>('float32', 'float64')], {
    numRuns: 40,
  })('and a linear layer has the bits of product and sum', ({ m, k, n, seed }, dtype) =>
    scope(() => {
      const shapes: Shape[] = [[m, k], [k, n], [n]];
      const [x, w, b] = shapes.map((shape, i) => tensor(draw(shape, seed + i, dtype), { shape, backend: wasm }));
      expectSameBits(linear(x, w, b).dataSync() as Floats, add(matmul(x, w), b).dataSync() as Floats);
    }),
  );
});

import { fc, test } from '@fast-check/vitest';
import { beforeAll, describe, expect } from 'vitest';
import { adamwInPlace } from '../../src/backend/js/adamw.js';
import { dropout, dropoutThreshold } from '../../src/backend/js/dropout.js';
import { mapLoops } from '../../src/backend/js/map.js';
import { type KernelName, mapKernels, zipKernels } from '../../src/backend/wasm/kernels.js';
import { normal, seededRandom, uniform } from '../../src/random/index.js';
import type { FloatDType } from '../../src/tensor/index.js';
import { type Floats, openRoom, type Room, ranges } from './kernel-room.js';

let room: Room;
beforeAll(async () => {
  room = await openRoom('elementwise.ts');
}, 60_000);

type MapKernel = (typeof mapKernels)[number];

/** Bytes of a buffer: kernels over elements write whole lines. */
const lines = (bytes: number): number => Math.ceil(bytes / 64) * 64;

/** Calls a kernel over [0, n) range by range, the last one first; cuts are multiples of 16 elements. */
function overElements(name: KernelName, n: number, cuts: readonly number[], args: readonly number[]): void {
  for (const [begin, end] of ranges(n, cuts, 16).reverse()) room.kernels[name](begin, end, ...args);
}

/** A map, or geluGrad with its cotangents. */
function elementwise(name: KernelName, operands: readonly Float32Array[], cuts: readonly number[] = []): Floats {
  const n = operands[0].length;
  room.clear();
  const from = operands.map((x) => room.put(x));
  const out = room.take(lines(4 * n));
  overElements(name, n, cuts, [...from, out]);
  room.expectUntouched();
  return room.read(out, n, 'float32');
}
const map = (name: MapKernel, x: Float32Array, cuts: readonly number[] = []): Floats =>
  elementwise(`${name}_f32`, [x], cuts);

/** Fails where a number differs; every NaN is the same, -0 is not 0. */
function expectIdentical(got: Floats, expected: ArrayLike<number>): void {
  expect(got.length).toBe(expected.length);
  for (let i = 0; i < got.length; i++) {
    if (!Object.is(got[i], expected[i])) expect.fail(`element ${i} is ${got[i]}; expected ${expected[i]}`);
  }
}

const fromBits = (bits: readonly number[]): Float32Array => new Float32Array(Uint32Array.from(bits).buffer);

/** `count` of all 2^32 float32 (NaN of every payload, subnormal, infinite, both zeros among them), from `first` on. */
function everywhere(count: number, first: number): Float32Array {
  // an odd step meets all low bits
  const step = Math.floor(2 ** 32 / count) | 1;
  return fromBits(Array.from({ length: count }, (_, i) => (first + i * step) % 2 ** 32));
}
/** Numbers of all sizes that matter to exponentials, at a random place in their cell. */
function spread(count: number, from: number, to: number, seed: number): Float32Array {
  const random = seededRandom(seed);
  return Float32Array.from({ length: count }, (_, i) => from + ((i + uniform(random)) / count) * (to - from));
}
const samples = (seed: number): Float32Array[] => [
  everywhere(60_000, seed * 131),
  spread(40_000, -105, 90, seed),
  spread(20_000, -1.5, 1.5, seed + 1),
  spread(20_000, 0.4, 2.5, seed + 2),
];

const ULP_MIN = -126;
const SMALLEST = 2 ** ULP_MIN;
/** Distance of neighbouring float32 at a number; below the smallest normal one, the one there. */
const ulp = (x: number): number => 2 ** (Math.max(Math.floor(Math.log2(Math.abs(x))), ULP_MIN) - 23);

const jsMap = (name: MapKernel, x: ArrayLike<number>): Float64Array => {
  const wide = Float64Array.from(x);
  const out = new Float64Array(wide.length);
  mapLoops[name](out, wide);
  return out;
};

/** Asserts a bound of the error wherever truth and result are both finite, and the same NaN or infinity elsewhere. */
function expectWithin(x: Floats, got: Floats, truth: Float64Array, bound: (t: number, x: number) => number): void {
  for (let i = 0; i < x.length; i++) {
    const [t, y] = [truth[i], got[i]];
    const rounded = Math.fround(t);
    const good = Number.isFinite(rounded) ? Math.abs(y - t) <= bound(t, x[i]) : Object.is(y, rounded);
    if (!good) expect.fail(`at ${x[i]} it is ${y}; expected ${t} within ${bound(t, x[i])}`);
  }
}

// The largest errors over every float32 of 2^-12 <= |x| < 128 (log: 1/8 to 16) were measured as 1.34, 0.83, 2.28, 4.30.
const ulps: Partial<Record<MapKernel, number>> = { exp: 1.4, log: 0.9, tanh: 2.4, sigmoid: 4.4 };

describe.each(Object.keys(ulps) as MapKernel[])('%s over the whole of float32', (name) => {
  test.prop([fc.nat(2 ** 24)], { numRuns: 3 })(`is within its ulps of float64, NaN stays NaN`, (seed) => {
    for (const x of samples(seed)) {
      // results that are hardly normal may be 0
      expectWithin(x, map(name, x), jsMap(name, x), (t) =>
        Math.abs(t) < 2 * SMALLEST ? Math.max(Math.abs(t), 2 * SMALLEST * 2 ** -22) : (ulps[name] as number) * ulp(t),
      );
    }
  });
});

describe('exp at the ends of its range', () => {
  test('rises to Infinity exactly where float32 ends, and falls to 0, never below', () => {
    const largest = 88.72283905206835; // log of the largest float32 and half an ulp
    const x = spread(20_000, 88.7, 88.75, 1);
    expectIdentical(
      map('exp', x).map((y) => +(y === Infinity)),
      [...x].map((v) => +(v > largest)),
    );
    const low = map('exp', spread(20_000, -110, -80, 1));
    expect(low.every((y) => y === 0 || y >= SMALLEST)).toBe(true);
    expectIdentical(map('exp', Float32Array.of(-87.34, -104, -1e30, -Infinity)), [0, 0, 0, 0]);
    expectIdentical(map('exp', Float32Array.of(0, -0, 1e-30, 89, 3e38, Infinity)), [
      1,
      1,
      1,
      Infinity,
      Infinity,
      Infinity,
    ]);
  });

  test('log and sigmoid: subnormal numbers, zeros, signs', () => {
    expectIdentical(map('log', Float32Array.of(1, 0, -0, Infinity, -1e-45, -Infinity)), [
      0,
      -Infinity,
      -Infinity,
      Infinity,
      Number.NaN,
      Number.NaN,
    ]);
    expect(map('log', Float32Array.of(2 ** -149))[0]).toBeCloseTo(-149 * Math.LN2, 4);
    expectIdentical(map('sigmoid', Float32Array.of(0, Infinity, -Infinity, -3e38)), [0.5, 1, 0, 0]);
  });

  test('tanh is odd bit for bit and never beyond 1', () => {
    const x = everywhere(50_000, 7).filter((v) => !Number.isNaN(v));
    const y = map('tanh', x);
    expectIdentical(
      map(
        'tanh',
        x.map((v) => -v),
      ),
      y.map((v) => -v),
    );
    expect(y.every((v) => Math.abs(v) <= 1)).toBe(true);
  });
});

describe('gelu', () => {
  test.prop([fc.nat(2 ** 24)], { numRuns: 3 })('is within 2e-7 of max(1, |x|), and relative 1.3e-5', (seed) => {
    for (const x of [...samples(seed), spread(30_000, -10.5, 8, seed)]) {
      const [got, truth] = [map('gelu', x), jsMap('gelu', x)];
      expectWithin(x, got, truth, (_, v) => 2e-7 * Math.max(1, Math.abs(v)));
      expectWithin(x, got, truth, (t) => Math.max(1.3e-5 * Math.abs(t), 1e-30));
    }
  });

  /** d gelu/dx = s + 2 x s (1 - s) u', in float64. */
  const slope = (x: number): number => {
    if (Math.abs(x) > 30) return x > 0 ? 1 : 0;
    const u = Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3);
    const bend = Math.sqrt(2 / Math.PI) * (1 + 3 * 0.044715 * x * x);
    const [s, rest] = [1 / (1 + Math.exp(-2 * u)), 1 / (1 + Math.exp(2 * u))];
    return s + 2 * x * s * rest * bend;
  };

  test.prop([fc.nat(2 ** 24)], { numRuns: 3 })(
    'has a derivative within 2e-6 (and a rounding), times any cotangent',
    (seed) => {
      const random = seededRandom(seed);
      for (const x of [...samples(seed), spread(30_000, -10.5, 10.5, seed)]) {
        const dy = x.map(() => normal(random));
        const got = elementwise('geluGrad_f32', [x, dy]);
        const truth = Float64Array.from(x, (v, i) => slope(v) * dy[i]);
        for (let i = 0; i < x.length; i++) {
          const good = Number.isNaN(x[i])
            ? Number.isNaN(got[i])
            : Math.abs(got[i] - truth[i]) <= 2.1e-6 * Math.abs(dy[i]);
          if (!good) expect.fail(`at ${x[i]} it is ${got[i]}; expected ${truth[i]}`);
        }
      }
    },
  );

  test('is 0 or x far out, with the signs of js', () => {
    const far = Float32Array.of(-0, 0, 64, 1e13, 3e38, Infinity, -64, -1e13, -3e38, -Infinity);
    expectIdentical(map('gelu', far), Float32Array.from(jsMap('gelu', far)));
    const ones = far.map(() => 1);
    expectIdentical(
      elementwise('geluGrad_f32', [far, ones]).map((y) => y + 0),
      [0.5, 0.5, 1, 1, 1, 1, 0, 0, 0, 0],
    );
  });
});

describe('exactly rounded maps', () => {
  test.each(['square'] as const)('%s is js bit for bit over the whole of float32', (name) => {
    const x = everywhere(100_000, 3);
    expectIdentical(map(name, x), Float32Array.from(jsMap(name, x)));
  });
});

describe('the bits do not depend on the ranges', () => {
  const lengths = fc.oneof(fc.nat(70), fc.constantFrom(127, 128, 129, 255, 257, 1000));
  const cuts = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 4 });

  test.prop([fc.constantFrom(...mapKernels), lengths, fc.nat(2 ** 24), cuts], { numRuns: 200 })(
    'of maps, nor on where an element stands',
    (name, n, seed, fractions) => {
      const x = everywhere(n + 1, seed).slice(0, n);
      const whole = map(name, x);
      expectIdentical(map(name, x, fractions), whole);
      for (const i of [0, n >> 1, n - 1].filter((at) => at >= 0 && at < n)) {
        expectIdentical(map(name, x.slice(i, i + 1)), whole.slice(i, i + 1));
      }
    },
  );

  test.prop([lengths, fc.nat(9999), cuts])('of the derivative of gelu', (n, seed, fractions) => {
    const random = seededRandom(seed);
    const [x, dy] = [0, 1].map(() => Float32Array.from({ length: n }, () => 4 * normal(random)));
    expectIdentical(elementwise('geluGrad_f32', [x, dy], fractions), elementwise('geluGrad_f32', [x, dy]));
  });

  test('a range leaves the rest alone', () => {
    room.clear();
    const x = room.put(spread(100, -3, 3, 1));
    for (const name of mapKernels) {
      const out = room.take(lines(400));
      room.kernels[`${name}_f32`](32, 64, x, out);
      const got = room.read(out, 100, 'float32');
      const written = [...got].map((y, i) => (Number.isNaN(y) ? -1 : i)).filter((i) => i >= 0);
      // the logarithms of negative numbers are NaN themselves
      if (name !== 'log') expect(written).toEqual(Array.from({ length: 32 }, (_, i) => 32 + i));
      expect(written.every((i) => i >= 32 && i < 64)).toBe(true);
    }
    room.expectUntouched();
  });
});

describe.each(['float32', 'float64'] as const)('zips in %s', (dtype: FloatDType) => {
  const [f, bytes] = dtype === 'float32' ? ['f32' as const, 4] : ['f64' as const, 8];
  const array = (numbers: readonly number[]): Floats =>
    dtype === 'float32' ? Float32Array.from(numbers) : Float64Array.from(numbers);
  const js: Record<(typeof zipKernels)[number], (x: number, y: number) => number> = {
    add: (x, y) => x + y,
    sub: (x, y) => x - y,
    mul: (x, y) => x * y,
    div: (x, y) => x / y,
  };
  /** Steps of an operand a row and a column: all of it, a row, a column, a number. */
  const layout = fc.constantFrom('all', 'row', 'column', 'number');
  type Layout = 'all' | 'row' | 'column' | 'number';
  const steps = (as: Layout, cols: number): [number, number] =>
    as === 'all' ? [cols, 1] : as === 'row' ? [0, 1] : as === 'column' ? [1, 0] : [0, 0];
  const sizeAs = (as: Layout, rows: number, cols: number): number =>
    as === 'all' ? rows * cols : as === 'row' ? cols : as === 'column' ? rows : 1;
  const side = fc.oneof(fc.nat(9), fc.constantFrom(15, 16, 17, 33));
  const odd = [Number.NaN, Infinity, -Infinity, 0, -0];

  test.prop(
    [
      fc.constantFrom(...zipKernels),
      side,
      side,
      layout,
      layout,
      fc.nat(9999),
      fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 3 }),
    ],
    { numRuns: 300 },
  )('are js bit for bit in every broadcast and however the rows are cut', (name, rows, cols, xs, ys, seed, cuts) => {
    const random = seededRandom(seed);
    const draw = (size: number): Floats =>
      array(
        Array.from({ length: size }, () =>
          uniform(random) < 0.1 ? odd[Math.floor(5 * uniform(random))] : normal(random),
        ),
      );
    const [x, y] = [draw(sizeAs(xs, rows, cols)), draw(sizeAs(ys, rows, cols))];
    const [xRow, xCol] = steps(xs, cols);
    const [yRow, yCol] = steps(ys, cols);
    room.clear();
    const [a, b] = [room.put(x), room.put(y)];
    const out = room.take(rows * cols * bytes);
    for (const [i, j] of ranges(rows, cuts).reverse()) {
      room.kernels[`${name}_${f}`](i, j, cols, a, xRow, xCol, b, yRow, yCol, out);
    }
    room.expectUntouched();
    const expected = array(
      Array.from({ length: rows * cols }, (_, at) => {
        const [i, j] = [Math.floor(at / cols), at % cols];
        return js[name](x[i * xRow + j * xCol], y[i * yRow + j * yCol]);
      }),
    );
    expectIdentical(room.read(out, rows * cols, dtype), expected);
  });
});

describe('dropout', () => {
  const key = fc.tuple(fc.integer(), fc.integer());
  test.prop([
    fc.nat(300),
    fc.double({ min: 0, max: 0.95, noNaN: true }),
    key,
    fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 3 }),
  ])('draws the mask of the js backend, bit for bit, in any ranges', (n, rate, [first, second], cuts) => {
    const random = seededRandom(n);
    const x = Float32Array.from({ length: n }, () => normal(random));
    room.clear();
    const from = room.put(x);
    const out = room.take(lines(4 * n));
    overElements('dropout_f32', n, cuts, [from, dropoutThreshold(rate), 1 / (1 - rate), first, second, out]);
    room.expectUntouched();
    // the kernel has the factor as a float32
    const expected = new Float32Array(n);
    dropout(expected, x, rate, [first, second]);
    const kept = Math.fround(1 / (1 - rate));
    expectIdentical(
      room.read(out, n, 'float32'),
      expected.map((y, i) => (y === 0 ? 0 : x[i] * kept)),
    );
  });
});

describe('adamw', () => {
  const options = fc.record({
    learningRate: fc.constantFrom(1e-4, 0.01, 0.3),
    beta1: fc.constantFrom(0, 0.9, 0.99),
    beta2: fc.constantFrom(0.9, 0.999, 0.9999),
    epsilon: fc.constantFrom(1e-8, 1e-3),
    weightDecay: fc.constantFrom(0, 0.1),
    step: fc.constantFrom(1, 2, 10, 10_000),
  });
  type Options = typeof options extends fc.Arbitrary<infer T> ? T : never;

  /** p', m', v' of operands p, g, m, v. */
  function step(operands: readonly Float32Array[], o: Options, cuts: readonly number[]): Floats[] {
    const n = operands[0].length;
    room.clear();
    const from = operands.map((x) => room.put(x));
    const outs = [0, 1, 2].map(() => room.take(lines(4 * n)));
    const scales = [1 / (1 - o.beta1 ** o.step), 1 / (1 - o.beta2 ** o.step)];
    const numbers = [o.learningRate, o.beta1, o.beta2, o.epsilon, o.weightDecay, ...scales];
    overElements('adamw_f32', n, cuts, [...from, ...outs, ...numbers]);
    room.expectUntouched();
    return outs.map((out) => room.read(out, n, 'float32'));
  }

  test.prop([
    fc.nat(100),
    options,
    fc.nat(9999),
    fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 3 }),
  ])('is the step in float64 to float32 bounds, the same in any ranges', (n, o, seed, cuts) => {
    const random = seededRandom(seed);
    const draw = (): Float32Array => Float32Array.from({ length: n }, () => normal(random));
    const operands = [draw(), draw(), draw(), draw().map((v) => v * v)];
    const got = step(operands, o, cuts);
    step(operands, o, []).forEach((whole, i) => {
      expectIdentical(got[i], whole);
    });
    const [p, g, m, v] = operands.map((x) => Float64Array.from(x));
    const old = { p: p.slice(), m: m.slice(), v: v.slice() };
    adamwInPlace(p, g, m, v, o);
    const u = 2 ** -24;
    const mScale = 1 / (1 - o.beta1 ** o.step);
    for (let i = 0; i < n; i++) {
      const terms = {
        m: Math.abs(o.beta1 * old.m[i]) + Math.abs((1 - o.beta1) * g[i]),
        v: v[i],
      };
      const root = Math.sqrt(v[i] / (1 - o.beta2 ** o.step)) + o.epsilon;
      const move = o.learningRate * ((mScale * terms.m) / root + o.weightDecay * Math.abs(old.p[i]));
      const bounds = [2 * u * Math.abs(p[i]) + 16 * u * move, 4 * u * terms.m, 6 * u * terms.v];
      [p, m, v].forEach((truth, k) => {
        if (!(Math.abs(got[k][i] - truth[i]) <= bounds[k])) {
          expect.fail(`result ${k}, element ${i} is ${got[k][i]}; expected ${truth[i]} within ${bounds[k]}`);
        }
      });
    }
  });

  test('a NaN stays in its element; a gradient of 0 from rest moves nothing', () => {
    const o = { learningRate: 0.3, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0, step: 1 } as const;
    const g = Float32Array.of(0, Number.NaN, 0, 1, 0);
    const zeros = new Float32Array(5);
    const [p] = step([new Float32Array(5).fill(2), g, zeros, zeros], o, []);
    expect([p[0], p[2], p[4]]).toEqual([2, 2, 2]);
    expect(p[1]).toBeNaN();
    expect(p[3]).toBeCloseTo(1.7, 6);
  });
});

import { fc, test } from '@fast-check/vitest';
import { beforeAll, describe, expect } from 'vitest';
import * as jsGatherLogProb from '../../src/backend/js/gather-log-prob.js';
import * as jsLayerNorm from '../../src/backend/js/layer-norm.js';
import * as jsSoftmax from '../../src/backend/js/softmax.js';
import type { KernelName } from '../../src/backend/wasm/kernels.js';
import { normal, type Random, seededRandom, uniformInt } from '../../src/random/index.js';
import type { Bounded } from './attention-reference.js';
import { expectSameBits, type Floats, openRoom, type Room, ranges } from './kernel-room.js';
import * as reference from './rows-reference.js';

let room: Room;
beforeAll(async () => {
  room = await openRoom('index.ts');
}, 60_000);

const EPSILON = 1e-5;
/** As in assembly/rows.ts. */
const NORM_ROWS = 32;

type Operand = Float32Array | Int32Array;

/** One kernel over rows: its operands, the numbers behind them, and what it should give. */
interface RowKernel {
  readonly operands: (draw: (count: number) => Float32Array, rows: number, n: number, random: Random) => Operand[];
  readonly after: (n: number) => number[];
  /** Numbers of a row of the result. */
  readonly width: (n: number) => number;
  readonly expected: (operands: readonly Operand[], rows: number, n: number) => Bounded;
}

/** -1 is padding. */
const targetsOf = (rows: number, n: number, random: Random): Int32Array =>
  Int32Array.from({ length: rows }, () => uniformInt(random, n + 1) - 1);
const full = (n: number): number => n;
const justN = (n: number): number[] => [n];
const float32 = ({ value }: Bounded): Float32Array => Float32Array.from(value);

const rowKernels = {
  softmax_f32: {
    operands: (draw, rows, n) => [draw(rows * n)],
    after: justN,
    width: full,
    expected: ([x], rows, n) => reference.softmaxRows(x, rows, n),
  },
  softmaxGrad_f32: {
    operands: (draw, rows, n) => [float32(reference.softmaxRows(draw(rows * n), rows, n)), draw(rows * n)],
    after: justN,
    width: full,
    expected: ([y, dy], rows, n) => reference.softmaxGradRows(y, dy, rows, n),
  },
  logSoftmax_f32: {
    operands: (draw, rows, n) => [draw(rows * n)],
    after: justN,
    width: full,
    expected: ([x], rows, n) => reference.logSoftmaxRows(x, rows, n),
  },
  logSoftmaxGrad_f32: {
    operands: (draw, rows, n) => [float32(reference.logSoftmaxRows(draw(rows * n), rows, n)), draw(rows * n)],
    after: justN,
    width: full,
    expected: ([y, dy], rows, n) => reference.logSoftmaxGradRows(y, dy, rows, n),
  },
  gatherLogProb_f32: {
    operands: (draw, rows, n, random) => [draw(rows * n), targetsOf(rows, n, random)],
    after: justN,
    width: () => 1,
    expected: ([x, targets], rows, n) => reference.gatherLogProbRows(x, targets, rows, n),
  },
  gatherLogProbGrad_f32: {
    operands: (draw, rows, n, random) => [draw(rows * n), targetsOf(rows, n, random), draw(rows)],
    after: justN,
    width: full,
    expected: ([x, targets, dy], rows, n) => reference.gatherLogProbGradRows(x, targets, dy, rows, n),
  },
  layerNorm_f32: {
    operands: (draw, rows, n) => [draw(rows * n), draw(n), draw(n)],
    after: (n) => [n, EPSILON],
    width: full,
    expected: ([x, gain, bias], rows, n) => reference.layerNormRows(x, gain, bias, rows, n, EPSILON),
  },
} satisfies Partial<Record<KernelName, RowKernel>>;
type RowName = keyof typeof rowKernels;
const rowNames = Object.keys(rowKernels) as RowName[];

/** The result of a kernel called range by range, the last one first. */
function overRows(
  name: RowName,
  operands: readonly Operand[],
  rows: number,
  n: number,
  cuts: readonly number[],
): Floats {
  const { after, width } = rowKernels[name];
  room.clear();
  const from = operands.map((x) => room.put(x));
  const out = room.take(rows * width(n) * 4);
  for (const [begin, end] of ranges(rows, cuts).reverse()) room.kernels[name](begin, end, ...from, ...after(n), out);
  room.expectUntouched();
  return room.read(out, rows * width(n), 'float32');
}

function expectBounded(got: Floats, { value, bound }: Bounded, what = 'element'): void {
  expect(got.length).toBe(value.length);
  for (let i = 0; i < got.length; i++) {
    if (!(Math.abs(got[i] - value[i]) <= bound[i]))
      expect.fail(`${what} ${i} is ${got[i]}; expected ${value[i]} within ${bound[i]}`);
  }
}

interface Case {
  readonly rows: number;
  readonly n: number;
  /** Numbers of this size, about `mean`. */
  readonly spread: number;
  readonly mean: number;
  readonly seed: number;
  readonly cuts: readonly number[];
}
const cuts = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 3 });
/** Sizes around every vector and unrolling. */
const sizes = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: 1, max: 21 }) },
  { weight: 2, arbitrary: fc.constantFrom(31, 32, 33, 47, 48, 49, 63, 64, 65, 127, 128, 129, 257, 1000) },
);
const cases: fc.Arbitrary<Case> = fc.record({
  rows: fc.nat(7),
  n: sizes,
  spread: fc.constantFrom(1e-3, 1, 4, 30, 300),
  mean: fc.constantFrom(0, 0, 3, -1000),
  seed: fc.nat(9999),
  cuts,
});

function operandsOf(name: RowName, { rows, n, spread, mean, seed }: Case): Operand[] {
  const random = seededRandom(seed);
  const draw = (count: number): Float32Array =>
    Float32Array.from({ length: count }, () => mean + spread * normal(random));
  return (rowKernels[name] as RowKernel).operands(draw, rows, n, random);
}

describe.each(rowNames)('%s', (name) => {
  const kernel: RowKernel = rowKernels[name];

  test.prop([cases], { numRuns: 150 })('is the formula in float64 within its bound', (c) => {
    const operands = operandsOf(name, c);
    expectBounded(overRows(name, operands, c.rows, c.n, []), kernel.expected(operands, c.rows, c.n));
  });

  test.prop([cases], { numRuns: 60 })('has the same bits however the rows are cut, and alone', (c) => {
    const operands = operandsOf(name, c);
    const whole = overRows(name, operands, c.rows, c.n, []);
    expectSameBits(overRows(name, operands, c.rows, c.n, c.cuts), whole);
    if (c.rows === 0) return;
    const per = (x: Operand): number => (x.length === c.rows ? 1 : c.n);
    const shared = name === 'layerNorm_f32';
    const last = operands.map((x, i) => (shared && i > 0 ? x : x.slice(x.length - per(x))));
    expectSameBits(overRows(name, last, 1, c.n, []), whole.slice(whole.length - kernel.width(c.n)));
  });

  test('leaves the rows outside of its range alone', () => {
    const [rows, n] = [9, 21];
    const operands = operandsOf(name, { rows, n, spread: 1, mean: 0, seed: 3, cuts: [] });
    room.clear();
    const from = operands.map((x) => room.put(x));
    const w = kernel.width(n);
    const out = room.take(rows * w * 4);
    room.kernels[name](2, 5, ...from, ...kernel.after(n), out);
    room.expectUntouched();
    const written = [...room.read(out, rows * w, 'float32')].map((y) => !Number.isNaN(y));
    expect(written).toEqual(written.map((_, i) => i >= 2 * w && i < 5 * w));
  });
});

describe('rows of what is not finite are as those of the js backend', () => {
  const bits = (b: number): number => new Float32Array(Uint32Array.of(b).buffer)[0];
  // NaN of several payloads and both signs: one of them must not pass for a number
  const entries = fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom(0, 1, -2.5, 90, -200, 3e38, -3e38) },
    { weight: 2, arbitrary: fc.constantFrom(-Infinity, Infinity) },
    { weight: 1, arbitrary: fc.constantFrom(0x7fc00000, 0x7fffffff, 0xffc00001, 0xffffffff, 0x7f812345).map(bits) },
  );
  const rows = fc.integer({ min: 1, max: 37 }).chain((n) => fc.array(entries, { minLength: n, maxLength: n }));
  const masked = fc
    .integer({ min: 1, max: 37 })
    .chain((n) => fc.array(fc.constantFrom(0, 1, -Infinity), { minLength: n, maxLength: n }));

  /** NaN and infinities as in js; finite numbers as in the reference (js loses log 2 beside a maximum of 3e38). */
  const expectAlike = (got: Floats, js: ArrayLike<number>, { value, bound }: Bounded): void => {
    for (let i = 0; i < value.length; i++) {
      const kind = Math.fround(js[i]);
      const good = Number.isFinite(kind) ? Math.abs(got[i] - value[i]) <= bound[i] : Object.is(got[i], kind);
      if (!good) expect.fail(`element ${i} is ${got[i]}; js has ${js[i]}, the reference ${value[i]}`);
    }
  };
  // on the js side numbers beyond float32's range do not overflow on the way: large numbers of one sign suffice
  const inRange = (x: readonly number[]): boolean => !(x.includes(3e38) && x.includes(-3e38));

  test.prop([fc.oneof(rows.filter(inRange), masked), fc.nat(36)], { numRuns: 300 })(
    'softmax, its logarithm, gathered log-probabilities and their gradient',
    (numbers, at) => {
      const x = Float32Array.from(numbers);
      const n = x.length;
      const target = at % n;
      const p = Float64Array.from(x);
      jsSoftmax.softmaxRows(p, n);
      expectAlike(overRows('softmax_f32', [x], 1, n, []), p, reference.softmaxRows(x, 1, n));
      const log = Float64Array.from(x);
      jsSoftmax.logSoftmaxRows(log, n);
      expectAlike(overRows('logSoftmax_f32', [x], 1, n, []), log, reference.logSoftmaxRows(x, 1, n));
      const targets = Int32Array.of(target);
      const picked = overRows('gatherLogProb_f32', [x, targets], 1, n, []);
      expectAlike(picked, [log[target]], reference.gatherLogProbRows(x, targets, 1, n));
      const gradient = Float64Array.from(x);
      jsGatherLogProb.gatherLogProbGradRows(gradient, targets, n, Float64Array.of(2));
      const dy = Float32Array.of(2);
      expectAlike(
        overRows('gatherLogProbGrad_f32', [x, targets, dy], 1, n, []),
        gradient,
        reference.gatherLogProbGradRows(x, targets, dy, 1, n),
      );
    },
  );

  test.prop([
    rows.map((x) => x.filter((v) => !(Math.abs(v) > 1e30 && Number.isFinite(v)))).filter((x) => x.length > 0),
  ])('layer norm', (numbers) => {
    const x = Float32Array.from(numbers);
    const n = x.length;
    const ones = new Float32Array(n).fill(1);
    const y = Float64Array.from(x);
    jsLayerNorm.layerNormRows(y, Float64Array.from(ones), new Float64Array(n), EPSILON);
    const got = overRows('layerNorm_f32', [x, ones, new Float32Array(n)], 1, n, []);
    expectAlike(got, y, reference.layerNormRows(x, ones, new Float32Array(n), 1, n, EPSILON));
  });

  test('a padded row is 0 whatever stands in it, NaN as well', () => {
    const x = Float32Array.of(Number.NaN, 1, Infinity, 2, 3);
    const padding = Int32Array.of(-1);
    expect([...overRows('gatherLogProb_f32', [x, padding], 1, 5, [])]).toEqual([0]);
    expect([...overRows('gatherLogProbGrad_f32', [x, padding, Float32Array.of(1)], 1, 5, [])]).toEqual([0, 0, 0, 0, 0]);
  });

  test.prop([sizes, fc.constantFrom(0, 1, 0.1, -1234.567, 16_777_217, 1e18)])(
    'a row of equal numbers is normalised to the bias exactly',
    (n, value) => {
      const x = new Float32Array(n).fill(value);
      const bias = Float32Array.from({ length: n }, (_, i) => i - 3);
      expectSameBits(overRows('layerNorm_f32', [x, new Float32Array(n).fill(2), bias], 1, n, []), bias);
    },
  );
});

describe('layerNormGrad_f32', () => {
  interface Gradients {
    readonly dx: Floats;
    readonly dgain: Floats;
    readonly dbias: Floats;
  }
  const runOf = (
    operands: readonly Float32Array[],
    rows: number,
    n: number,
    fractions: readonly number[],
  ): Gradients => {
    const blocks = Math.ceil(rows / NORM_ROWS);
    room.clear();
    const from = operands.map((x) => room.put(x));
    const dx = room.take(rows * n * 4);
    const partial = room.take(blocks * 2 * n * 4);
    for (const [i, j] of ranges(blocks, fractions).reverse()) {
      room.kernels.layerNormGrad_f32(i, j, ...from, rows, n, EPSILON, dx, partial);
    }
    const [dgain, dbias] = [0, 1].map((part) => {
      const out = room.take(n * 4);
      room.kernels.sumPartials_f32(0, 1, partial + part * 4 * n, blocks, 2 * n, n, out);
      return room.read(out, n, 'float32');
    });
    room.expectUntouched();
    return { dx: room.read(dx, rows * n, 'float32'), dgain, dbias };
  };
  const normCases = fc.record({
    rows: fc.oneof(fc.integer({ min: 0, max: 9 }), fc.constantFrom(31, 32, 33, 64, 100)),
    n: fc.oneof(fc.integer({ min: 1, max: 21 }), fc.constantFrom(32, 33, 128, 129)),
    mean: fc.constantFrom(0, 1, -10),
    seed: fc.nat(9999),
    cuts,
  });
  const operands = (c: { rows: number; n: number; mean: number; seed: number }): Float32Array[] => {
    const random = seededRandom(c.seed);
    return [c.rows * c.n, c.n, c.rows * c.n].map((count, i) =>
      Float32Array.from({ length: count }, () => (i === 0 ? c.mean : 0) + normal(random)),
    );
  };

  test.prop([normCases], { numRuns: 100 })('gives dx, dgain and dbias within their bounds', (c) => {
    const [x, gain, dy] = operands(c);
    const got = runOf([x, gain, dy], c.rows, c.n, []);
    const expected = reference.layerNormGradRows(x, gain, dy, c.rows, c.n, EPSILON);
    for (const key of ['dx', 'dgain', 'dbias'] as const) expectBounded(got[key], expected[key], key);
  });

  test.prop([normCases], { numRuns: 40 })('has the same bits however the blocks are cut', (c) => {
    const [whole, cut] = [[], c.cuts].map((fractions) => runOf(operands(c), c.rows, c.n, fractions));
    for (const key of ['dx', 'dgain', 'dbias'] as const) expectSameBits(cut[key], whole[key]);
  });
});

describe('the references', () => {
  const close = (js: ArrayLike<number>, { value }: Bounded): void => {
    for (let i = 0; i < value.length; i++) {
      if (!(Math.abs(js[i] - value[i]) <= 1e-11 * Math.max(1, Math.abs(value[i]))))
        expect.fail(`element ${i} is ${value[i]}; js has ${js[i]}`);
    }
  };
  const some = fc.record({ rows: fc.nat(5), n: fc.integer({ min: 1, max: 40 }), seed: fc.nat(9999) });

  test.prop([some])('are the js backend in float64', ({ rows, n, seed }) => {
    const random = seededRandom(seed);
    const draw = (count: number): Float64Array => Float64Array.from({ length: count }, () => 3 * normal(random));
    const [x, dy, gain, bias, ofRows] = [rows * n, rows * n, n, n, rows].map(draw);
    const targets = targetsOf(rows, n, random);
    const inPlace = (from: Float64Array, f: (out: Float64Array) => void): Float64Array => {
      const out = from.slice();
      f(out);
      return out;
    };
    const p = inPlace(x, (out) => jsSoftmax.softmaxRows(out, n));
    const log = inPlace(x, (out) => jsSoftmax.logSoftmaxRows(out, n));
    close(p, reference.softmaxRows(x, rows, n));
    close(log, reference.logSoftmaxRows(x, rows, n));
    close(
      inPlace(dy, (out) => jsSoftmax.softmaxGradRows(p, out, n)),
      reference.softmaxGradRows(p, dy, rows, n),
    );
    close(
      inPlace(dy, (out) => jsSoftmax.logSoftmaxGradRows(log, out, n)),
      reference.logSoftmaxGradRows(log, dy, rows, n),
    );
    close(
      inPlace(new Float64Array(rows), (out) => jsGatherLogProb.gatherLogProbRows(x, targets, n, out)),
      reference.gatherLogProbRows(x, targets, rows, n),
    );
    close(
      inPlace(x, (out) => jsGatherLogProb.gatherLogProbGradRows(out, targets, n, ofRows)),
      reference.gatherLogProbGradRows(x, targets, ofRows, rows, n),
    );
    // a large epsilon: rows of one number otherwise multiply rounding by its root
    close(
      inPlace(x, (out) => jsLayerNorm.layerNormRows(out, gain, bias, 0.1)),
      reference.layerNormRows(x, gain, bias, rows, n, 0.1),
    );
    const [dx, dgain, dbias] = [dy.slice(), new Float64Array(n), new Float64Array(n)];
    jsLayerNorm.layerNormGradRows(x.slice(), gain, dx, 0.1, dgain, dbias);
    const expected = reference.layerNormGradRows(x, gain, dy, rows, n, 0.1);
    close(dx, expected.dx);
    close(dgain, expected.dgain);
    close(dbias, expected.dbias);
  });
});

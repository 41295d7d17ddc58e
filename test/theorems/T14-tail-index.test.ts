import { fc, test } from '@fast-check/vitest';
import { expect } from 'vitest';
import { normal, seededRandom, uniform } from '../../src/random/index.js';
import { fitGeneralisedPareto, paretoLimit, paretoTail } from '../../src/stats/index.js';

/** n exact draws of a generalised Pareto, by its quantile function. */
const sample = (n: number, k: number, sigma: number, seed: number) => {
  const random = seededRandom(seed);
  return Float64Array.from({ length: n }, () => {
    const u = 1 - uniform(random);
    return k === 0 ? -sigma * Math.log(u) : (sigma * (u ** -k - 1)) / k;
  });
};
const logs = (values: Float64Array) => values.map((value) => Math.log(value));

// #region T14
test('T14: the fit of 1 .. 6 is that of R package loo (numbers from the tests of Stan, unit/variational/advi)', () => {
  const { k, sigma } = fitGeneralisedPareto(Float64Array.of(1, 2, 3, 4, 5, 6));
  expect(k).toBeCloseTo(0.0275548, 6);
  expect(sigma).toBeCloseTo(5.616346, 5);
  expect((k * 16 - 5) / 6).toBeCloseTo(-0.7598539, 5); // without the weak prior
});

test('T14: the shape of exact samples is found within its standard error', () => {
  for (const k of [-0.3, 0, 0.3, 0.7, 1, 1.5]) {
    const n = 4000;
    const fit = fitGeneralisedPareto(sample(n, k, 3, 10 * k + 7).sort());
    // asymptotic variances of maximum likelihood: (1 + k)^2 / n for k, 2 (1 + k)/n relative for sigma
    expect(Math.abs(fit.k - k)).toBeLessThan((4 * (1 + k)) / Math.sqrt(n) + 10 / n);
    expect(Math.abs(fit.sigma / 3 - 1)).toBeLessThan(4 * Math.sqrt((2 * (1 + k)) / n) + 10 / n);
  }
});
// #endregion T14

test('T14: the tail of Pareto weights with index k is k, of log-normal weights small', () => {
  const n = 20000;
  for (const k of [0.25, 0.5, 1]) {
    const weights = sample(n, k, k, 3).map((x) => x + 1); // exactly u^-k
    const { k: found, tailPoints } = paretoTail(logs(weights));
    expect(tailPoints).toBe(Math.ceil(3 * Math.sqrt(n)));
    expect(Math.abs(found! - k)).toBeLessThan((4 * (1 + k)) / Math.sqrt(tailPoints) + 5 / tailPoints);
  }
  const random = seededRandom(4);
  expect(paretoTail(Float64Array.from({ length: n }, () => 0.3 * normal(random))).k).toBeLessThan(0.4);
});

test.prop([fc.integer(), fc.double({ min: -700, max: 1e5, noNaN: true }), fc.integer({ min: 30, max: 300 })])(
  'T14: the scale of the weights does not matter, even beyond float64, nor their order',
  (seed, shift, n) => {
    const weights = logs(sample(n, 0.6, 1, seed));
    const base = paretoTail(weights);
    const moved = paretoTail(weights.map((value) => value + shift).reverse());
    expect(moved.tailPoints).toBe(base.tailPoints);
    expect(base.k).not.toBeNull();
    expect(Math.abs(moved.k! - base.k!)).toBeLessThan(1e-7);
  },
);

test('T14: no tail, with the reason', () => {
  const equal = new Float64Array(100).fill(0.3);
  expect(paretoTail(equal)).toEqual({ k: null, tailPoints: 0, reason: 'all weights are equal' });
  expect(paretoTail(new Float64Array(50).fill(-Infinity))).toMatchObject({ k: null, reason: 'all weights are 0' });
  expect(paretoTail(logs(sample(20, 0.5, 1, 1)))).toMatchObject({
    k: null,
    tailPoints: 4,
    reason: '4 tail points, fewer than 5',
  });
  expect(paretoTail(new Float64Array(0))).toMatchObject({ k: null });
  expect(paretoTail(Float64Array.of(1))).toMatchObject({ k: null });
  // two values, the larger one in a third of the rounds: the threshold is the largest weight
  const two = Float64Array.from({ length: 99 }, (_, i) => (i % 3 === 0 ? 1 : 0));
  expect(paretoTail(two)).toMatchObject({ k: null, tailPoints: 0 });
  const few = Float64Array.from({ length: 99 }, (_, i) => (i % 9 === 0 ? 1 : 0));
  expect(paretoTail(few)).toMatchObject({ k: null, tailPoints: 11, reason: 'all weights in the tail are equal' });
  expect(() => paretoTail(Float64Array.of(1, Number.NaN))).toThrow(/logWeights\[1\]/);
  expect(() => paretoTail(Float64Array.of(Infinity))).toThrow(/logWeights\[0\]/);
});

test('T14: weights of 0 are weights', () => {
  const weights = logs(sample(200, 0.5, 1, 2));
  const padded = Float64Array.from({ length: 400 }, (_, i) => weights[i] ?? -Infinity);
  const { k, tailPoints } = paretoTail(padded);
  expect(tailPoints).toBe(60);
  expect(Number.isFinite(k)).toBe(true);
});

test('T14: the limit', () => {
  expect(paretoLimit(100)).toBeCloseTo(0.5, 15);
  expect(paretoLimit(1000)).toBeCloseTo(2 / 3, 15);
  expect(paretoLimit(3000)).toBe(0.7);
  expect(() => paretoLimit(1)).toThrow(/n is/);
});

test('T14: rounding of equal weights is no tail, and neither are a few distinct weights', () => {
  // 100 weights of two kinds, each kind apart by rounding alone: read as exceedances, 1e-16 against 0.1 gave k above 20
  const noisy = Float64Array.from({ length: 400 }, (_, i) => (i % 4 === 0 ? 0.2 : 0.1) + (i % 7) * 1e-16);
  expect(paretoTail(noisy)).toMatchObject({ k: null, reason: expect.stringMatching(/above the tail|equal|distinct/) });
  const few = Float64Array.from({ length: 400 }, (_, i) => [0, 0.1, 0.2, 0.3][i % 4]);
  expect(paretoTail(few).k).toBeNull();
  // five and more distinct weights are a tail again
  const many = Float64Array.from({ length: 400 }, (_, i) => Math.log(1 + i));
  expect(paretoTail(many).k).not.toBeNull();
});

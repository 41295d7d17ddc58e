import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { normal, type Random, seededRandom, splitRandom, uniform } from '../../src/random/index.js';
import {
  type Interval,
  type IntervalMethod,
  type IntervalOptions,
  interval,
  type RoundTermArrays,
} from '../../src/stats/index.js';

const plain = (n: number, draw: () => number): RoundTermArrays => ({
  numerator: Float64Array.from({ length: n }, draw),
  denominator: null,
  baseline: null,
});

/** How often the interval holds the truth, over seeded repetitions. */
function coverage(
  method: IntervalMethod,
  terms: (random: Random) => RoundTermArrays,
  truth: number,
  runs: number,
  options: IntervalOptions,
): number {
  const source = seededRandom(2024);
  let hits = 0;
  for (let run = 0; run < runs; run++) {
    const random = splitRandom(source);
    const { lower, upper }: Interval = interval(method, terms(random), { ...options, random });
    if (lower <= truth && truth <= upper) hits++;
  }
  return hits / runs;
}
const noise = (level: number, runs: number) => 4 * Math.sqrt((level * (1 - level)) / runs);

describe('T12: coverage of the approximate intervals, normal terms, 100 rounds', () => {
  const runs = 400;
  // the percentile and BCa bootstraps use the variance with n, and normal instead of t quantiles: about 0.94 for 0.95
  for (const [method, expected] of [
    ['t', 0.95],
    ['bootstrap', 0.945],
    ['bca', 0.943],
  ] as const) {
    test(`T12: ${method}`, () => {
      const rate = coverage(method, (random) => plain(100, () => 3 + 2 * normal(random)), 3, runs, {
        level: 0.95,
        resamples: 400,
      });
      expect(Math.abs(rate - expected)).toBeLessThan(noise(0.945, runs));
    });
  }

  test('T12: t on a ratio, by whole clusters of five dependent rounds', () => {
    const clusterOf = Int32Array.from({ length: 250 }, (_, i) => Math.floor(i / 5));
    const terms = (random: Random): RoundTermArrays => {
      const shared = Float64Array.from({ length: 50 }, () => normal(random));
      const weight = Float64Array.from({ length: 250 }, () => Math.exp(0.5 * normal(random)));
      const numerator = weight.map((w, i) => w * (1 + shared[clusterOf[i]!]! + 0.5 * normal(random)));
      return { numerator, denominator: weight, baseline: null };
    };
    const clustered = coverage('t', terms, 1, runs, { level: 0.95, clusterOf, clusters: 50 });
    expect(Math.abs(clustered - 0.95)).toBeLessThan(noise(0.95, runs) + 0.01);
    expect(coverage('t', terms, 1, runs, { level: 0.95 })).toBeLessThan(0.85); // what ignoring the clusters costs
  });
});

describe('T12: coverage of the exact bounds, heavy-tailed nonnegative terms', () => {
  const runs = 500;
  const level = 0.9;
  // an importance weight: 50 with probability 1/100, else 50/99; mean 1
  const rare = (random: Random) => plain(150, () => (uniform(random) < 0.01 ? 50 : 50 / 99));
  // infinite variance: Pareto of index 1.5, mean 3
  const pareto = (random: Random) => plain(150, () => (1 - uniform(random)) ** (-1 / 1.5));

  for (const method of ['hoeffding', 'bernstein', 'betting'] as const) {
    test(`T12: ${method} on a declared range`, () => {
      const rate = coverage(method, rare, 1, runs, { level, range: [0, 50] });
      expect(rate).toBeGreaterThan(level - noise(level, runs));
    });
  }
  for (const method of ['log-smoothing', 'betting'] as const) {
    test(`T12: ${method} without any bound on the terms`, () => {
      expect(coverage(method, rare, 1, runs, { level })).toBeGreaterThan(level - noise(level, runs));
      expect(coverage(method, pareto, 3, runs, { level })).toBeGreaterThan(level - noise(level, runs));
    });
  }

  test('T12: the range of the sample instead of a declared one would miss', () => {
    const runs = 300;
    let hits = 0;
    const source = seededRandom(7);
    for (let run = 0; run < runs; run++) {
      const random = splitRandom(source);
      const terms = plain(40, () => (uniform(random) < 0.01 ? 50 : 50 / 99));
      const seen: readonly [number, number] = [0, Math.max(...terms.numerator)];
      const { lower, upper } = interval('hoeffding', terms, { level: 0.95, range: seen });
      if (lower <= 1 && 1 <= upper) hits++;
    }
    expect(hits / runs).toBeLessThan(0.6);
  });

  test('T12: betting tightens with the rounds, towards the value', () => {
    const random = seededRandom(5);
    const terms = plain(5000, () => 2 * uniform(random));
    const { lower, upper } = interval('betting', terms, { level: 0.95, range: [0, 2] });
    expect(lower).toBeGreaterThan(0.95);
    expect(upper).toBeLessThan(1.05);
    expect(interval('betting', terms, { level: 0.95 }).lower).toBeGreaterThan(0.95);
  });
});

const finite = fc.array(fc.tuple(fc.integer({ min: 1, max: 9 }), fc.double({ min: 0, max: 30, noNaN: true })), {
  minLength: 1,
  maxLength: 4,
});

// #region T12
test.prop([
  finite,
  fc.double({ min: 0.01, max: 5, noNaN: true }),
  fc.integer({ min: 1, max: 5 }),
  fc.double({ min: 0.5, max: 0.99, noNaN: true }),
])(
  'T12: by enumeration of every log, log-smoothing and betting bounds fail with probability 1 - level at most',
  (atoms, lambda, rounds, level) => {
    const total = atoms.reduce((sum, [mass]) => sum + mass, 0);
    const value = atoms.reduce((sum, [mass, z]) => sum + (mass / total) * z, 0);
    const failures = { 'log-smoothing': 0, betting: 0 };
    for (let code = 0; code < atoms.length ** rounds; code++) {
      const drawn = Array.from(
        { length: rounds },
        (_, i) => atoms[Math.floor(code / atoms.length ** i) % atoms.length]!,
      );
      const probability = drawn.reduce((product, [mass]) => (product * mass) / total, 1);
      const terms = plain(0, () => 0);
      const log = { ...terms, numerator: Float64Array.from(drawn, ([, z]) => z) };
      for (const method of ['log-smoothing', 'betting'] as const) {
        if (interval(method, log, { level, lambda }).lower > value * (1 + 1e-9) + 1e-12)
          failures[method] += probability;
      }
    }
    expect(failures['log-smoothing']).toBeLessThanOrEqual(1 - level + 1e-12);
    expect(failures.betting).toBeLessThanOrEqual(1 - level + 1e-12);
  },
);
// #endregion T12

describe('T12: the bounds are about the mean of the terms', () => {
  // pi0 = (0.9, 0.1), pi = (0.1, 0.9), R = 1: the value is 1. 1000 rounds, each response as often as it is expected.
  const [value, meanOfClipped] = [1, 0.2];
  const weights = Array.from({ length: 1000 }, (_, i) => (i % 10 === 0 ? 0.9 / 0.1 : 0.1 / 0.9));
  const termsOf = (w: (weight: number) => number): RoundTermArrays => ({
    numerator: Float64Array.from(weights, w),
    denominator: null,
    baseline: null,
  });
  const [plainTerms, clipped] = [termsOf((w) => w), termsOf((w) => Math.min(w, 1))];

  test.each(['hoeffding', 'bernstein', 'betting'] as const)(
    'T12: %s of clipped weights lies near 0.2 for a value of 1: only the lower end speaks of the value',
    (method) => {
      const { lower, upper } = interval(method, clipped, { level: 0.95, range: [0, 1] });
      expect(lower).toBeLessThan(meanOfClipped);
      expect(upper).toBeGreaterThan(meanOfClipped);
      expect(upper).toBeLessThan(0.3);
      const raw = interval(method, plainTerms, { level: 0.95, range: [0, 9] });
      expect(raw.lower).toBeLessThan(value);
      expect(raw.upper).toBeGreaterThan(value);
    },
  );

  test('T12: log-smoothing of clipped weights has no upper end, and a lower one below 0.2', () => {
    const { lower, upper } = interval('log-smoothing', clipped, { level: 0.95 });
    expect(lower).toBeGreaterThan(0.1);
    expect(lower).toBeLessThan(meanOfClipped);
    expect(upper).toBe(Infinity);
  });
});

import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { interval, type RoundTermArrays } from '../../src/stats/index.js';
import { expectClose } from './close.js';

const plain = (values: readonly number[]): RoundTermArrays => ({
  numerator: Float64Array.from(values),
  denominator: null,
  baseline: null,
});
const levels = fc.integer({ min: 1, max: 99 }).map((k) => k / 100);
const betting = (values: readonly number[], level: number): number =>
  interval('betting', plain(values), { level }).lower;

/** The bet on the next of n units, after Waudby-Smith and Ramdas, from nothing but the units before it. */
function nextBet(before: readonly number[], n: number, level: number): number {
  const mean = before.reduce((a, b) => a + b, 0) / before.length;
  if (!(mean > 0)) return 0;
  const squares = before.reduce((sum, z) => sum + (z - mean) ** 2, mean ** 2);
  const variance = squares / (before.length + 1);
  const onDistance = Math.min(Math.sqrt((-2 * Math.log(1 - level)) / (n * variance)), 1 / (2 * mean));
  return onDistance / (1 - onDistance * mean);
}

/** The capital after every unit, when the value is said to be m. */
function capitals(values: readonly number[], m: number, level: number): number[] {
  let capital = 1;
  return values.map((z, i) => {
    const bet = nextBet(values.slice(0, i), values.length, level);
    capital *= (1 + bet * z) / (1 + bet * m);
    return capital;
  });
}

/** Every log of n rounds of a law on two numbers, with its probability. */
const everyLog = (n: number, [a, b]: readonly [number, number], p: number) =>
  Array.from({ length: 2 ** n }, (_, code) => {
    const values = Array.from({ length: n }, (_, i) => ((code >> i) & 1 ? a : b));
    return { values, probability: values.reduce((product, _z, i) => product * ((code >> i) & 1 ? p : 1 - p), 1) };
  });

describe('T12: no bet sees its own unit', () => {
  test.prop([
    fc.tuple(fc.integer({ min: 0, max: 40 }), fc.integer({ min: 0, max: 40 })).map(([a, b]) => [a / 4, b / 4] as const),
    fc.integer({ min: 1, max: 9 }).map((k) => k / 10),
    fc.integer({ min: 1, max: 4 }),
    levels,
  ])(
    'T12: by enumeration of every log, the capital at the true value has mean 1, and the bound is where it reaches 1/alpha',
    (law, p, n, level) => {
      const value = p * law[0] + (1 - p) * law[1];
      let expected = 0;
      for (const { values, probability } of everyLog(n, law, p)) {
        expected += probability * capitals(values, value, level)[n - 1];
        const bound = betting(values, level);
        const slack = 1e-9 * Math.max(1e-3, ...values);
        const most = (m: number) => Math.max(...capitals(values, m, level));
        expect(most(bound + slack)).toBeLessThan(1 / (1 - level));
        if (bound > 0) expect(most(bound - slack)).toBeGreaterThan(1 / (1 - level));
      }
      expectClose(expected, 1);
    },
  );

  // the first round is not bet on, the second with lambda = 1/z1: (1 + z2/z1)/(1 + m/z1) = 1/alpha
  test.prop([
    fc.integer({ min: 1, max: 40 }).map((k) => k / 4),
    fc.integer({ min: 0, max: 400 }).map((k) => k / 4),
    fc.integer({ min: 12, max: 99 }).map((k) => k / 100), // where 2 log(1/alpha) is at least 1/4
  ])('T12: betting on two rounds in closed form: alpha z2 - (1 - alpha) z1', (first, second, level) => {
    const bound = Math.max(0, (1 - level) * second - level * first);
    expectClose(betting([first, second], level), bound, first + second);
  });

  test('T12: the bound on a fair coin fails with probability alpha at most, over all logs of up to 8 rounds', () => {
    for (const level of [0.1, 0.15, 0.2, 0.25, 0.3, 0.5, 0.8]) {
      for (let n = 1; n <= 8; n++) {
        let failures = 0;
        for (const { values, probability } of everyLog(n, [0, 1], 0.5))
          if (betting(values, level) > 0.5 + 1e-9) failures += probability;
        expect(failures).toBeLessThanOrEqual(1 - level + 1e-12);
      }
    }
  });
});

test.prop([
  fc.array(
    fc.integer({ min: 0, max: 8 }).map((k) => k / 8),
    { minLength: 2, maxLength: 30 },
  ),
  fc.integer({ min: -8, max: 8 }).map((k) => k / 2),
  fc.integer({ min: 1, max: 12 }).map((k) => k / 4),
  fc.integer({ min: 1, max: 3 }),
  levels,
])(
  'T12: betting on a range spends alpha/2 on each side: one-sided bounds at level 1 - alpha/2 of Z - lo and hi - Z',
  (shares, lo, width, size, level) => {
    const hi = lo + width;
    const clusterOf = Int32Array.from(shares, (_, i) => Math.floor(i / size));
    const clustered = { clusterOf, clusters: Math.ceil(shares.length / size) };
    const half = { ...clustered, level: (1 + level) / 2 };
    const two = interval('betting', plain(shares.map((s) => lo + width * s)), { ...clustered, level, range: [lo, hi] });
    const above = interval('betting', plain(shares.map((s) => width * s)), half).lower;
    const below = interval('betting', plain(shares.map((s) => width * (1 - s))), half).lower;
    expectClose(two.lower, lo + above, 10 + width, 1e-9);
    expectClose(two.upper, hi - below, 10 + width, 1e-9);
  },
);

test('T12: betting on a range by hand: five heads, alpha 0.2', () => {
  // no bet, then lambda = 1 four times (plug-in 1/2 at a mean of 1): (2/(1 + m))^4 = 10; tails are never bet on
  const { lower, upper } = interval('betting', plain([1, 1, 1, 1, 1]), { level: 0.8, range: [0, 1] });
  expectClose(lower, 2 / 10 ** (1 / 4) - 1);
  expect(upper).toBe(1);
});

test.prop([
  fc.integer({ min: 20, max: 200 }),
  fc.integer({ min: 1, max: 3 }),
  fc.integer({ min: -8, max: 8 }).map((k) => k / 2),
  fc.integer({ min: 1, max: 12 }).map((k) => k / 4),
  levels,
])(
  'T12: Bernstein in closed form on n rounds at each end of the range: L is log(4/alpha)',
  (n, size, lo, width, level) => {
    // rounds at lo and hi in turn, each said `size` times: copies in a cluster are one unit
    const values = Array.from({ length: 2 * n * size }, (_, i) => lo + (Math.floor(i / size) % 2) * width);
    const clusterOf = Int32Array.from(values, (_, i) => Math.floor(i / size));
    const G = 2 * n;
    const log = Math.log(4) - Math.log(1 - level);
    const variance = (width ** 2 * G) / (4 * (G - 1));
    const reach = Math.sqrt((2 * variance * log) / G) + (7 * width * log) / (3 * (G - 1));
    const range = [lo, lo + width] as const;
    const { lower, upper } = interval('bernstein', plain(values), { level, range, clusterOf, clusters: G });
    expectClose(lower, Math.max(lo, lo + width / 2 - reach), 10 + width);
    expectClose(upper, Math.min(lo + width, lo + width / 2 + reach), 10 + width);
  },
);

test('T12: Bernstein by hand with clusters of 1 and 3 rounds', () => {
  const values = Array.from({ length: 400 }, (_, i) => (i % 4 === 0 ? 1 : 0));
  const clusterOf = Int32Array.from(values, (_, i) => 2 * Math.floor(i / 4) + (i % 4 === 0 ? 0 : 1));
  // G = 200 terms (G/N) S_g: 1/2 and 0 in turn, in [0, R] with R = 200 * 3/400; level 0.96: log(4/alpha) = log 100
  const reach = Math.sqrt((2 * (200 / 16 / 199) * Math.log(100)) / 200) + (7 * 1.5 * Math.log(100)) / (3 * 199);
  const { estimate, lower, upper } = interval('bernstein', plain(values), {
    level: 0.96,
    range: [0, 1],
    clusterOf,
    clusters: 200,
  });
  expectClose(estimate, 0.25);
  expectClose(lower, 0.25 - reach);
  expectClose(upper, 0.25 + reach);
});

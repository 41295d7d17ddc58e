import { describe, expect, test } from 'vitest';
import { seededRandom } from '../../src/random/index.js';
import { INTERVAL_METHODS, type IntervalOptions, interval } from '../../src/stats/index.js';
import { coverageOf, intervalCases, plainTerms, termDistributions } from '../properties/interval-cases.js';
import { coverageSuite, intervalSuite } from '../properties/interval-suite.js';

intervalSuite(intervalCases);
coverageSuite(intervalCases);

test('the suite lists every interval method', () => {
  expect(intervalCases.map(({ method }) => method).sort()).toEqual([...INTERVAL_METHODS].sort());
});

test('the distributions have the means and ranges that they claim', () => {
  for (const { name, value, range, draw } of termDistributions) {
    const random = seededRandom(1);
    const n = 40_000;
    let [sum, squares] = [0, 0];
    for (let i = 0; i < n; i++) {
      const z = draw(random);
      expect(z).toBeGreaterThanOrEqual(range?.[0] ?? 0);
      expect(z).toBeLessThanOrEqual(range?.[1] ?? Infinity);
      sum += z;
      squares += z * z;
    }
    // for the heavy terms, whose variance is infinite, the sample's own error is all there is
    const error = Math.sqrt((squares / n - (sum / n) ** 2) / n);
    expect({ name, far: Math.abs(sum / n - value) > 4 * error }).toEqual({ name, far: false });
  }
});

const values = (
  method: (typeof INTERVAL_METHODS)[number],
  z: readonly number[],
  options: Partial<IntervalOptions> = {},
) => interval(method, plainTerms(z), { level: 0.9, random: seededRandom(5), resamples: 60, ...options });

describe('named witnesses', () => {
  test('the bootstraps depend on the order only as on another seed', () => {
    const z = [0, 1, 2, 3, 4, 5, 6, 20];
    for (const method of ['bootstrap', 'bca'] as const) {
      const [one, other] = [z, [...z].reverse()].map((rounds) => values(method, rounds).upper);
      expect(one).not.toBe(other);
      const [many, reversed] = [z, [...z].reverse()].map(
        (rounds) => values(method, rounds, { resamples: 20_000 }).upper,
      );
      expect(Math.abs(many! - reversed!)).toBeLessThan(0.3);
    }
  });

  test('betting depends on the order of the rounds', () => {
    const up = [...new Array<number>(10).fill(1), ...new Array<number>(10).fill(3)];
    const [rising, falling] = [values('betting', up).lower, values('betting', [...up].reverse()).lower];
    expect(Math.abs(rising - falling)).toBeGreaterThan(0.05);
  });

  test('log-smoothing with its default lambda depends on the unit; with lambda / s it does not', () => {
    const z = [1, 2, 3, 4];
    const hundred = z.map((x) => 100 * x);
    expect(values('log-smoothing', hundred).lower).not.toBeCloseTo(100 * values('log-smoothing', z).lower, 3);
    const [small, large] = [
      values('log-smoothing', z, { lambda: 0.5 }).lower,
      values('log-smoothing', hundred, { lambda: 0.005 }).lower,
    ];
    expect(large).toBeCloseTo(100 * small, 9);
  });

  test('bounds that know only Z >= 0 do not move with a shift', () => {
    const z = [0, 1, 2, 3];
    const shifted = z.map((x) => x + 10);
    for (const method of ['log-smoothing', 'betting'] as const)
      expect(Math.abs(values(method, shifted).lower - values(method, z).lower - 10)).toBeGreaterThan(0.5);
  });
});

describe('misread forms known from other libraries: the largest term seen as the range', () => {
  const rare = termDistributions.find(({ name }) => name === 'rare')!;
  const setting = { level: 0.95, seed: 3, repetitions: 400 } as const;

  for (const method of ['hoeffding', 'bernstein'] as const) {
    test(`${method}: a nominal 95 % misses most of the time where a large reward is rare; the declared range holds`, () => {
      // no large term among 20 with probability 0.99^20 = 0.82: then nothing tells that there are any
      const [misread, declared] = (['sample', 'declared'] as const).map(
        (range) => coverageOf(method, rare, { ...setting, rounds: 20, range }).both,
      );
      expect(misread).toBeLessThan(0.3);
      expect(declared).toBeGreaterThan(0.95);
      const atHundred = coverageOf(method, rare, { ...setting, rounds: 100, range: 'sample' }).both;
      expect(atHundred).toBeLessThan(0.75);
    });

    test(`${method} refuses to run without a declared range`, () => {
      expect(() => values(method, [1, 2, 3])).toThrow(/range is undefined; .*The largest value seen is not one/);
    });
  }
});

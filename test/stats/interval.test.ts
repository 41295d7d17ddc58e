import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { type Random, seededRandom } from '../../src/random/index.js';
import {
  bootstrapMany,
  clusterSums,
  combineTerms,
  estimateOf,
  INTERVAL_METHODS,
  interval,
  intervals,
  normalCdf,
  normalQuantile,
  quantile,
  type RoundTermArrays,
  resampleCounts,
  standardError,
  studentQuantile,
} from '../../src/stats/index.js';
import { acceleration, leaveOneOut } from '../../src/stats/interval/bca.js';
import { bootstrapReplicates } from '../../src/stats/interval/bootstrap.js';
import { columnsOf } from '../../src/stats/terms.js';
import golden from '../golden/stats.json' with { type: 'json' };

const f64 = (values: readonly number[]) => Float64Array.from(values);
const plain = (values: readonly number[]): RoundTermArrays => ({
  numerator: f64(values),
  denominator: null,
  baseline: null,
});
const { values, weights } = golden.intervals;
const ratio: RoundTermArrays = {
  numerator: f64(values.map((v, i) => v * weights[i]!)),
  denominator: f64(weights),
  baseline: null,
};

describe('interval t', () => {
  test('equals scipy, and the textbook: sleep data, group 1 (Student 1908)', () => {
    const { lower, upper } = interval('t', plain(values), { level: 0.95 });
    expect(lower).toBeCloseTo(golden.intervals.tMean95[0]!, 12);
    expect(upper).toBeCloseTo(golden.intervals.tMean95[1]!, 12);
    // R: t.test(extra ~ 1, sleep, group == 1): mean 0.75, 95 % -0.5297804 2.0297804
    const sleep = interval('t', plain([0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0, 2]), { level: 0.95 });
    expect(sleep.estimate).toBeCloseTo(0.75, 14);
    expect(sleep.lower).toBeCloseTo(-0.5297804, 6);
    expect(sleep.upper).toBeCloseTo(2.0297804, 6);
  });

  test('with clusters: clusters - 1 degrees of freedom and the cluster-robust error', () => {
    const clusterOf = Int32Array.from(values, (_, i) => i % 5);
    const { estimate, stdError, upper } = interval('t', ratio, { level: 0.9, clusterOf, clusters: 5 });
    expect(estimate).toBeCloseTo(estimateOf(ratio), 14);
    expect(stdError).toBeCloseTo(standardError(clusterSums(ratio, clusterOf, 5)), 14);
    expect((upper - estimate) / stdError).toBeCloseTo(studentQuantile(0.95, 4), 10);
  });
});

/** The bootstrap written the long way: lists of drawn indices, estimates from copied data. */
function slowReplicates(terms: RoundTermArrays, random: Random, resamples: number): number[] {
  const n = terms.numerator.length;
  return Array.from({ length: resamples }, () => {
    const drawn = [...resampleCounts(random, n)].flatMap((times, i) => new Array<number>(times).fill(i));
    const take = (column: Float64Array | null | undefined) => (column ? f64(drawn.map((i) => column[i]!)) : null);
    const count = take(terms.count);
    return estimateOf({
      numerator: take(terms.numerator)!,
      denominator: take(terms.denominator),
      baseline: take(terms.baseline),
      count,
    });
  });
}

/** BCa the long way, after Efron and Tibshirani (1993), equations 14.9 to 14.15. */
function slowBca(terms: RoundTermArrays, replicates: readonly number[], level: number): [number, number] {
  const n = terms.numerator.length;
  const estimate = estimateOf(terms);
  const z0 = normalQuantile(replicates.filter((r) => r < estimate).length / replicates.length);
  const jackknife = Array.from({ length: n }, (_, i) => {
    const drop = (column: Float64Array | null) => column?.filter((_v, k) => k !== i) ?? null;
    return estimateOf({
      numerator: drop(terms.numerator)!,
      denominator: drop(terms.denominator),
      baseline: drop(terms.baseline),
    });
  });
  const mean = jackknife.reduce((a, b) => a + b, 0) / n;
  const sum = (power: number) => jackknife.reduce((s, v) => s + (mean - v) ** power, 0);
  const a = sum(3) / (6 * sum(2) ** 1.5);
  const end = (alpha: number) => {
    const z = z0 + normalQuantile(alpha);
    return quantile(replicates, normalCdf(z0 + z / (1 - a * z)));
  };
  return [end((1 - level) / 2), end((1 + level) / 2)];
}

describe('interval bootstrap and bca', () => {
  test('equal the long way on the same resamples', () => {
    const dr: RoundTermArrays = { ...ratio, baseline: f64(values.map((v) => 0.1 * v * v)) };
    for (const terms of [dr, ratio]) {
      const options = () => ({ level: 0.9, resamples: 300, random: seededRandom(8) });
      const slow = slowReplicates(terms, seededRandom(8), 300);
      const percentile = interval('bootstrap', terms, options());
      expect(percentile.lower).toBeCloseTo(quantile(slow, 0.05), 12);
      expect(percentile.upper).toBeCloseTo(quantile(slow, 0.95), 12);
      const bca = interval('bca', terms, options());
      const [lower, upper] = slowBca(terms, slow, 0.9);
      expect(bca.lower).toBeCloseTo(lower, 10);
      expect(bca.upper).toBeCloseTo(upper, 10);
      expect(bca.lower).toBeGreaterThan(percentile.lower); // skewed to the right: BCa moves right
    }
  });

  test('agree with scipy.stats.bootstrap up to the noise of resampling', () => {
    const resamples = 20000;
    const near = (got: number, expected: number, terms: RoundTermArrays, p: number) => {
      // standard error of a sample quantile with density as of a normal, doubled for skewness and the estimated z0
      const density = Math.exp(-(normalQuantile(p) ** 2) / 2) / Math.sqrt(2 * Math.PI) / standardError(terms);
      expect(Math.abs(got - expected)).toBeLessThan((2 * 4.5 * Math.sqrt((p * (1 - p)) / resamples)) / density);
    };
    const options = (level: number) => ({ level, resamples, random: seededRandom(11) });
    const cases = [
      ['bootstrap', plain(values), 0.95, golden.intervals.percentileMean95],
      ['bca', plain(values), 0.95, golden.intervals.bcaMean95],
      ['bca', ratio, 0.9, golden.intervals.bcaRatio90],
    ] as const;
    for (const [method, terms, level, [lower, upper]] of cases) {
      const got = interval(method, terms, options(level));
      near(got.lower, lower!, terms, (1 - level) / 2);
      near(got.upper, upper!, terms, (1 - level) / 2);
    }
  });

  test('the spread of the replicates is near the standard error of t', () => {
    const terms = plain(Array.from({ length: 200 }, (_, i) => Math.sin(i * 12.9898) * 3 + (i % 7)));
    const resamples = 2000;
    const [replicates] = bootstrapReplicates([columnsOf(terms)], { level: 0.9, random: seededRandom(3), resamples });
    const mean = replicates!.reduce((a, b) => a + b, 0) / resamples;
    const spread = Math.sqrt(replicates!.reduce((s, r) => s + (r - mean) ** 2, 0) / (resamples - 1));
    const exact = standardError(terms) * Math.sqrt(199 / 200); // the bootstrap divides by n
    expect(Math.abs(spread / exact - 1)).toBeLessThan(4.5 / Math.sqrt(2 * resamples));
    expect(Math.abs(mean - estimateOf(terms))).toBeLessThan((4.5 * exact) / Math.sqrt(resamples));
  });

  test('several estimates share their resamples, so differences stay paired', () => {
    const shifted = combineTerms(plain(values), plain(values.map(() => 1)), -1);
    const zero = combineTerms(plain(values), plain(values), -1);
    const [x, y, none] = bootstrapMany([plain(values), shifted, zero], {
      level: 0.8,
      random: seededRandom(1),
      resamples: 200,
    });
    expect(y!.lower).toBeCloseTo(x!.lower - 1, 12);
    expect(y!.upper).toBeCloseTo(x!.upper - 1, 12);
    expect(none).toEqual({ estimate: 0, stdError: 0, lower: 0, upper: 0 });
    const alone = interval('bootstrap', plain(values), { level: 0.8, random: seededRandom(1), resamples: 200 });
    expect(x).toEqual(alone);
  });

  test('whole clusters are resampled', () => {
    const clusterOf = Int32Array.from(values, (_, i) => (i < 8 ? 0 : i < 14 ? 1 : 2));
    const options = { level: 0.9, clusterOf, clusters: 3, resamples: 400, random: seededRandom(2) };
    const slow = slowReplicates(clusterSums(ratio, clusterOf, 3), seededRandom(2), 400);
    const { lower, upper } = interval('bootstrap', ratio, options);
    expect(lower).toBeCloseTo(quantile(slow, 0.05), 12);
    expect(upper).toBeCloseTo(quantile(slow, 0.95), 12);
  });

  test('constant terms have an interval of no width, and undefined resamples are left out', () => {
    for (const method of ['t', 'bootstrap', 'bca'] as const) {
      const same = interval(method, plain([2, 2, 2, 2]), { level: 0.9, random: seededRandom(0) });
      expect(same).toEqual({ estimate: 2, stdError: 0, lower: 2, upper: 2 });
    }
    const rare: RoundTermArrays = { numerator: f64([3, 0, 0, 0]), denominator: f64([1, 0, 0, 0]), baseline: null };
    for (const method of ['bootstrap', 'bca'] as const) {
      const { lower, upper } = interval(method, rare, { level: 0.9, random: seededRandom(0) });
      expect([lower, upper]).toEqual([3, 3]);
    }
    const undefinedTerms: RoundTermArrays = { numerator: f64([0, 0]), denominator: f64([0, 0]), baseline: null };
    for (const method of ['t', 'bootstrap', 'bca'] as const) {
      const none = interval(method, undefinedTerms, { level: 0.9, random: seededRandom(0) });
      for (const value of Object.values(none)) expect(value).toBeNaN();
    }
  });

  test.prop([
    fc.array(fc.tuple(fc.double({ min: -5, max: 5, noNaN: true }), fc.double({ min: 0.1, max: 3, noNaN: true })), {
      minLength: 3,
      maxLength: 12,
    }),
  ])('leave-one-out from the totals is leaving one out', (rows) => {
    const terms: RoundTermArrays = {
      numerator: f64(rows.map(([a]) => a)),
      denominator: f64(rows.map(([, b]) => b)),
      baseline: null,
    };
    leaveOneOut(columnsOf(terms)).forEach((value, i) => {
      const rest = rows.filter((_, k) => k !== i);
      const direct = rest.reduce((s, [a]) => s + a, 0) / rest.reduce((s, [, b]) => s + b, 0);
      expect(value).toBeCloseTo(direct, 9);
    });
  });

  test('one weight that dwarfs the others leaves them intact when it is left out', () => {
    const terms: RoundTermArrays = { numerator: f64([1e20, 2, 3]), denominator: f64([1e20, 1, 1]), baseline: null };
    expect(leaveOneOut(columnsOf(terms))[0]).toBe(2.5);
    expect(acceleration(columnsOf(plain([5, 5, 5])))).toBe(0);
  });
});

describe('intervals for plain means on a declared range', () => {
  const options = { level: 0.95, range: [0, 1] as const };
  const terms = plain(Array.from({ length: 100 }, (_, i) => (i % 4 === 0 ? 1 : 0)));

  test('by hand', () => {
    const hoeffding = interval('hoeffding', terms, options);
    expect(hoeffding.upper - 0.25).toBeCloseTo(Math.sqrt(Math.log(40) / 200), 14);
    const bernstein = interval('bernstein', terms, options);
    const log = Math.log(80);
    const reach = Math.sqrt((2 * (100 * 0.25 * 0.75) * log) / 99 / 100) + (7 * log) / (3 * 99);
    expect(bernstein.upper - 0.25).toBeCloseTo(reach, 14);
    expect(interval('bernstein', plain([0, 0, 1]), options)).toMatchObject({ lower: 0, upper: 1 }); // cut to the range
    const smoothing = interval('log-smoothing', terms, { level: 0.95, lambda: 0.5 });
    expect(smoothing.lower).toBeCloseTo((Math.exp((25 * Math.log(1.5) - Math.log(20)) / 100) - 1) / 0.5, 14);
    expect(smoothing.upper).toBe(Infinity);
  });

  test.prop([fc.double({ min: -10, max: 10, noNaN: true }), fc.double({ min: 0.1, max: 10, noNaN: true })])(
    'move with the range: shift and scale of terms and range',
    (shift, scale) => {
      for (const method of ['hoeffding', 'bernstein', 'betting'] as const) {
        const base = interval(method, terms, options);
        const moved = interval(method, plain([...terms.numerator].map((v) => shift + scale * v)), {
          level: 0.95,
          range: [shift, shift + scale],
        });
        expect(moved.lower).toBeCloseTo(shift + scale * base.lower, 8);
        expect(moved.upper).toBeCloseTo(shift + scale * base.upper, 8);
      }
      const bare = interval('betting', terms, { level: 0.95 });
      const scaled = interval('betting', plain([...terms.numerator].map((v) => scale * v)), { level: 0.95 });
      expect(scaled.lower).toBeCloseTo(scale * bare.lower, 8);
    },
  );

  test('clusters of one round are no clusters; copies in a cluster are no evidence', () => {
    const own = { clusterOf: Int32Array.from(terms.numerator, (_, i) => i), clusters: 100 };
    const copies = plain([...terms.numerator].flatMap((v) => [v, v]));
    const pairs = { clusterOf: Int32Array.from(copies.numerator, (_, i) => i >> 1), clusters: 100 };
    for (const method of ['hoeffding', 'bernstein', 'log-smoothing', 'betting'] as const) {
      const base = interval(method, terms, options);
      const one = interval(method, terms, { ...options, ...own });
      const two = interval(method, copies, { ...options, ...pairs });
      for (const got of [one, two]) {
        expect(got.lower).toBeCloseTo(base.lower, 9);
        if (base.upper < Infinity) expect(got.upper).toBeCloseTo(base.upper, 9);
      }
    }
  });

  test('are refused for ratios, without a range, and for terms outside it', () => {
    for (const method of ['hoeffding', 'bernstein', 'log-smoothing', 'betting'] as const) {
      expect(() => interval(method, ratio, { level: 0.9, range: [0, 100] })).toThrow(/ratio/);
      expect(() => interval(method, plain([]), options)).toThrow(/terms/);
    }
    for (const method of ['hoeffding', 'bernstein'] as const) {
      expect(() => interval(method, terms, { level: 0.9 })).toThrow(/range/);
      expect(() => interval(method, terms, { level: 0.9, range: [1, 1] })).toThrow(/range/);
      expect(() => interval(method, terms, { level: 0.9, range: [0, 0.5] })).toThrow(/term of round 0 is 1/);
    }
    for (const method of ['log-smoothing', 'betting'] as const) {
      expect(() => interval(method, plain([1, -0.1]), { level: 0.9 })).toThrow(/term of round 1 is -0\.1/);
    }
    expect(interval('hoeffding', plain([0.1 + 0.2, 0]), { level: 0.9, range: [0, 0.3] }).upper).toBe(0.3); // rounding
    expect(() => interval('log-smoothing', terms, { level: 0.9, lambda: 0 })).toThrow(/lambda/);
  });
});

test('every method refuses bad options by name, and all share the estimate and its error', () => {
  const terms = plain(values);
  for (const method of INTERVAL_METHODS) {
    const options = { level: 0.9, random: seededRandom(0), resamples: 50, range: [0, 10] as const };
    const got = interval(method, terms, options);
    expect(got.estimate).toBeCloseTo(estimateOf(terms), 14);
    expect(got.stdError).toBeCloseTo(standardError(terms), 14);
    expect(got.lower).toBeLessThan(got.estimate);
    expect(got.upper).toBeGreaterThan(got.estimate);
    for (const level of [0, 1, Number.NaN, 95])
      expect(() => interval(method, terms, { ...options, level })).toThrow(/level/);
    expect(() => interval(method, plain([1, Number.NaN]), options)).toThrow(/numerator\[1\]/);
    expect(() => interval(method, terms, { ...options, clusterOf: Int32Array.of(0) })).toThrow(/clusters/);
  }
  expect(() => interval('bootstrap', terms, { level: 0.9 })).toThrow(/random/);
  expect(() => interval('bca', terms, { level: 0.9, random: seededRandom(0), resamples: 0 })).toThrow(/resamples/);
  expect(() => intervals('bootstrap', [terms, plain([1])], { level: 0.9, random: seededRandom(0) })).toThrow(/rounds/);
  expect(() => interval('wald' as 't', terms, { level: 0.9 })).toThrow(/method is "wald"/);
});

test('one round has no interval', () => {
  for (const method of ['t', 'bootstrap', 'bca'] as const) {
    const { estimate, stdError, lower, upper } = interval(method, plain([3]), { level: 0.9, random: seededRandom(0) });
    expect(estimate).toBe(3);
    for (const value of [stdError, lower, upper]) expect(value).toBeNaN();
  }
});

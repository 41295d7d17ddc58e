import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { seededRandom } from '../../src/random/index.js';
import { estimateOf, type Interval, type IntervalOptions, interval, standardError } from '../../src/stats/index.js';
import { expectClose } from '../theorems/close.js';
import { coverageOf, type IntervalTraits, plainTerms, termDistributions } from './interval-cases.js';

/** Terms are multiples of 1/4 in [0, 6], and so is the declared range. */
const range: readonly [number, number] = [0, 6];
const terms = (least: number, most = 12) =>
  fc.array(
    fc.integer({ min: 0, max: 24 }).map((q) => q / 4),
    { minLength: least, maxLength: most },
  );
const runs = { numRuns: 60 };

/** Fresh for each call, so that two calls of a bootstrap draw the same resamples. */
export const optionsFor = ({ needsRange }: Pick<IntervalTraits, 'needsRange'>, level = 0.9): IntervalOptions => ({
  level,
  random: seededRandom(5),
  resamples: 60,
  ...(needsRange && { range }),
});

function expectSame(got: Interval, expected: Interval, scale = 10): void {
  for (const key of ['estimate', 'stdError', 'lower', 'upper'] as const) {
    if (Number.isFinite(expected[key])) expectClose(got[key], expected[key], scale, 1e-9);
    else expect(got[key]).toBe(expected[key]);
  }
}

const moved = ({ estimate, stdError, lower, upper }: Interval, shift: number, scale: number): Interval => ({
  estimate: shift + scale * estimate,
  stdError: scale * stdError,
  lower: shift + scale * lower,
  upper: shift + scale * upper,
});

/** The properties that every interval has by its traits. */
export function intervalSuite(cases: readonly IntervalTraits[]): void {
  describe.each(cases.map((one) => [one.method, one] as const))('interval %s', (method, one) => {
    const of = (values: readonly number[], options: Partial<IntervalOptions> = {}): Interval =>
      interval(method, plainTerms(values), { ...optionsFor(one), ...options });

    test.prop([terms(2)], runs)('has the estimate and its standard error, and ends in order', (values) => {
      const got = of(values);
      expectClose(got.estimate, estimateOf(plainTerms(values)));
      expectClose(got.stdError, standardError(plainTerms(values)));
      expect(got.lower).toBeLessThanOrEqual(got.upper);
      expect(got.upper === Infinity).toBe(one.oneSided);
      if (one.needsRange) {
        expect(got.lower).toBeGreaterThanOrEqual(range[0]);
        expect(got.upper).toBeLessThanOrEqual(range[1]);
      }
      if (!one.signed) expect(got.lower).toBeGreaterThanOrEqual(0);
    });

    const factor = fc.constantFrom(0.25, 3, 1000);
    if (one.scale) {
      test.prop([terms(2), factor], runs)('s times the terms: s times the interval', (values, s) => {
        const options = one.needsRange ? { range: [0, 6 * s] as const } : {};
        expectSame(
          of(
            values.map((z) => s * z),
            options,
          ),
          moved(of(values), 0, s),
          10 * s,
        );
      });
    }
    if (one.shift) {
      test.prop([terms(2), fc.constantFrom(-2, 0.5, 100)], runs)('terms + c: the interval + c', (values, c) => {
        const options = one.needsRange ? { range: [c, 6 + c] as const } : {};
        expectSame(
          of(
            values.map((z) => z + c),
            options,
          ),
          moved(of(values), c, 1),
          200,
        );
      });
    }
    if (one.order) {
      test.prop([terms(2)], runs)('does not depend on the order of the rounds', (values) => {
        expectSame(of([...values].reverse()), of(values));
        expectSame(of([...values].sort((x, y) => x - y)), of(values));
      });
    }
    if (one.nested) {
      test.prop([terms(2), fc.constantFrom(0.5, 0.8, 0.9), fc.constantFrom(0.95, 0.99)], runs)(
        'a higher level is wider',
        (values, low, high) => {
          const [narrow, wide] = [of(values, { level: low }), of(values, { level: high, random: seededRandom(5) })];
          expect(wide.lower).toBeLessThanOrEqual(narrow.lower + 1e-9);
          expect(wide.upper).toBeGreaterThanOrEqual(narrow.upper - 1e-9);
        },
      );
    }

    test.prop([terms(2)], runs)('clusters of one round are no clusters', (values) => {
      const own = { clusterOf: Int32Array.from(values, (_, i) => i), clusters: values.length };
      expectSame(of(values, own), of(values));
    });

    test.prop([terms(2, 6)], runs)('copies within a cluster are no evidence', (values) => {
      const copies = values.flatMap((z) => [z, z, z]);
      const threes = { clusterOf: Int32Array.from(copies, (_, i) => Math.floor(i / 3)), clusters: values.length };
      expectSame(of(copies, threes), of(values));
    });

    test(`one round: ${one.oneRound ? 'an interval that knows little' : 'no interval'}`, () => {
      const got = of([3]);
      expect(got.estimate).toBe(3);
      expect(got.stdError).toBeNaN();
      if (!one.oneRound) {
        expect([got.lower, got.upper]).toEqual([Number.NaN, Number.NaN]);
      } else {
        expect(got.lower).toBeLessThanOrEqual(3);
        expect(got.upper).toBeGreaterThanOrEqual(3);
        expect(got.lower).toBeGreaterThanOrEqual(0);
      }
    });

    test('two rounds have one', () => {
      const got = of([1, 3]);
      expect(got.lower).toBeLessThanOrEqual(2);
      expect(got.upper).toBeGreaterThanOrEqual(2);
    });

    test.prop([fc.integer({ min: 0, max: 24 }).map((q) => q / 4), fc.integer({ min: 2, max: 30 })], runs)(
      one.guaranteed
        ? 'equal terms: the interval holds them and is not a point'
        : 'equal terms: a point, which claims too much',
      (z, n) => {
        const got = of(new Array<number>(n).fill(z));
        expect(got.stdError).toBe(0);
        if (!one.guaranteed) {
          expect([got.lower, got.upper]).toEqual([z, z]);
        } else {
          expect(got.lower).toBeLessThanOrEqual(z + 1e-12);
          expect(got.upper).toBeGreaterThanOrEqual(z - 1e-12);
          expect(got.upper).toBeGreaterThan(got.lower);
        }
      },
    );

    test('refuses a bad level, terms that are no numbers, bad clusters and, by its kind, ratios, ranges and signs', () => {
      const good = [1, 2, 3];
      for (const level of [0, 1, -0.5, 95, Number.NaN, Infinity]) expect(() => of(good, { level })).toThrow(/level is/);
      for (const bad of [Number.NaN, Infinity, -Infinity])
        expect(() => of([1, bad])).toThrow(/terms\.numerator\[1\] is/);
      expect(() => of(good, { clusterOf: Int32Array.of(0, 1, 1) })).toThrow(/clusters/);
      expect(() => of(good, { clusterOf: Int32Array.of(0, 1), clusters: 2 })).toThrow(/clusterOf\.length is 2/);
      expect(() => of(good, { clusterOf: Int32Array.of(0, 0, 2), clusters: 3 })).toThrow(/Cluster 1 has none/);
      const ratio = { ...plainTerms(good), denominator: Float64Array.of(1, 2, 1) };
      const onRatio = () => interval(method, ratio, optionsFor(one));
      if (one.ratios) expect(onRatio().lower).toBeLessThan(onRatio().upper);
      else expect(onRatio).toThrow(/ratio/);
      if (one.needsRange) {
        for (const range of [undefined, null, [1, 1], [3, 0], [0, Infinity], [Number.NaN, 6]] as const)
          expect(() => of(good, { range } as Partial<IntervalOptions>)).toThrow(
            /range is .*declared range.*The largest value seen is not one/,
          );
        expect(() => of(good, { range: [0, 2] })).toThrow(/term of round 2 is 3; expected in the declared range/);
      }
      if (one.signed && !one.needsRange) expect(of([-1, 2]).lower).toBeLessThan(of([-1, 2]).estimate);
      if (!one.signed) expect(() => of([1, -1])).toThrow(/term of round 1 is -1; expected at least 0/);
    });

    test('no rounds: refused, or no estimate', () => {
      if (one.ratios) expect(of([]).estimate).toBeNaN();
      else expect(() => of([])).toThrow(/at least one round/);
    });
  });
}

export const coverageLevel = 0.9;
const resampling = new Set(['bootstrap', 'bca']);

/** Seeded coverage: guaranteed methods everywhere, the others where the limit is near. */
export function coverageSuite(cases: readonly IntervalTraits[]): void {
  const repetitions = 400;
  const level = coverageLevel;
  const noise = 3 * Math.sqrt((level * (1 - level)) / repetitions);
  const setting = { repetitions, level, seed: 20251125 } as const;

  describe.each(cases.filter(({ guaranteed }) => guaranteed).map((one) => [one.method, one] as const))(
    'coverage of %s',
    (method, one) => {
      for (const distribution of termDistributions) {
        if (one.needsRange && distribution.range === null) continue;
        for (const rounds of [20, 100, 1000]) {
          test(`is at least its level: ${distribution.name} terms, N = ${rounds}`, () => {
            // betting at N = 1000 costs a search in each repetition
            const few = rounds === 1000 ? 100 : repetitions;
            const slack = rounds === 1000 ? noise * 2 : noise;
            const range = one.needsRange ? 'declared' : 'none';
            const got = coverageOf(method, distribution, { ...setting, rounds, repetitions: few, range });
            expect(got.both).toBeGreaterThanOrEqual(level - slack);
          });
        }
      }
    },
  );

  describe.each(cases.filter(({ guaranteed }) => !guaranteed).map((one) => [one.method] as const))(
    'coverage of %s',
    (method) => {
      const [light, , heavy, rare] = termDistributions;
      const isSlow = resampling.has(method);
      const cover = (distribution: (typeof termDistributions)[number], rounds: number, few: number): number =>
        coverageOf(method, distribution, { ...setting, rounds, repetitions: few, range: 'none', resamples: 200 }).both;

      test('is near its level on light terms at N = 1000', () => {
        const few = isSlow ? 150 : repetitions;
        // 0.02: ends of 200 resamples, whose extreme quantiles are rough
        const slack = 3 * Math.sqrt((level * (1 - level)) / few) + (isSlow ? 0.02 : 0);
        expect(Math.abs(cover(light, 1000, few) - level)).toBeLessThanOrEqual(slack);
      });

      test('witness: is far below its level on heavy and on rare terms at N = 20', () => {
        const noise = 3 * Math.sqrt(0.25 / 200);
        expect(cover(heavy, 20, 200)).toBeLessThan(0.8 - noise / 2);
        expect(cover(rare, 20, 200)).toBeLessThan(0.3);
      });
    },
  );
}

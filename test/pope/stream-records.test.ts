import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { diagnose } from '../../src/ope/index.js';
import { evaluationRows } from '../../src/pope/index.js';
import { clusterLimit, clusterNames, mergeClusters } from '../../src/pope/stream/cluster-names.js';
import { figureLogSmoothing, figureRecord, figureT, mergeFigures } from '../../src/pope/stream/figure-record.js';
import { mergeMaps, mergeRanges, rangeOf } from '../../src/pope/stream/target-record.js';
import {
  emptyVariance,
  mergeVariances,
  varianceRecord,
  varianceResult,
} from '../../src/pope/stream/variance-record.js';
import { diagnosticsOf, emptyWeights, mergeWeights, weightRecord } from '../../src/pope/stream/weight-record.js';
import { varianceLowerBound } from '../../src/pope/variance.js';
import type { RoundTermArrays } from '../../src/stats/index.js';
import { expectAllClose, expectClose } from '../theorems/close.js';
import { logOf, up } from './evaluation-log.js';

const rowsOf = (n: number, ids: readonly string[] = []) =>
  evaluationRows(
    logOf(Array.from({ length: n }, (_, i) => ({ rows: [{ p0: 0.5, pi: 0.5, up: 1 }], id: ids[i] ?? `r${i}` }))),
    up,
  );
const plain = (...numerator: number[]): RoundTermArrays => ({
  numerator: Float64Array.from(numerator),
  denominator: null,
  baseline: null,
});
const ratio = (numerator: number[], denominator: number[]): RoundTermArrays => ({
  ...plain(...numerator),
  denominator: Float64Array.from(denominator),
});
const scale = { logScale: 0, lambda: null };
const record = (terms: RoundTermArrays, options: Parameters<typeof figureRecord>[2] = scale) =>
  figureRecord(terms, rowsOf(terms.numerator.length), options);

describe('figures in parts', () => {
  test('the round whose term leaves float64 is the first by its id, whichever column and part it is in', () => {
    const overflowing = (bad: readonly string[], column: 'numerator' | 'denominator' | 'baseline') => {
      const ids = ['a', 'b', 'c'];
      const values = Float64Array.from(ids, (id) => (bad.includes(id) ? Infinity : 1));
      const terms = { ...plain(1, 1, 1), denominator: null, baseline: null, [column]: values };
      return figureRecord(terms, rowsOf(3, ids), scale);
    };
    for (const column of ['numerator', 'denominator', 'baseline'] as const)
      expect(overflowing(['c', 'b'], column).overflow).toBe('b');
    const both = { ...ratio([1, Infinity], [Number.NaN, 1]), baseline: Float64Array.of(1, 1) };
    expect(figureRecord(both, rowsOf(2, ['z', 'y']), scale)).toMatchObject({ overflow: 'y', rounds: 2, logs: 0 });
    const [b, c, none] = [overflowing(['b'], 'numerator'), overflowing(['c'], 'baseline'), overflowing([], 'baseline')];
    for (const [x, y] of [
      [b, c],
      [c, b],
      [b, none],
      [none, b],
    ] as const)
      expect(mergeFigures(x, y)).toMatchObject({ overflow: 'b', rounds: 6 });
    expect(mergeFigures(none, none).overflow).toBeNull();
    expect(mergeFigures(c, none).overflow).toBe('c');
  });
  test('one unit has an estimate and no interval; two have one', () => {
    expect(figureT(record(plain(3)), 0.9)).toMatchObject({ estimate: 3, lower: Number.NaN, upper: Number.NaN });
    const two = figureT(record(plain(3, 5)), 0.9);
    // Student's t of one degree of freedom at 0.95 is tan(0.45 pi)
    expectAllClose(
      [two.estimate, two.stdError, two.upper - 4, 4 - two.lower],
      [4, 1, ...[0, 0].fill(Math.tan(0.45 * Math.PI))],
    );
  });
  test('the smallest term is kept, or a reward below it where the estimator is pessimistic', () => {
    const terms = { ...plain(2, 1, 4), baseline: Float64Array.of(0, 0.5, -3) };
    expect(record(terms).lowest).toBe(1);
    expect(record(terms, { ...scale, floor: -2 }).lowest).toBe(-2);
    expect(record(terms, { ...scale, floor: 9 }).lowest).toBe(1);
    const merged = mergeFigures(record(plain(2)), record(ratio([1], [1])));
    expect(merged).toMatchObject({ lowest: 1, isRatio: true });
  });
  test('T12: logarithmic smoothing from the sum of log(1 + lambda t), for plain means of terms of at least 0', () => {
    const [lambda, level] = [0.5, 0.9];
    const terms = { ...plain(2, 0, 40), baseline: Float64Array.of(1, 0, 0) };
    const found = figureLogSmoothing(record(terms, { ...scale, lambda }), level, lambda);
    const logs = [3, 0, 40].reduce((sum, t) => sum + Math.log(1 + lambda * t), 0);
    expectClose(found.lower, (Math.exp((logs + Math.log(0.1)) / 3) - 1) / lambda);
    expect(found).toMatchObject({ estimate: 43 / 3, upper: Infinity });
    expectClose(found.stdError, figureT(record(terms), level).stdError);
    expect(figureLogSmoothing(record(plain(0, 0), { ...scale, lambda }), level, lambda).lower).toBe(0);
    const negative = record(plain(1, -0.25), { ...scale, lambda });
    expectClose(negative.logs, Math.log(1.5));
    expect(() => figureLogSmoothing(negative, level, lambda)).toThrow(
      /^the smallest term of a round is -0.25; expected at least 0/,
    );
    const quotient = record(ratio([1, 2], [1, 1]), { ...scale, lambda });
    expect(quotient.logs).toBe(0);
    expect(() => figureLogSmoothing(quotient, level, lambda)).toThrow(/the terms are a ratio/);
    const naming = (details: object) => expect.objectContaining(details) as unknown as Error;
    expect(() => figureLogSmoothing(quotient, level, lambda)).toThrow(naming({ argument: 'interval' }));
    expect(() => figureLogSmoothing(negative, level, lambda)).toThrow(naming({ argument: 'interval', got: -0.25 }));
  });
});

const logs = fc.array(
  fc.oneof(
    fc.integer({ min: -8, max: 8 }).map((q) => q / 4),
    fc.constant(-Infinity),
  ),
  {
    minLength: 2,
    maxLength: 12,
  },
);

describe('variances in parts', () => {
  const rewards = fc.array(fc.integer({ min: -4, max: 4 }), { minLength: 12, maxLength: 12 });
  test.prop([logs, rewards, fc.integer({ min: 0, max: 12 })])(
    'T4: any two parts, empty ones too, give the bound of the whole',
    (logRatio, reward, cut) => {
      const n = logRatio.length;
      const part = (from: number, to: number) =>
        varianceRecord(
          Float64Array.from(logRatio.slice(from, to)),
          Float64Array.from(reward.slice(from, Math.min(to, n))),
          new Float64Array(Math.max(0, Math.min(to, n) - from)).fill(1),
        );
      const at = Math.min(cut, n);
      const found = varianceResult(mergeVariances(part(0, at), part(at, n)), n)!;
      const whole = varianceLowerBound(logRatio, reward.slice(0, n));
      expectAllClose(
        [found.estimate, found.lower_bound, found.z, found.kl, found.chi2],
        [whole.variance, whole.lowerBound, whole.z, whole.kl, whole.chi2],
      );
    },
  );
  const one = (log: number, reward: number) =>
    varianceRecord(Float64Array.of(log), Float64Array.of(reward), Float64Array.of(1));
  test('T4: nothing rewarded is the neutral part', () => {
    expect(one(3, 0)).toEqual(emptyVariance);
    expect(one(-Infinity, 2)).toEqual(emptyVariance);
    const some = one(1, -2);
    expect(mergeVariances(some, emptyVariance)).toEqual(some);
    expect(mergeVariances(emptyVariance, some)).toEqual(some);
    expect(varianceResult(emptyVariance, 3)).toEqual({ estimate: 0, lower_bound: 0, z: 0, kl: 0, chi2: 0 });
  });
  test('T4: null from exp(350) on, whose square is no float64', () => {
    expect(varianceResult(one(350, 1), 1)).toBeNull();
    expect(varianceResult(one(349.9, 1), 1)).toMatchObject({ chi2: 0 });
    expect(varianceResult(mergeVariances(one(0, 1), one(351, 1)), 2)).toBeNull();
  });
});

describe('weights in parts', () => {
  const named = (logRatio: readonly number[], ids: readonly string[], unitOf = logRatio.map((_, j) => j)) =>
    weightRecord(
      Float64Array.from(logRatio),
      Int32Array.from(unitOf),
      Math.max(0, ...unitOf) + 1,
      (j) => ids[j] ?? `r${j}`,
      10,
    );
  const ids = (found: ReturnType<typeof named>) => found.largest.map(({ id }) => id);

  test('the three largest, equal ones by the id of their round, whatever the order and the parts', () => {
    const log: readonly (readonly [number, string])[] = [
      [1, 'd'],
      [2, 'b'],
      [1, 'c'],
      [1, 'a'],
      [0, 'e'],
    ];
    const of = (rows: typeof log) =>
      named(
        rows.map(([l]) => l),
        rows.map(([, id]) => id),
      );
    expect(ids(of(log))).toEqual(['b', 'a', 'c']);
    expect(ids(of([...log].reverse()))).toEqual(['b', 'a', 'c']);
    for (let cut = 1; cut < 5; cut++) {
      const [x, y] = [of(log.slice(0, cut)), of(log.slice(cut))];
      expect(ids(mergeWeights(x, y))).toEqual(['b', 'a', 'c']);
      expect(ids(mergeWeights(y, x))).toEqual(['b', 'a', 'c']);
    }
    // two responses of one round
    expect(ids(named([1, 1, 0, 2], ['a', 'a', 'b', 'c']))).toEqual(['c', 'a', 'a']);
  });
  test.prop([logs, logs])('two parts have the diagnostics of the whole', (first, second) => {
    const whole = Float64Array.of(...first, ...second);
    const found = diagnosticsOf(mergeWeights(named(first, []), named(second, [])), whole.length);
    const expected = diagnose(whole, Int32Array.from(whole.keys()), whole.length);
    for (const key of ['meanWeight', 'meanWeightError', 'paretoK'] as const) {
      if (expected[key] === null) expect(found[key]).toBeNull();
      else expectClose(found[key]!, expected[key]);
    }
    for (const key of ['effectiveSampleSize', 'maxWeightShare', 'zeroWeightShare', 'paretoLimit'] as const)
      expectClose(found[key], expected[key]);
    expect(found.largest).toHaveLength(Math.min(3, whole.length));
  });
  test('the mean weight is known up to exp(709), its error from ten units on', () => {
    const mean = (l: number) => diagnosticsOf(named([l, l], []), 2).meanWeight;
    expectClose(mean(700)! / Math.exp(700), 1);
    expect(mean(709)).not.toBeNull();
    expect(mean(709.5)).toBeNull();
    // a float64, as their sum is
    expect(diagnosticsOf(named([709.5, -Infinity], []), 2).meanWeight).toBeNull();
    // each is a float64, their sum is none
    expect(diagnosticsOf(named([709, 709, 709], [], [0, 0, 0]), 1).meanWeight).toBeNull();
    expect(diagnosticsOf(named([709, 709, 709, 0], [], [0, 0, 0, 1]), 2).meanWeight).toBeNull();
    const error = (units: number) =>
      diagnosticsOf(
        named(
          Array.from({ length: units }, (_, j) => (j % 2) / 2),
          [],
        ),
        units,
      ).meanWeightError;
    expect(error(9)).toBeNull();
    expect(error(10)).toBeGreaterThan(0);
  });
  test('weights of 0 alone, and none at all', () => {
    const zero = diagnosticsOf(named([-Infinity, -Infinity], []), 2);
    expect(zero).toMatchObject({ effectiveSampleSize: 0, maxWeightShare: 0, meanWeight: 0, zeroWeightShare: 1 });
    expect(zero.paretoReason).toMatch(/all weights are 0/);
    const some = named([0.5, -Infinity, 2], []);
    for (const merged of [mergeWeights(emptyWeights(10), some), mergeWeights(some, emptyWeights(10))]) {
      expect(diagnosticsOf(merged, 3)).toEqual(diagnosticsOf(some, 3));
      expect(merged.largest).toEqual(some.largest);
      expect(merged.top).toBe(2);
    }
    expect(diagnosticsOf(mergeWeights(named([-Infinity], []), some), 4)).toMatchObject({ zeroWeightShare: 0.5 });
  });
});

describe('names of clusters', () => {
  const log = (n: number) => {
    const of = logOf([{ rows: [{ p0: 0.5, pi: 0.5, up: 1 }], id: 'r' }]);
    return {
      ...of,
      ids: Array.from({ length: n }, (_, i) => `r${i}`),
      clusters: Array.from({ length: n }, (_, i) => `c${i}`),
    };
  };
  const all = (n: number) => Int32Array.from({ length: n }, (_, i) => i);
  test('are kept up to their limit, and forgotten beyond', () => {
    expect(clusterNames(log(clusterLimit), all(clusterLimit))).toHaveLength(clusterLimit);
    expect(clusterNames(log(clusterLimit + 1), all(clusterLimit + 1))).toBeNull();
    const names = (n: number, of: string) => Array.from({ length: n }, (_, i) => `${of}${i}`);
    expect(mergeClusters(names(5000, 'x'), names(5000, 'y'))).toHaveLength(clusterLimit);
    expect(mergeClusters(names(5000, 'x'), names(5001, 'y'))).toBeNull();
    expect(mergeClusters(null, ['a'])).toBeNull();
    expect(mergeClusters(['a'], null)).toBeNull();
  });
  test('are those of the used rounds, sorted; a round that stands alone has none', () => {
    expect(clusterNames({ ...log(3), clusters: ['q', 'round r1', 'p'] }, all(3))).toEqual(['p', 'q']);
    expect(clusterNames({ ...log(3), clusters: ['q', 'b', 'p'] }, Int32Array.of(0, 1))).toEqual(['b', 'q']);
    expect(clusterNames({ ...log(1), clusters: null }, all(1))).toEqual([]);
    expect(mergeClusters(['c'], ['a', 'd'])).toEqual(['a', 'c', 'd']);
    expect(() => mergeClusters(['a', 'b'], ['c', 'b'])).toThrow(/^cluster "b" is in two parts/);
  });
});

test('ranges and maps of parts', () => {
  expect(rangeOf(Float64Array.of(2, -1, 5, 0))).toEqual([-1, 5]);
  expect(rangeOf(Float64Array.of(3))).toEqual([3, 3]);
  expect(mergeRanges([0, 2], [-1, 1])).toEqual([-1, 2]);
  expect(mergeRanges([Infinity, -Infinity], [-1, 1])).toEqual([-1, 1]);
  expect(mergeMaps({ a: 1, b: 2 }, { b: 3, c: 4 }, (x, y) => 10 * x + y)).toEqual({ a: 1, b: 23, c: 4 });
});

import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import {
  clusterIndex,
  clusterRobustStandardError,
  clusterSums,
  combineTerms,
  estimateOf,
  influence,
  type RoundTermArrays,
  standardError,
} from '../../src/stats/index.js';

const f64 = (...values: number[]) => Float64Array.from(values);
const plain = (...values: number[]): RoundTermArrays => ({
  numerator: f64(...values),
  denominator: null,
  baseline: null,
});
const number = fc.double({ min: -10, max: 10, noNaN: true });
const row = fc.tuple(number, fc.double({ min: 0.1, max: 5, noNaN: true }), number, fc.nat(3));
const rows = fc.array(row, { minLength: 4, maxLength: 20 });
const termsOf = (list: readonly (readonly [number, number, number, number])[]): RoundTermArrays => ({
  numerator: Float64Array.from(list, ([a]) => a),
  denominator: Float64Array.from(list, ([, b]) => b),
  baseline: Float64Array.from(list, ([, , c]) => c),
});

describe('terms: value and standard error', () => {
  test('a plain mean has the textbook standard error', () => {
    const terms = plain(2, 4, 4, 4, 5, 5, 7, 9); // mean 5, sum of squares 32
    expect(estimateOf(terms)).toBe(5);
    expect(standardError(terms)).toBeCloseTo(Math.sqrt(32 / 7 / 8), 14);
    expect([...influence(terms)]).toEqual([-3, -1, -1, -1, 0, 0, 2, 4]);
  });

  test('the ratio by hand: a = (1, 2, 0), b = (1, 1, 2), c = (3, 0, 0)', () => {
    const terms = { numerator: f64(1, 2, 0), denominator: f64(1, 1, 2), baseline: f64(3, 0, 0) };
    expect(estimateOf(terms)).toBeCloseTo(1 + 3 / 4, 15);
    // psi = c - 1 + (a - 3/4 b)/(4/3)
    const psi = [2 + 0.25 / (4 / 3), -1 + 1.25 / (4 / 3), -1 - 1.5 / (4 / 3)];
    influence(terms).forEach((value, i) => void expect(value).toBeCloseTo(psi[i]!, 14));
    expect(standardError(terms)).toBeCloseTo(Math.sqrt(psi.reduce((s, p) => s + p * p, 0) / 2 / 3), 14);
  });

  test.prop([rows])('the influence sums to 0 and is the derivative of the value in a row weight', (list) => {
    const terms = termsOf(list);
    const psi = influence(terms);
    expect(Math.abs(psi.reduce((s, p) => s + p, 0))).toBeLessThan(1e-10);
    const h = 1e-6;
    const tilted = (sign: number) => {
      const scale = (column: Float64Array) => column.map((v, i) => (i === 1 ? v * (1 + sign * h) : v));
      return estimateOf({
        numerator: scale(terms.numerator),
        denominator: scale(terms.denominator!),
        baseline: scale(terms.baseline!),
        count: scale(new Float64Array(list.length).fill(1)),
      });
    };
    const slope = ((tilted(1) - tilted(-1)) / (2 * h)) * list.length;
    expect(Math.abs(slope - psi[1]!)).toBeLessThan(1e-6 * (1 + Math.abs(psi[1]!)) * list.length);
  });

  test('undefined is NaN, and only there', () => {
    expect(estimateOf({ numerator: f64(0, 0), denominator: f64(0, 0), baseline: null })).toBeNaN();
    expect(standardError({ numerator: f64(0, 0), denominator: f64(0, 0), baseline: null })).toBeNaN();
    expect(estimateOf({ numerator: f64(1, 1), denominator: f64(1, -1), baseline: null })).toBeNaN();
    expect(estimateOf(plain())).toBeNaN();
    expect(estimateOf(plain(3))).toBe(3);
    expect(standardError(plain(3))).toBeNaN();
    expect(standardError(plain(3, 3, 3))).toBe(0);
  });

  test('huge weights do not overflow the standard error', () => {
    expect(standardError(plain(1e300, 0)) / 5e299).toBeCloseTo(1, 12);
  });

  test('wrong input is refused by name', () => {
    expect(() => estimateOf(plain(1, Number.NaN))).toThrow(/terms\.numerator\[1\] is NaN/);
    expect(() => estimateOf({ numerator: f64(1), denominator: f64(Infinity), baseline: null })).toThrow(
      /denominator\[0\]/,
    );
    expect(() => estimateOf({ numerator: f64(1), denominator: f64(1, 2), baseline: null })).toThrow(
      /denominator\.length/,
    );
    expect(() => estimateOf({ numerator: f64(1), denominator: null, baseline: null, count: f64(0) })).toThrow(
      /count\[0\]/,
    );
  });
});

describe('terms: clusters', () => {
  test.prop([rows])('sums within clusters keep the value, and add up the influence', (list) => {
    const terms = termsOf(list);
    const { clusterOf, clusters } = clusterIndex(list.map(([, , , g]) => `user ${g}`));
    const sums = clusterSums(terms, clusterOf, clusters);
    expect(estimateOf(sums)).toBeCloseTo(estimateOf(terms), 10);
    const psi = influence(terms);
    const grouped = new Float64Array(clusters);
    psi.forEach((p, i) => void (grouped[clusterOf[i]!]! += p));
    influence(sums).forEach((p, g) => void expect(p).toBeCloseTo(grouped[g]!, 8));
    if (clusters < 2) return;
    const mean = grouped.reduce((s, p) => s + p, 0) / clusters;
    const direct =
      Math.sqrt((clusters / (clusters - 1)) * grouped.reduce((s, p) => s + (p - mean) ** 2, 0)) / list.length;
    expect(clusterRobustStandardError(terms, clusterOf, clusters)).toBeCloseTo(direct, 9);
  });

  test.prop([rows])('every round its own cluster is no cluster', (list) => {
    const terms = termsOf(list);
    const own = Int32Array.from(list, (_, i) => i);
    expect(clusterRobustStandardError(terms, own, list.length)).toBe(standardError(terms));
  });

  test('copies of a round in one cluster carry no more evidence than the round', () => {
    const values = [1, 5, 2, 8];
    const copied = plain(...values.flatMap((v) => [v, v, v]));
    const clusterOf = Int32Array.from({ length: 12 }, (_, i) => Math.floor(i / 3));
    expect(clusterRobustStandardError(copied, clusterOf, 4)).toBeCloseTo(standardError(plain(...values)), 14);
  });

  test('clusters of unequal size: the plain mean stays the mean over rounds', () => {
    const sums = clusterSums(plain(1, 2, 9), Int32Array.of(0, 0, 1), 2);
    expect([...sums.count!]).toEqual([2, 1]);
    expect(estimateOf(sums)).toBe(4);
  });

  test('wrong clusters are refused', () => {
    expect(() => clusterSums(plain(1, 2), Int32Array.of(0, 2), 2)).toThrow(/clusterOf\[1\]/);
    expect(() => clusterSums(plain(1, 2), Int32Array.of(0), 1)).toThrow(/clusterOf\.length/);
    expect(() => clusterSums(plain(1, 2), Int32Array.of(0, 0), 2)).toThrow(/Cluster 1 has none/);
  });
});

describe('terms: combining', () => {
  const scale = fc.double({ min: -3, max: 3, noNaN: true });
  test.prop([rows, rows, scale])('the value of the combination is the combination of the values', (xs, ys, tau) => {
    const n = Math.min(xs.length, ys.length);
    const x = termsOf(xs.slice(0, n));
    const y = termsOf(ys.slice(0, n));
    const pairs: [RoundTermArrays, RoundTermArrays][] = [
      [x, { ...y, denominator: x.denominator }],
      [x, { ...y, denominator: null }],
      [{ ...x, denominator: null }, y],
      [
        { ...x, denominator: null, baseline: null },
        { ...y, denominator: null, baseline: null },
      ],
    ];
    for (const [left, right] of pairs) {
      const both = combineTerms(left, right, tau);
      expect(estimateOf(both)).toBeCloseTo(estimateOf(left) + tau * estimateOf(right), 8);
      const psi = influence(left).map((p, i) => p + tau * influence(right)[i]!);
      influence(both).forEach((p, i) => void expect(p).toBeCloseTo(psi[i]!, 7));
    }
  });

  test('two different ratios are refused', () => {
    const ratio = (b: number): RoundTermArrays => ({ numerator: f64(1, 1), denominator: f64(1, b), baseline: null });
    expect(() => combineTerms(ratio(1), ratio(2))).toThrow(/different denominators/);
    expect(() => combineTerms(plain(1), plain(1, 2))).toThrow(/length/);
  });
});

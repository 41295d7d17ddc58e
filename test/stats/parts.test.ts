import { fc, test } from '@fast-check/vitest';
import { expect } from 'vitest';
import {
  emptyScaledMoments,
  estimateOf,
  largestLogs,
  mergeLargestLogs,
  mergeScaledMoments,
  paretoTail,
  scaledMomentsOf,
  standardError,
  standardErrorOfScaled,
  tailOfLargest,
  valueOfScaled,
} from '../../src/stats/index.js';

const logWeight = fc.oneof(
  { weight: 5, arbitrary: fc.double({ min: -900, max: 900, noNaN: true }) },
  { weight: 3, arbitrary: fc.integer({ min: -3, max: 3 }) },
  { weight: 1, arbitrary: fc.constant(-Infinity) },
);
const parts = fc.array(fc.array(logWeight, { maxLength: 40 }), { minLength: 1, maxLength: 5 });

test.prop([parts])('T14: the tail of the largest weights, merged from parts, is that of all weights', (drawn) => {
  const all = Float64Array.from(drawn.flat());
  // 200 weights at most have a tail of 40 and its threshold
  const merged = drawn.map((part) => largestLogs(Float64Array.from(part), 41)).reduce(mergeLargestLogs);
  const { shortened, ...tail } = tailOfLargest(merged);
  expect(shortened).toBe(false);
  expect(tail).toEqual(paretoTail(all));
});

test.prop([parts, fc.integer({ min: 6, max: 60 })])(
  'merging is exact: any order keeps the same weights',
  (drawn, capacity) => {
    const records = drawn.map((part) => largestLogs(Float64Array.from(part), capacity));
    const whole = largestLogs(Float64Array.from(drawn.flat()), capacity);
    expect(records.reduce(mergeLargestLogs)).toEqual(whole);
    expect(records.reduceRight((sum, part) => mergeLargestLogs(part, sum))).toEqual(whole);
  },
);

test('a tail beyond the capacity is that of the weights that are kept', () => {
  const logs = Float64Array.from({ length: 1000 }, (_, i) => Math.sin(i) * 3);
  const kept = largestLogs(logs, 21);
  expect(tailOfLargest(kept)).toMatchObject({ shortened: true, tailPoints: 20 });
  expect(tailOfLargest(largestLogs(logs, 96))).toEqual({ ...paretoTail(logs), shortened: false });
  expect(() => largestLogs(Float64Array.of(0, Number.NaN), 21)).toThrow(/logWeights\[1\] is NaN/);
  expect(() => largestLogs(logs, 5)).toThrow(/capacity is 5/);
  expect(() => mergeLargestLogs(kept, largestLogs(logs, 22))).toThrow(/capacity is 22; expected 21/);
});

const quarter = (min: number, max: number) => fc.integer({ min: 4 * min, max: 4 * max }).map((q) => q / 4);
const row = fc.tuple(
  quarter(-2, 2),
  quarter(0, 3).map((b) => b + 0.25),
  quarter(-1, 1),
);
const scaledPart = fc.record({
  rows: fc.array(row, { minLength: 1, maxLength: 8 }),
  scale: quarter(-5, 5),
});

test.prop([fc.array(scaledPart, { minLength: 1, maxLength: 5 }), fc.constantFrom(0, -2000, 2000)])(
  'T17: ratios whose parts were each divided by a factor of their own are put on one scale',
  (drawn, shift) => {
    const termsOf = (rows: readonly (readonly [number, number, number])[], factor: (i: number) => number) => ({
      numerator: Float64Array.from(rows, ([a], i) => a * factor(i)),
      denominator: Float64Array.from(rows, ([, b], i) => b * factor(i)),
      baseline: Float64Array.from(rows, ([, , c]) => c),
    });
    const records = drawn.map(({ rows, scale }) =>
      scaledMomentsOf(
        termsOf(rows, () => 1),
        scale + shift,
      ),
    );
    const merged = records.reduce(mergeScaledMoments, emptyScaledMoments());
    const scales = drawn.flatMap(({ rows, scale }) => rows.map(() => scale));
    const whole = termsOf(
      drawn.flatMap(({ rows }) => rows),
      (i) => Math.exp(scales[i]),
    );
    expect(Math.abs(valueOfScaled(merged) - estimateOf(whole))).toBeLessThan(1e-11);
    if (scales.length < 2) expect(standardErrorOfScaled(merged)).toBeNaN();
    else expect(Math.abs(standardErrorOfScaled(merged) - standardError(whole))).toBeLessThan(1e-11);
  },
);

test('parts whose weights are all 0 add their baselines, and leave the scale alone', () => {
  const zero = { numerator: Float64Array.of(0), denominator: Float64Array.of(0), baseline: Float64Array.of(3) };
  const one = { numerator: Float64Array.of(2), denominator: Float64Array.of(1), baseline: Float64Array.of(1) };
  const merged = mergeScaledMoments(scaledMomentsOf(zero, -Infinity), scaledMomentsOf(one, -3000));
  expect(valueOfScaled(merged)).toBe(4);
  expect(valueOfScaled(scaledMomentsOf(zero, -Infinity))).toBeNaN();
});

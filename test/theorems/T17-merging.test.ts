import { fc, test } from '@fast-check/vitest';
import { expect } from 'vitest';
import { permutation, seededRandom } from '../../src/random/index.js';
import {
  addRound,
  clusterSums,
  emptyMoments,
  estimateOf,
  type Moments,
  mergeMoments,
  momentsOf,
  type RoundTermArrays,
  standardError,
  standardErrorOf,
  valueOfMoments,
} from '../../src/stats/index.js';

/** Rows with scales from 1e-6 to 1e6 and means that may dwarf the spread, so that naive sums of squares would fail. */
const log = fc.record({
  rows: fc.array(
    fc.tuple(
      fc.double({ min: -1, max: 1, noNaN: true }),
      fc.double({ min: 0.1, max: 3, noNaN: true }),
      fc.double({ min: -1, max: 1, noNaN: true }),
    ),
    { minLength: 3, maxLength: 40 },
  ),
  shift: fc.constantFrom(0, 1, 1e6),
  scale: fc.constantFrom(1e-6, 1, 1e6),
  isRatio: fc.boolean(),
  seed: fc.integer(),
});
type Rows = readonly (readonly [number, number, number])[];

function termsOf(rows: Rows, shift: number, scale: number, isRatio: boolean): RoundTermArrays {
  return {
    numerator: Float64Array.from(rows, ([a]) => (a + shift) * scale),
    denominator: isRatio ? Float64Array.from(rows, ([, b]) => b) : null,
    baseline: Float64Array.from(rows, ([, , c]) => c * scale),
  };
}

const slice = (terms: RoundTermArrays, order: Int32Array, from: number, to: number): RoundTermArrays => {
  const take = (column: Float64Array) => Float64Array.from(order.subarray(from, to), (i) => column[i]!);
  return {
    numerator: take(terms.numerator),
    denominator: terms.denominator && take(terms.denominator),
    baseline: terms.baseline && take(terms.baseline),
  };
};

function expectSame(x: Moments, y: Moments, typical: number, typicalError: number): void {
  expect(x.rows).toBe(y.rows);
  expect(Math.abs(valueOfMoments(x) - valueOfMoments(y))).toBeLessThanOrEqual(1e-14 * typical);
  // in squares: what cancels in them is known to 1e-30 of the terms' own squares
  const slack = 1e-12 * typicalError ** 2 + 1e-30 * typical ** 2;
  expect(Math.abs(standardErrorOf(x) ** 2 - standardErrorOf(y) ** 2)).toBeLessThanOrEqual(slack);
}

// #region T17
test.prop([log, fc.array(fc.nat(40), { maxLength: 6 })])(
  'T17: any split of a log, in any order, gives the same value and standard error',
  ({ rows, shift, scale, isRatio, seed }, cuts) => {
    const terms = termsOf(rows, shift, scale, isRatio);
    const whole = momentsOf(terms);
    const order = permutation(seededRandom(seed), rows.length);
    const ends = [0, ...cuts.map((cut) => Math.min(cut, rows.length)).sort((x, y) => x - y), rows.length];
    const parts = ends.slice(1).map((end, k) => momentsOf(slice(terms, order, ends[k]!, end)));
    const merged = parts.reduceRight((sum, part) => mergeMoments(part, sum), emptyMoments());
    expectSame(merged, whole, scale * (1 + shift), standardErrorOf(whole));
  },
);

test.prop([log])(
  'T17: merging is commutative and associative, and the empty record its identity',
  ({ rows, ...rest }) => {
    const terms = termsOf(rows, rest.shift, rest.scale, rest.isRatio);
    const order = Int32Array.from(rows, (_, i) => i);
    const [x, y, z] = [
      momentsOf(slice(terms, order, 0, 1)),
      momentsOf(slice(terms, order, 1, 2)),
      momentsOf(slice(terms, order, 2, rows.length)),
    ];
    const typical = rest.scale * (1 + rest.shift);
    const left = mergeMoments(mergeMoments(x, y), z);
    const error = standardErrorOf(left);
    expectSame(left, mergeMoments(x, mergeMoments(y, z)), typical, error);
    expectSame(left, mergeMoments(z, mergeMoments(y, x)), typical, error);
    expect(mergeMoments(z, emptyMoments())).toEqual(z);
    expect(mergeMoments(emptyMoments(), z)).toEqual(z);
  },
);
// #endregion T17

test.prop([log])(
  'T17: the record gives what the arrays give, and a stream of rounds the same record',
  ({ rows, ...rest }) => {
    const terms = termsOf(rows, rest.shift, rest.scale, rest.isRatio);
    const moments = momentsOf(terms);
    const typical = rest.scale * (1 + rest.shift);
    expect(Math.abs(valueOfMoments(moments) - estimateOf(terms))).toBeLessThanOrEqual(1e-14 * typical);
    // the arrays' influence is rounded at the size of its parts, the record's is not
    expect(Math.abs(standardErrorOf(moments) - standardError(terms))).toBeLessThanOrEqual(
      1e-12 * standardError(terms) + 1e-15 * typical,
    );
    let stream = emptyMoments();
    terms.numerator.forEach((a, i) => void (stream = addRound(stream, a, terms.denominator?.[i], terms.baseline?.[i])));
    expect(stream).toEqual(moments);
  },
);

test('T17: whole clusters merge too', () => {
  const terms: RoundTermArrays = {
    numerator: Float64Array.of(1, 4, 2, 8, 5, 7),
    denominator: Float64Array.of(1, 2, 1, 3, 1, 2),
    baseline: Float64Array.of(0, 1, 0, 2, 0, 1),
  };
  const sums = clusterSums(terms, Int32Array.of(0, 0, 1, 1, 1, 2), 3);
  const one = (g: number) => {
    const part = (column: Float64Array) => column.slice(g, g + 1);
    return momentsOf({
      numerator: part(sums.numerator),
      denominator: part(sums.denominator!),
      baseline: part(sums.baseline!),
      count: part(sums.count!),
    });
  };
  const merged = mergeMoments(one(2), mergeMoments(one(0), one(1)));
  expect(valueOfMoments(merged)).toBeCloseTo(estimateOf(terms), 14);
  expect(standardErrorOf(merged)).toBeCloseTo(standardError(sums), 14);
});

test('T17: a spread 1e-9 of the mean survives, and a constant has none', () => {
  const around = (d: number) => Float64Array.of(1e9 - d, 1e9, 1e9 + d);
  const moments = momentsOf({ numerator: around(1), denominator: null, baseline: null });
  expect(standardErrorOf(moments)).toBeCloseTo(Math.sqrt(1 / 3), 14);
  expect(standardErrorOf(momentsOf({ numerator: around(0), denominator: null, baseline: null }))).toBe(0);
});

test('T17: records without a value or an error say NaN, and bad rounds are refused', () => {
  expect(valueOfMoments(emptyMoments())).toBeNaN();
  expect(standardErrorOf(addRound(emptyMoments(), 1))).toBeNaN();
  const none = addRound(addRound(emptyMoments(), 0, 0), 0, 0);
  expect(valueOfMoments(none)).toBeNaN();
  expect(standardErrorOf(none)).toBeNaN();
  expect(standardErrorOf(addRound(addRound(emptyMoments(), 1e200), 0))).toBeNaN(); // squares overflow
  expect(valueOfMoments(addRound(addRound(emptyMoments(), 1e200), 0))).toBe(5e199);
  expect(() => addRound(emptyMoments(), Number.NaN)).toThrow(/numerator/);
  expect(() => addRound(emptyMoments(), 1, Infinity)).toThrow(/denominator/);
});

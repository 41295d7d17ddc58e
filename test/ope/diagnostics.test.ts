import { fc, test } from '@fast-check/vitest';
import { expect } from 'vitest';
import {
  diagnose,
  effectiveSampleSize,
  judge,
  largestLogRatio,
  maxWeightShare,
  meanWeightDeviation,
} from '../../src/ope/index.js';
import { standardError } from '../../src/stats/index.js';
import { expectClose } from '../theorems/close.js';

const each = (m: number) => Int32Array.from({ length: m }, (_, j) => j);
const logRatios = fc.array(
  fc.oneof(
    { weight: 5, arbitrary: fc.double({ min: -5, max: 5, noNaN: true }) },
    { weight: 1, arbitrary: fc.constant(-Infinity) },
  ),
  { minLength: 1, maxLength: 12 },
);

test.prop([logRatios, fc.constantFrom(0, 300)])(
  'effective sample size and largest share are those of plain weights',
  (l, shift) => {
    const rho = l.map(Math.exp);
    const sum = rho.reduce((a, b) => a + b, 0);
    const squares = rho.reduce((a, b) => a + b * b, 0);
    const moved = l.map((x) => x + shift);
    expectClose(effectiveSampleSize(moved), sum === 0 ? 0 : (sum * sum) / squares);
    expectClose(maxWeightShare(moved), sum === 0 ? 0 : Math.max(...rho) / sum);
  },
);

test('in log space no weight is too large', () => {
  expect(effectiveSampleSize([1e6, 1e6, -Infinity])).toBe(2);
  expect(effectiveSampleSize([1e6, 0, 0])).toBe(1);
  expect(maxWeightShare([5000, 5000])).toBe(0.5);
  expect(effectiveSampleSize([])).toBe(0);
  expect(maxWeightShare([-Infinity])).toBe(0);
  expect(largestLogRatio([])).toBe(-Infinity);
  for (const bad of [Number.NaN, Infinity]) {
    for (const f of [effectiveSampleSize, maxWeightShare, largestLogRatio])
      expect(() => f([0, bad])).toThrow(/logRatio\[1\]/);
  }
});

test.prop([
  fc.array(fc.tuple(fc.double({ min: -3, max: 3, noNaN: true }), fc.nat(15)), { minLength: 2, maxLength: 40 }),
])('the mean weight and its error are those of the weights as terms, by unit', (rows) => {
  const l = Float64Array.from(rows, ([x]) => x);
  const plain = { numerator: l.map(Math.exp), denominator: null, baseline: null };
  const alone = diagnose(l, each(l.length), l.length);
  expectClose(alone.meanWeight!, plain.numerator.reduce((a, b) => a + b, 0) / l.length);
  // fewer than ten units say nothing of the error
  if (l.length < 10) expect(alone.meanWeightError).toBeNull();
  else expectClose(alone.meanWeightError!, standardError(plain));
  const names = [...new Set(rows.map(([, g]) => g))];
  const unitOf = Int32Array.from(rows, ([, g]) => names.indexOf(g));
  const clustered = diagnose(l, unitOf, names.length).meanWeightError;
  const column = (f: (j: number) => number) =>
    Float64Array.from(names, (_, g) => rows.reduce((s, _r, j) => s + (unitOf[j] === g ? f(j) : 0), 0));
  const byCluster = {
    numerator: column((j) => plain.numerator[j]),
    denominator: null,
    baseline: null,
    count: column(() => 1),
  };
  if (names.length < 10) expect(clustered).toBeNull();
  else expectClose(clustered!, standardError(byCluster));
});

test('the largest rows come first, earlier ones at ties, and zero weights are counted', () => {
  const d = diagnose(Float64Array.of(0, 2, -Infinity, 2, 1), each(5), 5);
  expect(d.largest).toEqual([1, 3, 4]);
  expect(d.zeroWeightShare).toBe(0.2);
  expect(d.paretoK).toBeNull();
  expect(d.paretoReason).toMatch(/fewer than 5/);
  const huge = diagnose(Float64Array.of(0, 710), each(2), 2);
  expect([huge.meanWeight, huge.meanWeightError]).toEqual([null, null]);
  expect(diagnose(Float64Array.of(1), each(1), 1).meanWeightError).toBeNull();
});

/** Diagnostics that nothing can be said against, but for what is given. */
const fine = {
  meanWeight: 1,
  meanWeightError: 0.1,
  units: 1000,
  effectiveSampleSize: 500,
  maxWeightShare: 0.01,
  paretoK: 0.2,
  paretoReason: null,
  paretoLimit: 0.67,
  zeroWeightShare: 0,
  largest: [7, 2],
};
const say = (changes: Partial<typeof fine> | Record<string, unknown>, options: Record<string, unknown> = {}) =>
  judge({ ...fine, ...changes } as Parameters<typeof judge>[0], {
    count: 1000,
    nameOf: (j) => `row ${j}`,
    ...options,
  });

test('the verdict: what is fine has no reasons', () => {
  expect(say({})).toEqual({ level: 'supported', reasons: [] });
  expect(say({ paretoK: null })).toEqual({ level: 'supported', reasons: [] });
});

test.each([
  [{ effectiveSampleSize: 101 }, 'supported', undefined],
  [
    { effectiveSampleSize: 99 },
    'weak',
    /sample size is 99, below 100 \(of 1000 responses\); largest weights: row 7, row 2 \(weak\)/,
  ],
  [{ effectiveSampleSize: 9 }, 'refused', /sample size is 9, below 10/],
  [{ maxWeightShare: 0.06 }, 'weak', /largest weight is 6 % .*above 5 %/],
  [{ maxWeightShare: 0.26 }, 'refused', /largest weight is 26 % .*above 25 %/],
  [{ paretoK: 0.68 }, 'weak', /tail index of the weights is 0.68, above 0.67/],
  [{ paretoK: 1 }, 'refused', /tail index of the weights is 1, at least 1/],
  [{ meanWeight: 1.35 }, 'weak', /mean weight is 1.35, 3.5 standard errors from 1/],
  [{ meanWeight: 0.5 }, 'refused', /mean weight is 0.5, 5 standard errors/],
  [{ meanWeight: null, meanWeightError: null }, 'refused', /exceeds 709/],
  // without an error there is no test: few units weaken, and a mean that no sample would show refuses
  [{ units: 9, meanWeightError: null }, 'weak', /has 9 independent units \(.*\), below 10/],
  [{ units: 1, meanWeightError: null }, 'weak', /has 1 independent unit \(/],
  [{ meanWeightError: null, meanWeight: 0.5 }, 'supported', undefined],
  [{ meanWeightError: null, meanWeight: 0.499 }, 'refused', /mean weight is 0.499, outside of 0.5 to 2, and has no/],
  [{ meanWeightError: null, meanWeight: 2.01 }, 'refused', /mean weight is 2.01, outside of 0.5 to 2/],
  [
    { effectiveSampleSize: 0, maxWeightShare: 0, meanWeight: 0, meanWeightError: 0 },
    'refused',
    /never says what was logged/,
  ],
] as const)('the verdict: %o is %s', (changes, level, reason) => {
  const verdict = say(changes);
  expect(verdict.level).toBe(level);
  if (reason === undefined) expect(verdict.reasons).toEqual([]);
  else expect(verdict.reasons[0]).toMatch(reason);
});

test('the verdict: the share of the effective sample, further tails and own limits', () => {
  expect(say({}, { count: 10_000 })).toMatchObject({
    level: 'weak',
    reasons: [expect.stringMatching(/5 % of the responses, below 10 %/)],
  });
  expect(say({}, { count: 1_000_000 }).level).toBe('refused');
  // a reward that is rarely not 0 has a tail of its own: alone it weakens, beside heavy weights it refuses
  const tails = { 'weight times reward': 1.2 };
  const reasons = [expect.stringMatching(/tail index of weight times reward is 1.2/)];
  expect(say({}, { tails })).toMatchObject({ level: 'weak', reasons });
  expect(say({ paretoK: null }, { tails }).level).toBe('weak');
  expect(say({ paretoK: 0.68 }, { tails }).level).toBe('refused');
  expect(say({}, { tails: { 'weight times reward': 0.68 } }).level).toBe('weak');
  expect(say({}, { tails: { 'weight times reward': null } }).level).toBe('supported');
  const limits = {
    effectiveSampleSize: { refuse: 600, weak: 700 },
    effectiveShare: { refuse: 0, weak: 0 },
    maxWeightShare: { refuse: 1, weak: 1 },
    paretoK: { refuse: 9 },
    meanWeightErrors: { refuse: 9, weak: 9 },
  };
  expect(say({}, { limits }).reasons).toEqual([expect.stringMatching(/below 600/)]);
  // a weak finding after a refusal does not soften it
  expect(say({ effectiveSampleSize: 9, maxWeightShare: 0.06 }).level).toBe('refused');
});

test('T18: the distance of the mean weight from 1', () => {
  expect(meanWeightDeviation(1.2, 0.1)).toBeCloseTo(2, 12);
  expect(meanWeightDeviation(0.5, 0)).toBe(Infinity);
  // within 1 % it is rounding of the log-probabilities, whatever the error
  expect(meanWeightDeviation(1.009, 0)).toBe(0);
  expect(meanWeightDeviation(0.98, 0.001)).toBeCloseTo(20, 10);
  expect(meanWeightDeviation(null, null)).toBeNull();
});

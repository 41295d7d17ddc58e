import { fc, test } from '@fast-check/vitest';
import { expect } from 'vitest';
import {
  type Diagnostics,
  defaultLimits,
  judge,
  meanWeightDeviation,
  untrustedMeanWeight,
  type VerdictLimits,
} from '../../src/ope/index.js';

/** Diagnostics that nothing can be said against. */
const fine: Diagnostics = {
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
const verdictOf = (changes: Partial<Diagnostics>, options: Partial<Parameters<typeof judge>[1]> = {}) =>
  judge({ ...fine, ...changes }, { count: 1000, ...options });
const limits = (changes: Partial<VerdictLimits>): { limits: VerdictLimits } => ({
  limits: { ...defaultLimits, ...changes },
});

// a limit is the last figure that passes: scripts compare their own numbers with the printed ones
test.each([
  ['effective sample size at "refuse"', { effectiveSampleSize: 10 }, { count: 20 }, 'weak'],
  ['effective sample size at "weak"', { effectiveSampleSize: 100 }, { count: 200 }, 'supported'],
  ['effective share at "refuse"', { effectiveSampleSize: 500 }, { count: 100_000 }, 'weak'],
  ['effective share at "weak"', { effectiveSampleSize: 500 }, { count: 5000 }, 'supported'],
  ['largest share at "refuse"', { maxWeightShare: 0.25 }, {}, 'weak'],
  ['largest share at "weak"', { maxWeightShare: 0.05 }, {}, 'supported'],
  ['tail index at the limit of T14', { paretoK: 0.67 }, {}, 'supported'],
  // 1.5 and 0.125 are exact in float64, so that these are 4 and 3 standard errors on the dot
  ['mean weight 4 errors off', { meanWeight: 1.5, meanWeightError: 0.125 }, {}, 'weak'],
  ['mean weight 3 errors off', { meanWeight: 1.375, meanWeightError: 0.125 }, {}, 'supported'],
] as const)('the verdict at its limits: %s', (_, changes, options, level) => {
  expect(verdictOf(changes, options).level).toBe(level);
});

test('T14: at its own limit the weights are still sound, and the tail of a reward alone does not refuse', () => {
  const tails = { 'weight times reward': 1.2 };
  expect(verdictOf({ paretoK: 0.67 }, { tails }).level).toBe('weak');
});

test('T14: an own limit of the tail index below that of T14 refuses the weights by itself', () => {
  const own = limits({ paretoK: { refuse: 0.5 } });
  expect(verdictOf({ paretoK: 0.55 }, own).level).toBe('refused');
  expect(verdictOf({}, { ...own, tails: { 'weight times reward': 0.55 } }).level).toBe('weak');
});

test('T14: an unknown tail index is no evidence, even where the limit of few weights is below 0', () => {
  // 1 - 1/log10(2): with two weights every known index is above the limit
  const few = { paretoK: null, paretoLimit: 1 - 1 / Math.log10(2) };
  expect(verdictOf(few)).toEqual({ level: 'supported', reasons: [] });
  expect(verdictOf(few, { tails: { 'weight times reward': null } }).level).toBe('supported');
  expect(verdictOf(few, { tails: { 'weight times reward': 1.2 } }).level).toBe('weak');
});

test('each reason says how bad it is, of what, and the worst rows only where they have names', () => {
  const refused = verdictOf({ effectiveSampleSize: 9, maxWeightShare: 0.06 }, { count: 40, nameOf: (j) => `row ${j}` });
  expect(refused.level).toBe('refused');
  expect(refused.reasons).toEqual([
    'the effective sample size is 9, below 10 (of 40 responses); largest weights: row 7, row 2',
    'the largest weight is 6 % of the sum of weights, above 5 %; largest weights: row 7, row 2 (weak)',
  ]);
  const plain = ['the largest weight is 6 % of the sum of weights, above 5 % (weak)'];
  expect(verdictOf({ maxWeightShare: 0.06 }).reasons).toEqual(plain);
  expect(verdictOf({ maxWeightShare: 0.06, largest: [] }, { nameOf: String }).reasons).toEqual(plain);
});

test('few units and an untested mean weight, at their limits', () => {
  expect(verdictOf({ units: 10, meanWeightError: null })).toEqual({ level: 'supported', reasons: [] });
  expect(verdictOf({ units: 9, meanWeightError: null }).level).toBe('weak');
  expect(verdictOf({ meanWeight: 2, meanWeightError: null }).level).toBe('supported');
  expect(verdictOf({ meanWeight: 2.001, meanWeightError: null }).level).toBe('refused');
  expect(untrustedMeanWeight(9, 0.1)).toBe(false);
  expect(untrustedMeanWeight(null, null)).toBe(false);
  // where nothing has weight that is what is said, once
  const none = { effectiveSampleSize: 0, maxWeightShare: 0, meanWeight: 0, meanWeightError: null };
  expect(verdictOf(none).reasons).toHaveLength(1);
});

test('a huge distance is told in powers of ten', () => {
  const far = (errors: number) => verdictOf({ meanWeight: 1.5, meanWeightError: 0.5 / errors }).reasons[0];
  expect(far(2 ** 19)).toMatch(/ 524000 standard errors/);
  expect(far(1e6)).toMatch(/ 1\.00e\+6 standard errors/);
});

test('no positive weight is said of the unit that was weighed', () => {
  const none = { effectiveSampleSize: 0, maxWeightShare: 0, meanWeight: null, meanWeightError: null };
  expect(verdictOf(none).reasons[0]).toMatch(/^no response of the log/);
  expect(verdictOf(none, { unit: 'slates' }).reasons[0]).toMatch(/^no slate of the log/);
  expect(verdictOf({ effectiveSampleSize: 9 }, { unit: 'slates' }).reasons[0]).toMatch(/of 1000 slates\)/);
});

test.prop([fc.double({ min: 0, max: 5, noNaN: true }), fc.option(fc.double({ min: 0, max: 1, noNaN: true }))])(
  'T18: a mean weight or an error that is unknown has no distance',
  (mean, error) => {
    expect(meanWeightDeviation(null, error)).toBeNull();
    if (error === null) expect(meanWeightDeviation(mean, error)).toBeNull();
  },
);

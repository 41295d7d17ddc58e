import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { slope, type TuningCandidate, tuneByMse, weightBias, weightBiasBound } from '../../src/ope/index.js';
import { estimateOf, type RoundTermArrays, standardError, studentQuantile } from '../../src/stats/index.js';
import { expectClose } from '../theorems/close.js';

const plain = (numerator: ArrayLike<number>): RoundTermArrays => ({
  numerator: Float64Array.from(numerator),
  denominator: null,
  baseline: null,
});
/** Two rounds with the given mean and standard error. */
const twoRounds = (mean: number, error: number) => plain([mean - error, mean + error]);
const quarters = (low: number, high: number) => fc.integer({ min: 4 * low, max: 4 * high }).map((q) => q / 4);
const candidates = fc
  .array(fc.array(quarters(-8, 8), { minLength: 6, maxLength: 6 }), { minLength: 1, maxLength: 6 })
  .map((columns) => columns.map((column, i): TuningCandidate => ({ value: i, terms: plain(column) })));
const c = Math.sqrt(6) - 1;

// #region slope
const tower = fc.array(fc.record({ error: quarters(0, 4), bias: quarters(-6, 6), luck: quarters(-6, 6) }), {
  minLength: 1,
  maxLength: 6,
});
test.prop([tower, fc.constantFrom(c, Math.sqrt(3), 1.1, 4)])(
  'SLOPE: is no worse than max(2 + C, (C + 1)/(C - 1)) times bias plus width of the best candidate',
  (drawn, slack) => {
    // truth 0; widths fall, the bound on the bias grows, and each estimate is within its width of its mean
    const errors = drawn.map(({ error }) => error).sort((a, b) => b - a);
    const all = drawn.map(({ bias, luck }, i) => ({ value: i, terms: twoRounds(bias + luck * errors[i], errors[i]) }));
    const { selected } = slope(all, { delta: 0.05, slack });
    const width = errors.map((error) => error * studentQuantile(0.95, 1)); // 6.3 errors
    let bias = 0;
    drawn.forEach((one, i) => {
      bias = Math.max(bias, Math.abs(one.bias));
      const bound = Math.max(bias + (2 + slack) * width[i], ((slack + 1) / (slack - 1)) * bias);
      expect(Math.abs(selected.estimate)).toBeLessThanOrEqual(bound + 1e-9);
    });
  },
);
// #endregion slope

test.prop([candidates, quarters(1, 10).map((q) => q / 40)])(
  'SLOPE: what is selected agrees with all before it, and the next does not',
  (all, delta) => {
    const { rows, selected, reason } = slope(all, { delta });
    const last = rows.indexOf(selected);
    const agrees = (i: number, j: number) =>
      Math.abs(rows[i].estimate - rows[j].estimate) <= rows[i].width + c * rows[j].width;
    rows.forEach((row, i) => {
      const { terms } = all.find(({ value }) => value === row.value)!;
      expectClose(row.estimate, estimateOf(terms));
      expectClose(row.width, studentQuantile(1 - delta, 5) * standardError(terms));
      expectClose(row.lower, row.estimate - row.width);
      expectClose(row.upper, row.estimate + row.width);
      if (i > 0) expect(row.width).toBeLessThanOrEqual(rows[i - 1].width);
      for (let j = 0; j < i && i <= last; j++) expect(agrees(i, j)).toBe(true);
      const expected = i < last ? 'accepted' : i === last ? 'selected' : i === last + 1 ? 'rejected' : 'untried';
      expect(row.outcome).toBe(expected);
      if (row.outcome !== 'rejected') expect(row.against).toBeNull();
    });
    const next = rows[last + 1];
    if (next === undefined) expect(reason).toMatch(/none was rejected/);
    else {
      const j = rows.findIndex(({ value }) => value === next.against);
      expect(agrees(last + 1, j)).toBe(false);
      expect(reason).toContain(`${next.value}, disagrees with ${next.against}.`);
    }
  },
);

test.prop([candidates, fc.integer({ min: 1, max: 5 })])('SLOPE: the order of rounds does not matter', (all, turn) => {
  const turned = all.map(({ value, terms: { numerator } }) => ({
    value,
    terms: plain([...numerator.slice(turn), ...numerator.slice(0, turn)]),
  }));
  expect(slope(turned)).toEqual(slope(all));
});

describe('SLOPE', () => {
  test('of one candidate selects it, of identical ones the last', () => {
    const one = { value: 2, terms: plain([1, 2, 4]) };
    expect(slope([one]).selected.value).toBe(2);
    const { selected, rows } = slope([one, { ...one, value: 3 }, { ...one, value: 1 }]);
    expect(selected.value).toBe(1);
    expect(rows.map(({ outcome }) => outcome)).toEqual(['accepted', 'accepted', 'selected']);
  });

  test('stops at the first that disagrees, and says so', () => {
    const all = [
      { value: 100, terms: twoRounds(1, 0.1) },
      { value: 10, terms: twoRounds(1.5, 0.01) },
      { value: 5, terms: twoRounds(9, 0.001) },
      { value: 1, terms: twoRounds(1, 0) },
    ];
    const { selected, rows, reason } = slope(all);
    expect(selected.value).toBe(10);
    expect(rows.map(({ outcome }) => outcome)).toEqual(['accepted', 'selected', 'rejected', 'untried']);
    expect(reason).toBe('10 is the narrowest that agrees with every wider candidate; the next, 5, disagrees with 100.');
  });

  test('refuses what has no width, and options outside their range', () => {
    const one = { value: 2, terms: plain([1, 2, 4]) };
    expect(() => slope([])).toThrow(/candidates is .*expected at least one/);
    expect(() => slope([{ value: 1, terms: plain([1]) }])).toThrow(/candidates\[0\].terms is 1; expected at least 2/);
    const undefinedOne = { numerator: Float64Array.of(0, 0), denominator: Float64Array.of(0, 0), baseline: null };
    expect(() => slope([one, { value: 1, terms: undefinedOne }])).toThrow(/candidates\[1\].terms is NaN/);
    expect(() => slope([{ value: 1, terms: plain([1, Number.NaN]) }])).toThrow(/terms.numerator\[1\] is NaN/);
    for (const delta of [0, 0.5, Number.NaN]) expect(() => slope([one], { delta })).toThrow(/delta/);
    for (const slack of [1, Infinity, Number.NaN]) expect(() => slope([one], { slack })).toThrow(/slack/);
  });
});

test.prop([candidates, fc.array(quarters(0, 3), { minLength: 6, maxLength: 6 })])(
  'tuneByMse: variance over n plus squared bias, the smallest, of equals the first',
  (all, biases) => {
    const { rows, selected } = tuneByMse(all.map((one, i) => ({ ...one, bias: biases[i] })));
    rows.forEach(({ score, estimate }, i) => {
      const { numerator } = all[i].terms;
      const variance = numerator.reduce((sum, x) => sum + (x - estimate) ** 2, 0) / numerator.length;
      expectClose(score, variance / numerator.length + biases[i] ** 2);
      expect(score).toBeGreaterThanOrEqual(selected.score);
    });
    expect(selected).toBe(rows.find(({ score }) => score === selected.score));
  },
);

test('the bias of changed weights, by hand', () => {
  const columns = {
    weight: Float64Array.of(4, 1),
    used: Float64Array.of(2, 1),
    residual: Float64Array.of(-0.5, 3),
  };
  expectClose(weightBias(columns), 0.5);
  const log = Math.log(40);
  expectClose(weightBiasBound(columns, 0.05), 0.5 + Math.sqrt((2 * 8.5 * log) / 2) + (2 * 4 * log) / 6);
  expect(() => weightBias({ ...columns, used: Float64Array.of(1) })).toThrow(/used.length is 1; expected 2/);
  expect(() => weightBias({ ...columns, weight: Float64Array.of(Infinity, 1) })).toThrow(/weight\[0\] is Infinity/);
  const none = new Float64Array(0);
  expect(() => weightBias({ weight: none, used: none, residual: none })).toThrow(/weight.length is 0/);
  for (const delta of [0, 1, Number.NaN]) expect(() => weightBiasBound(columns, delta)).toThrow(/delta/);
  expect(() => tuneByMse([])).toThrow(/candidates/);
  expect(() => tuneByMse([{ value: 1, terms: plain([1, 2]), bias: Number.NaN }])).toThrow(/candidates\[0\].bias/);
  expect(() => tuneByMse([{ value: 1, terms: plain([1]), bias: 0 }])).toThrow(/candidates\[0\].terms/);
});

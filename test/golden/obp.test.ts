import { describe, expect, test } from 'vitest';
import { effectiveSampleSize, estimate, importanceWeight, replay, weightBias, weightBiasBound } from '../../src/ope/index.js';
import { bernsteinInterval, estimateOf, hoeffdingInterval, type RoundTermArrays, standardError, tInterval } from '../../src/stats/index.js';
import { expectAllClose, expectClose } from '../theorems/close.js';
import { type Columns, columnsOf, counterpart, discreteCases, inputOf, mean, numbers, own, roundValues, spread, termsOf, titled } from './obp-cases.js';

/** What ours says where the other one divides 0 by 0. */
function instead(name: string, { reward, logRatio, q, dm }: Columns): number {
  const seen = logRatio.map((l) => (l > -Infinity ? 1 : 0));
  if (name === 'DRos') return mean(dm); // lambda 0 trusts the model alone
  if (name === 'SubGaussianIPW') return mean(reward.map((r, i) => seen[i] * r)); // a weight of 0 stays 0
  if (name === 'SubGaussianDR') return mean(dm.map((d, i) => d + seen[i] * (reward[i] - q[i])));
  return Number.NaN; // self-normalised: undefined where all weights are 0
}

describe.each(discreteCases)('Open Bandit Pipeline: $id', ({ inputs, outputs, helpers }) => {
  const named = (...names: string[]) => titled(outputs.filter((o) => names.includes(o.estimator)));

  test.each(named(...Object.keys(counterpart)))('$title', (output) => {
    const columns = columnsOf(inputs, output.hyperparameters.use_estimated_pscore ? inputs.estimated_pscore : inputs.pscore);
    const logRatio = output.estimator === 'BalancedIPW' ? own(inputs.estimated_importance_weights, Math.log) : columns.logRatio;
    const input = inputOf({ ...columns, logRatio });
    const use = counterpart[output.estimator](Number(output.hyperparameters.lambda_));
    const terms = termsOf(use, input);
    const expected = output.value === 'NaN' ? instead(output.estimator, columns) : Number(output.value);
    if (Number.isNaN(expected)) {
      expect(estimateOf(terms)).toBeNaN();
      return;
    }
    expectClose(estimateOf(terms), expected, 1e-3);
    expectClose(estimate(use, input).item(), expected, 1e-3);
    if (output.value === 'NaN') return;
    const values = roundValues(terms);
    if (output.round_values !== undefined) expectAllClose(values, output.round_values.map(Number), 1e-3);
    expectClose(spread(values), Number(output.round_std_population), 1e-3);
    if (terms.denominator === null) expectClose(standardError(terms), spread(values) / Math.sqrt(values.length - 1), 1e-3);
  });

  test.each(named('Replay'))('Replay of the greedy policy', ({ value }) => {
    const greedy = inputs.action_dist.map((rows) => rows.map((row) => row.map((p, l) => (p === Math.max(...rows.map((r) => r[l])) ? 1 : 0))));
    const first = greedy.map((rows) => rows.map((row, a) => row.map((p, l) => (p === 1 && rows.findIndex((r) => r[l] === 1) === a ? 1 : 0))));
    const columns = columnsOf({ ...inputs, action_dist: first }, inputs.pscore);
    const ours = estimateOf(termsOf(replay, inputOf(columns)));
    // theirs is 0 where nothing matches; ours is undefined
    if (columns.logRatio.every((l) => l === -Infinity)) {
      expect(ours).toBeNaN();
      expect(value).toBe(0);
    } else expectClose(ours, Number(value), 1e-3);
  });

  test('weights, effective sample size, bounds, bias', () => {
    const { logRatio, reward } = columnsOf(inputs, inputs.pscore);
    const { importance_weights, sum_w, sum_w2, bounds_on_mean_of_ipw_terms } = helpers;
    if (importance_weights !== undefined) expectAllClose(importanceWeight(numbers(logRatio)).dataSync(), importance_weights, 1e-6);
    expectClose(effectiveSampleSize(logRatio), sum_w2 === 0 ? 0 : sum_w ** 2 / sum_w2);
    const weight = logRatio.map(Math.exp);
    const columns = { weight, used: weight.map((w) => Math.min(w, 1)), residual: reward };
    expectClose(weightBias(columns), helpers.bias_estimate_clip_1, 1e-3);
    expectClose(weightBiasBound(columns, 0.05), helpers['bias_upper_bound_clip_1_delta_0.05'], 1e-3);
    const terms: RoundTermArrays = { numerator: weight.map((w, i) => w * reward[i]), denominator: null, baseline: null };
    for (const { delta, student_t_lower, x_max_given, ...theirs } of bounds_on_mean_of_ipw_terms) {
      // their quantile of Student's t is off by 2e-9 (2.13184678134 for 4 degrees; mpmath and ours: 2.13184678633)
      expectClose(tInterval(terms, { level: 1 - 2 * delta }).lower, student_t_lower, 1e-3, 1e-8);
      const largest = Math.max(...terms.numerator);
      for (const [xMax, hoeffding, bernstein] of [
        [x_max_given, theirs.hoeffding_lower_xmax_given, theirs.bernstein_lower_xmax_given],
        // the sample's maximum is no declared range, so this is no bound; it checks the arithmetic
        [largest, theirs.hoeffding_lower_xmax_sample_max, theirs.bernstein_lower_xmax_sample_max],
      ]) {
        if (hoeffding === undefined || xMax === undefined || xMax === 0) continue;
        const options = { level: 1 - 2 * delta, range: [0, xMax] as const };
        // ours never goes below the declared range
        expectClose(hoeffdingInterval(terms, options).lower, Math.max(0, hoeffding), 1e-3);
        expectClose(bernsteinInterval(terms, options).lower, Math.max(0, bernstein!), 1e-3);
      }
    }
  });
});

test('every output of every case is compared somewhere', () => {
  const known = [...Object.keys(counterpart), 'Replay'];
  const names = new Set(discreteCases.flatMap(({ outputs }) => outputs.map((o) => o.estimator)));
  expect([...names].filter((name) => !known.includes(name) && !/Tuning$/.test(name))).toEqual([]);
});

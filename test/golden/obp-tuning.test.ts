import { describe, expect, test } from 'vitest';
import { clip, shrink, slope, subGaussian, switchAt, tuneByMse, type WeightTransform, weightBias, weightBiasBound } from '../../src/ope/index.js';
import { expectClose } from '../theorems/close.js';
import { columnsOf, counterpart, discreteCases, type Figure, inputOf, numbers, termsOf, titled } from './obp-cases.js';

/** What each family of candidates puts in the place of rho. */
const weightOf: Record<string, (lambda: number) => WeightTransform> = {
  IPW: clip,
  DR: clip,
  SwitchDR: switchAt,
  DRos: shrink,
  SubGaussianIPW: subGaussian,
  SubGaussianDR: subGaussian,
};

describe.each(discreteCases)('Open Bandit Pipeline: $id', ({ inputs, outputs }) => {
  const columns = columnsOf(inputs, inputs.pscore);
  const input = inputOf(columns);
  const residual = (base: string) => (/IPW/.test(base) ? columns.reward : columns.reward.map((r, i) => r - columns.q[i]));
  /** The candidate of a family with its bias: seen on the log, or with Bernstein's slack. */
  const candidate = (base: string, lambda: Figure, delta: number | null) => {
    const value = Number(lambda);
    const read = (weight: WeightTransform) => Float64Array.from(weight(numbers(columns.logRatio)).dataSync());
    const bias = { weight: columns.logRatio.map(Math.exp), used: read(weightOf[base](value)), residual: residual(base) };
    return {
      value,
      terms: termsOf(counterpart[base](value), input),
      bias: delta === null ? weightBias(bias) : weightBiasBound(bias, delta),
    };
  };

  // 0/0 there: not a number, and so never the best score
  const undefinedThere = (lambda: Figure) => lambda === 1 && columns.logRatio.includes(-Infinity);

  test.each(titled(outputs.filter((o) => o.mse_score_direct_bias !== undefined)))('the scores of $title', (output) => {
    const lambda = output.hyperparameters.lambda_!;
    for (const [delta, theirs] of [[null, output.mse_score_direct_bias!], [0.05, output['mse_score_bias_upper_bound_delta_0.05']!]] as const) {
      const { score } = tuneByMse([candidate(output.estimator, lambda, delta)]).selected;
      if (theirs === 'NaN') expect(score).toBeGreaterThanOrEqual(0); // 0/0 there; ours keeps the weight of 0
      else expectClose(score, Number(theirs), 1e-3);
    }
  });

  test.each(titled(outputs.filter((o) => /Tuning$/.test(o.estimator))))('$title', (output) => {
    const base = output.estimator.replace(/Tuning$/, '');
    const { candidates, tuning_method, delta, use_bias_upper_bound } = output.hyperparameters;
    // from the least biased to the most
    const order = /SubGaussian/.test(base) ? candidates!.filter((lambda) => !undefinedThere(lambda)) : [...candidates!].reverse();
    const all = order.map((lambda) => candidate(base, lambda, use_bias_upper_bound === true ? delta! : null));
    const { rows, selected } = tuning_method === 'slope' ? slope(all, { delta: delta! }) : tuneByMse(all);
    if (output.value === 'NaN') {
      // and yet selected by their SLOPE, which puts it last
      expect(Number.isFinite(selected.estimate)).toBe(true);
      return;
    }
    expectClose(selected.estimate, Number(output.value), 1e-3);
    const same = rows.filter(({ estimate }) => Math.abs(estimate - selected.estimate) < 1e-9);
    if (same.length === 1) expect(selected.value).toBe(Number(output.selected_lambda_));
  });
});

test('there are tuned outputs of six families by three methods', () => {
  const tuned = discreteCases.flatMap(({ outputs }) => outputs.filter((o) => /Tuning$/.test(o.estimator)));
  expect(new Set(tuned.map((o) => o.estimator)).size).toBe(6);
  expect(tuned.length % 18).toBe(0);
});

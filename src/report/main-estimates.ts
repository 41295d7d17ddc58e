import type { Component, EstimatesByKey, EvaluationResult, TargetResult } from '../pope/index.js';

/** Estimators that are for comparison, and crowd a first look. */
const further: readonly string[] = ['log_smoothing', 'implicit_exploration', 'beta_star', 'pareto_smoothed'];

/** How many of the further estimators the targets of a result have. */
export const furtherEstimators = (result: EvaluationResult): readonly string[] =>
  further.filter((key) => Object.values(result.targets).some((target) => target.utility[key] !== undefined));

/** The result as a reader sees it first, without the further estimators; the JSON always has all. */
export function mainEstimates(result: EvaluationResult): EvaluationResult {
  const main = (by: EstimatesByKey): EstimatesByKey =>
    Object.fromEntries(Object.entries(by).filter(([key]) => !further.includes(key)));
  const parts = ({ utility, diversity, value }: Readonly<Record<Component, EstimatesByKey>>) => ({
    utility: main(utility),
    diversity: main(diversity),
    value: main(value),
  });
  const targets = Object.entries(result.targets).map(([name, target]): [string, TargetResult] => [
    name,
    { ...target, ...parts(target), versus_logging: parts(target.versus_logging) },
  ]);
  return { ...result, targets: Object.fromEntries(targets) };
}

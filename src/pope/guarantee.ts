import type { IntervalMethod } from '../stats/index.js';

/**
 * What the bounds of a method that needs independent terms with the value as their mean say of the value: both ends;
 * only the lower one, where the terms are pessimistic (T11); nothing, where their mean is another or a round's term
 * depends on the other rounds.
 */
export type Guarantee = 'both' | 'lower' | 'none';

/** The methods whose level holds for every number of rounds (T12), and so for what they are given alone. */
export const guaranteedMethods: readonly IntervalMethod[] = ['bernstein', 'hoeffding', 'log-smoothing', 'betting'];

const pessimistic: readonly string[] = ['clipped_ips', 'implicit_exploration', 'log_smoothing'];
const biased: readonly string[] = ['dm', 'switch_dr', 'dros'];
const dependent: readonly string[] = ['beta_star', 'pareto_smoothed'];

/** @param smallestReward of the component; pessimism is for rewards of at least 0. */
export function guaranteeOf(key: string, smallestReward: number): Guarantee {
  if (dependent.includes(key) || biased.includes(key)) return 'none';
  if (pessimistic.includes(key)) return smallestReward >= 0 ? 'lower' : 'none';
  return 'both';
}

/** Why a figure has no guaranteed bounds. */
export const withoutGuarantee = (method: IntervalMethod): string =>
  `interval ${method} bounds the mean of independent round terms, which is not the value here (the estimator is biased, or its terms depend on one another). Use t, bootstrap or bca.`;

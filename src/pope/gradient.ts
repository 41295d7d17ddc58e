import { stopGradient } from '../autograd/index.js';
import { slateSum } from '../ope/index.js';
import { exp, mean, minimum, mul, sub } from '../ops/index.js';
import type { Tensor } from '../tensor/index.js';
import type { BoundInput } from './lower-bound.js';

export interface PolicyGradientOptions {
  /** beta, taken off every reward; free of bias where the log covers the target, biased where it does not. Default 0. */
  readonly baseline?: number;
  /** Weights are min(rho, M); default none. */
  readonly clip?: number;
}

// #region T10
/**
 * The policy gradient of V = E_pi u + tau H(pi) as the gradient of a scalar:
 * grad V_hat = (1/N) sum_ij w_j rho_ij (u_ij - tau log pi_ij - tau - beta) grad log pi_ij.
 * Its value means nothing; its gradient is that sum, since all but log pi is held constant.
 * @param tau >= 0. @returns a scalar whose gradient is grad V_hat.
 * @id T10
 */
export function policyGradient(
  input: Pick<BoundInput, 'logProb' | 'logPropensity' | 'utility' | 'slateWeight' | 'roundOf' | 'rounds'>,
  tau: number,
  options: PolicyGradientOptions = {},
): Tensor {
  const rho = exp(sub(input.logProb, input.logPropensity));
  const weight = options.clip === undefined ? rho : minimum(rho, options.clip);
  const advantage = sub(sub(input.utility, mul(input.logProb, tau)), tau + (options.baseline ?? 0));
  return mean(slateSum(mul(stopGradient(mul(weight, advantage)), input.logProb), input));
}
// #endregion T10

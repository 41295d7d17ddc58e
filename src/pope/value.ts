import { combineTerms, type RoundTermArrays } from '../stats/index.js';

// #region D6
/**
 * The value V = E_x E_pi u + tau E_x diversity, estimated: the round terms of the utility plus tau times those of the
 * diversity, round by round, so that the value's interval sees how the two vary together.
 * @param tau at least 0; 1 is the paper's. @throws PopeError where the two are not of the same rounds.
 * @id D6
 */
export const valueTerms = (utility: RoundTermArrays, diversity: RoundTermArrays, tau = 1): RoundTermArrays =>
  combineTerms(utility, diversity, tau);
// #endregion D6

import { finding } from './finding.js';
import type { Check } from './lint-context.js';

/** `no_propensity`, `fitted_propensity`, `placeholder_propensity`: where the propensities come from. */
export const checkPropensity: Check = ({ log, placeholder, pairOf, slotOf, roundOf }) => {
  if (log.logPropensity === null) {
    const message = 'no response has a propensity, without which nothing can be estimated.';
    return [
      finding('warning', 'no_propensity', message, 'Fit the logging policy with "pope fit LOG --out DIR", or log it.'),
    ];
  }
  if (log.propensity === 'fitted') {
    const message = 'the propensities were fitted, not logged: they carry the error of that fit.';
    return [
      finding('info', 'fitted_propensity', message, 'Log the propensities at the moment of sampling if you can.'),
    ];
  }
  if (!placeholder) return [];
  const first = new Map<number, number>();
  const contrary: string[] = [];
  pairOf.forEach((pair, j) => {
    if (!first.has(slotOf[j])) first.set(slotOf[j], pair);
    else if (first.get(slotOf[j]) !== pair) contrary.push(log.ids[roundOf[j]]);
  });
  const all = `the propensities of all ${log.responseCount} responses are exactly 1`;
  const hint = 'Log the probability with which the sampler drew each response, or fit it with "pope fit".';
  return contrary.length > 0
    ? [
        finding(
          'error',
          'placeholder_propensity',
          `${all}, yet one prompt got different responses: the logger did choose, and 1 is a placeholder.`,
          hint,
          contrary,
        ),
      ]
    : [
        finding(
          'warning',
          'placeholder_propensity',
          `${all}, which looks like a placeholder: right only if the logger had no choice.`,
          hint,
          log.ids,
        ),
      ];
};

import { diagnose } from '../../ope/diagnostics.js';
import { meanWeightDeviation, untrustedMeanWeight } from '../../ope/verdict.js';
import { clusterIndex } from '../../stats/terms.js';
import { show } from '../../util/index.js';
import { count, digits, finding, idsOf } from './finding.js';
import type { Check, LintContext } from './lint-context.js';

/** Standard errors between the mean weight and 1, as where `pope evaluate` refuses. */
const FAR = 4;

/** Per target: `target_is_logger`, `noisy_propensity`, `target_never_logged`, `weight_overflow`, `mean_weight_off`. */
export const checkTargets: Check = (context) =>
  [...context.log.targetLogProb].flatMap(([name, column]) => target(context, name, column));

function target({ log, roundOf, placeholder }: LintContext, name: string, logProb: Float64Array) {
  const propensity = log.logPropensity;
  if (propensity === null || placeholder) return [];
  const what = `target ${show(name)}`;
  const ratio = logProb.map((p, j) => p - propensity[j]);
  const differ = [...ratio.keys()].filter((j) => !(Math.abs(ratio[j]) <= 1e-9));
  const found = [];
  if (differ.length === 0) {
    const message = `${what} has exactly the logger's probabilities on all ${log.responseCount} responses: every weight is 1.`;
    const hint = 'Right where it is the logger itself; else one column was copied into the other.';
    return [finding('info', 'target_is_logger', message, hint)];
  }
  if (log.responseCount >= 20 && differ.length < log.responseCount / 2) {
    const far = differ.reduce((a, b) => (Math.abs(ratio[b]) > Math.abs(ratio[a]) ? b : a));
    const message = `${what} has exactly the logger's probability on ${log.responseCount - differ.length} of ${log.responseCount} responses and another on ${differ.length}, by up to ${digits(Math.abs(ratio[far]))} nats: two scorings of one policy seem to disagree.`;
    const hint = 'If it is the logger by another seed, the propensities are noisy: score twice and compare.';
    const worstFirst = [...differ].sort((a, b) => Math.abs(ratio[b]) - Math.abs(ratio[a]));
    found.push(finding('warning', 'noisy_propensity', message, hint, idsOf(log, roundOf, worstFirst)));
  }
  if (ratio.every((r) => r === -Infinity)) {
    const message = `${what} never says any response that was logged: all ${log.responseCount} weights are 0.`;
    found.push(
      finding('error', 'target_never_logged', message, 'Was it scored on these texts, with its own tokenizer?'),
    );
    return found;
  }
  const { clusterOf, clusters } = clusterIndex(log.clusters ?? log.ids);
  const unitOf = roundOf.map((i) => clusterOf[i]);
  const { meanWeight, meanWeightError, largest } = diagnose(ratio, unitOf, clusters);
  const rows = idsOf(log, roundOf, largest);
  if (meanWeight === null) {
    const over = [...ratio.keys()].filter((j) => ratio[j] > 709);
    const message = `${what} is more than e^709 times as likely as the logger on ${count(over.length, 'response')}, beyond what a number can hold.`;
    found.push(
      finding('error', 'weight_overflow', message, 'Are propensity and target sums over the same tokens?', rows),
    );
    return found;
  }
  const off = meanWeightDeviation(meanWeight, meanWeightError);
  if (off === null ? !untrustedMeanWeight(meanWeight, meanWeightError) : off <= FAR) return found;
  const distance =
    off === null
      ? `far from 1, and without a standard error (${count(clusters, 'independent unit')})`
      : `${Number.isFinite(off) ? digits(off) : 'infinitely many'} standard errors from 1`;
  const message = `the mean weight of ${what} is ${digits(meanWeight)}, ${distance}.`;
  const hint =
    meanWeight > 1
      ? 'A mean above 1 says that propensities are too low or the target too high: other temperature, other tokens, or a density.'
      : 'A mean below 1 says that the target puts mass where the log has none, or that propensities are too high.';
  found.push(finding('warning', 'mean_weight_off', message, hint, rows));
  return found;
}

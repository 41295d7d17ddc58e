import {
  type Diagnostics,
  defaultLimits,
  type Log,
  meanWeightDeviation,
  untrustedMeanWeight,
  type Warning,
} from '../ope/index.js';
import type { DiversityKind } from './diversity.js';
import type { EvaluationRows } from './evaluation-rows.js';
import { type LogDiversity, plugInOfDiversity } from './log-diversity.js';
import { isBiased, isUnknown, unknownBias } from './plug-in.js';

/** What a reader of one target's estimates must know; the codes are stable (interface.md section 3). */
export function evaluationWarnings(
  target: string,
  d: Diagnostics,
  rows: Pick<EvaluationRows, 'utility'> & { readonly responseIndex: { readonly length: number } },
  diversity: LogDiversity,
  tau: number,
  /** Standard error of the diversity, the smallest of its estimators. */
  diversityError = Infinity,
): Warning[] {
  const warnings: Warning[] = [];
  const warn = (code: string, message: string): void => void warnings.push({ code, message: `${target}: ${message}` });
  const warnSupport = (meanWeight: number): void => {
    if (meanWeight < 1)
      warn(
        'deficient_support',
        `about ${((1 - meanWeight) * 100).toFixed(0)} % of the target's mass lies where the log has none, if the propensities are right.`,
      );
  };
  const responses = rows.responseIndex.length;
  const { effectiveSampleSize: limits, effectiveShare } = defaultLimits;
  if (d.effectiveSampleSize < limits.weak || d.effectiveSampleSize / responses < effectiveShare.weak) {
    warn(
      'low_effective_sample_size',
      `the effective sample size is ${d.effectiveSampleSize.toFixed(1)} of ${responses} responses.`,
    );
  }
  if (d.paretoK !== null && d.paretoK > d.paretoLimit) {
    warn(
      'heavy_tail',
      `the tail index of the weights is ${d.paretoK.toFixed(2)}, above ${d.paretoLimit.toFixed(2)}: their mean converges slowly or not at all.`,
    );
  }
  if (untrustedMeanWeight(d.meanWeight, d.meanWeightError)) {
    warn(
      'mean_weight_off',
      `the mean weight is ${d.meanWeight!.toPrecision(3)}, far from 1, and has no standard error (${d.units} independent units): wrong propensities, or a target outside of the log's support.`,
    );
    warnSupport(d.meanWeight!);
  }
  const off = meanWeightDeviation(d.meanWeight, d.meanWeightError);
  if (d.meanWeight !== null && off !== null && off > defaultLimits.meanWeightErrors.refuse) {
    warn(
      'mean_weight_off',
      `the mean weight is ${d.meanWeight.toPrecision(3)}, further from 1 than 4 standard errors: wrong propensities.`,
    );
    warnSupport(d.meanWeight);
  }
  if (diversity.form === 'response' && tau * range(diversity.reward) > range(rows.utility)) {
    warn(
      'diversity_dominates',
      `tau times the range of the diversity reward is ${(tau * range(diversity.reward)).toPrecision(3)}, the range of the utility ${range(rows.utility).toPrecision(3)}: the value mostly measures diversity. Lower --tau, or choose another --diversity.`,
    );
  }
  const plugIn = plugInOfDiversity(diversity);
  const unknown = plugIn !== undefined && isUnknown(plugIn, diversityError);
  // where it cannot be told well, what is told is no help
  if (plugIn !== undefined && !unknown && isBiased(plugIn, diversityError)) {
    const { bias } = plugIn;
    warn(
      'plug_in_bias',
      `the diversity is about ${Math.abs(bias).toPrecision(2)} too ${bias < 0 ? 'low' : 'high'}, as prompts have few responses (standard error ${diversityError.toPrecision(2)}): an interval would miss that. biasCorrected (--bias-corrected) takes it off.`,
    );
  }
  if (plugIn !== undefined && unknown) {
    warn(
      'few_responses',
      `${unknownBias(plugIn, diversityError)}, corrected or not. The log does not tell this diversity.`,
    );
  }
  return warnings;
}

function range(x: Float64Array): number {
  let [low, high] = [Infinity, -Infinity];
  for (const v of x) {
    if (v < low) low = v;
    if (v > high) high = v;
  }
  return high - low;
}

/** What a reader must know of the evaluation as a whole. */
export function logWideWarnings(
  rows: Pick<EvaluationRows, 'droppedRounds' | 'clustered' | 'units'> & { readonly log: Pick<Log, 'propensity'> },
  policies: number,
  diversity: DiversityKind,
  biasCorrected = false,
): Warning[] {
  const warnings: Warning[] = [];
  const warn = (code: string, message: string): void => void warnings.push({ code, message });
  if (policies === 0) {
    warn('no_target', 'The log carries no target and none was given: only the logging policy was evaluated.');
  }
  if (rows.droppedRounds > 0) {
    warn('missing_feedback', `${rows.droppedRounds} rounds have no feedback for the chosen signals and were left out.`);
  }
  if (diversity === 'distribution' || diversity === 'coverage') {
    warn(
      'estimated_classes',
      `The class probabilities behind diversity "${diversity}" are estimated from the same log (of a target over candidates they are exact, but for its difference from the logging policy): ${biasCorrected ? 'their bias was taken off, as far as second order tells it' : 'the estimates are biased where a prompt has few responses'}.`,
    );
  }
  if (rows.log.propensity === 'fitted') {
    warn(
      'estimated_propensity',
      'The propensities were fitted, not logged: intervals do not include that fit and may be too short or, for a saturated fit, too long (bootstrapWithRefit includes it).',
    );
  }
  if (rows.clustered && rows.units < 30) {
    warn(
      'few_clusters',
      `There ${rows.units === 1 ? 'is 1 cluster' : `are ${rows.units} clusters`}: intervals over fewer than 30 are too short.`,
    );
  }
  return warnings;
}

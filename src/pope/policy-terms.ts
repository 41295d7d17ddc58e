import type { Estimator } from '../ope/index.js';
import type { RoundTermArrays } from '../stats/index.js';
import type { DiversityKind } from './diversity.js';
import {
  type EstimatorKey,
  type EstimatorParameters,
  estimatorKeys,
  type KeyedEstimator,
  keyedEstimators,
  logShape,
} from './estimator-keys.js';
import { type EvaluationRows, takeRows } from './evaluation-rows.js';
import { type LogDiversity, logDiversity, type ScoredPolicy, withoutBias } from './log-diversity.js';
import type { Component } from './result.js';
import { rowTerms } from './row-terms.js';
import type { TunedParameters } from './tune.js';
import { valueTerms } from './value.js';

/** What decides which terms there are. */
export interface TermSettings {
  readonly tau: number;
  readonly diversity: DiversityKind;
  /** Is the utility local? Else only the joint estimator may weigh it (T1b). */
  readonly local: boolean;
  readonly estimators: readonly EstimatorKey[];
  readonly parameters: EstimatorParameters;
  /** Of the folds on which beta_star is fitted. */
  readonly seed: number;
  /** Parameters of single estimators in the place of `parameters`. */
  readonly tuned?: TunedParameters | undefined;
  /** Take the bias of the diversity off. */
  readonly biasCorrected?: boolean;
}

export type TermsByKey = Record<string, RoundTermArrays>;

/** What one policy's figures are computed from. */
export interface PolicyTerms {
  readonly terms: Record<Component, TermsByKey>;
  readonly diversity: LogDiversity;
}

/** The logging policy's own terms: all weights are 1, so any estimator gives them. */
export const ownTerms = (terms: TermsByKey): RoundTermArrays | undefined => terms['ips'] ?? terms['joint_ips'];

/** The round terms of one policy, by component and estimator. */
export function policyTerms(
  rows: EvaluationRows,
  policy: ScoredPolicy,
  settings: TermSettings,
  logRatio: Float64Array,
  target?: string,
): PolicyTerms {
  const shape = logShape(rows, settings.seed);
  const own = Object.entries(settings.tuned ?? {}) as [EstimatorKey, EstimatorParameters][];
  const estimators = keyedEstimators(settings.parameters, shape);
  const tuned = new Map(own.map(([key, parameters]) => [key, keyedEstimators(parameters, shape)[key].estimator]));
  const found = logDiversity(settings.diversity, rows, policy);
  const diversity = settings.biasCorrected ? withoutBias(found) : found;
  const terms: Record<Component, TermsByKey> = { utility: {}, diversity: {}, value: {} };
  const predictions = predictionColumns(rows, target);
  const wanted = new Set(settings.estimators);
  const partners = new Map<EstimatorKey, RoundTermArrays | undefined>();
  // several estimators add the diversity of one partner
  const diversityOf = (key: EstimatorKey): RoundTermArrays | undefined => {
    if (!partners.has(key)) partners.set(key, diversityTerms(estimators[key], rows, logRatio, diversity));
    return partners.get(key);
  };
  for (const key of estimatorKeys) {
    const { estimator, model, diversity: partner, joint, nonnegative } = estimators[key];
    if (!wanted.has(key)) continue;
    if (nonnegative && rows.utility.some((u) => u < 0)) continue;
    if (model !== 'none' && predictions.predictedValue === undefined) continue;
    if (model === 'both' && predictions.predictedReward === undefined) continue;
    const partnerTerms = partner === null ? undefined : diversityOf(partner);
    if (model === 'none' && partnerTerms !== undefined) terms.diversity[key] = partnerTerms;
    // the single ratio is only right for local rewards (T1b): everything else is left to the joint estimator
    if (!joint && !settings.local) continue;
    const weigh = (use: Estimator) => rowTerms(use, rows, logRatio, { reward: rows.utility, ...predictions });
    const utility = weigh(estimator);
    // what was chosen on the utility is for the utility alone
    terms.utility[key] = tuned.has(key) ? weigh(tuned.get(key)!) : utility;
    if (partnerTerms !== undefined) terms.value[key] = valueTerms(utility, partnerTerms, settings.tau);
    else if (diversity.form === 'none') terms.value[key] = utility;
  }
  return { terms, diversity };
}

/**
 * The terms of one policy as a difference from the logging policy needs them: exact classes would be compared with the
 * logging policy's estimated ones, and a difference needs both of one kind.
 */
export function pairedTerms(
  rows: EvaluationRows,
  policy: ScoredPolicy,
  settings: TermSettings,
  logRatio: Float64Array,
  target: string,
  found: PolicyTerms,
): PolicyTerms {
  if (settings.diversity !== 'coverage' || policy.classLogProb === undefined) return found;
  return policyTerms(rows, { logProb: policy.logProb }, settings, logRatio, target);
}

/** What a reward model said of the rows and of a target, as far as the log has it. */
export function predictionColumns(
  rows: EvaluationRows,
  target?: string,
): { predictedReward?: Float64Array; predictedValue?: Float64Array } {
  // a model of the votes as they were cast says nothing of votes divided by the chance of being seen
  if (rows.corrected) return {};
  const { predictedReward, predictedValue } = rows.log;
  const value = target === undefined ? undefined : predictedValue.get(target);
  return {
    ...(value && { predictedValue: Float64Array.from(rows.roundIndex, (i) => value[i]) }),
    ...(predictedReward && { predictedReward: takeRows(rows, predictedReward) }),
  };
}

/** The terms of the diversity by one estimator; undefined where that may not weigh it. */
function diversityTerms(
  { estimator, joint, nonnegative }: KeyedEstimator,
  rows: EvaluationRows,
  logRatio: Float64Array,
  diversity: LogDiversity,
): RoundTermArrays | undefined {
  switch (diversity.form) {
    case 'none':
      return undefined;
    case 'round':
      return {
        numerator: diversity.reward.map((d, i) => d + diversity.influence[i]),
        denominator: null,
        baseline: null,
      };
    case 'response':
      if (nonnegative && diversity.reward.some((r) => r < 0)) return undefined;
      return rowTerms(estimator, rows, logRatio, { reward: diversity.reward });
    case 'slate':
      if (!joint) return undefined;
      return rowTerms(estimator, rows, logRatio, {
        reward: new Float64Array(logRatio.length),
        slateReward: diversity.reward,
      });
  }
}

import { defaultLimits, type VerdictLimits } from '../ope/index.js';
import type { IntervalMethod } from '../stats/index.js';
import { assertRange, invalid, PopeError } from '../util/index.js';
import type { DiversityKind } from './diversity.js';
import {
  defaultEstimatorParameters,
  type EstimatorKey,
  type EstimatorParameters,
  estimatorKeys,
} from './estimator-keys.js';
import type { ScoredPolicy } from './log-diversity.js';
import { assertExamination } from './position.js';
import type { EvaluationSettings } from './result.js';
import { isLocal, type Signal } from './utility.js';

export interface EvaluateOptions {
  readonly signals: readonly Signal[];
  /** Weight of the diversity; default 1. */
  readonly tau?: number;
  /** Default surprisal, the paper's. */
  readonly diversity?: DiversityKind;
  /** Default all that have their inputs. */
  readonly estimators?: readonly EstimatorKey[];
  readonly interval?: IntervalMethod;
  readonly level?: number;
  readonly resamples?: number;
  readonly seed?: number;
  readonly parameters?: Partial<EstimatorParameters>;
  /** Declared range of a round's term, for bernstein, hoeffding and betting. */
  readonly rewardRange?: readonly [number, number];
  readonly limits?: VerdictLimits;
  /** theta_k, the probability that display position k is seen, one a position: feedback is divided by it (T21). */
  readonly examination?: readonly number[];
  /** Choose the hyper-parameters of each target's estimators on the log, by SLOPE, in the place of `parameters`. */
  readonly tune?: boolean;
  /** Take the bias of estimated class probabilities, to second order, off the diversity: coverage or distribution. */
  readonly biasCorrected?: boolean;
  /** Policies beyond the targets that the log carries. */
  readonly targets?: Readonly<Record<string, ScoredPolicy>>;
}

export type Settings = ReturnType<typeof settingsOf>;

/** The options with their defaults filled in. @throws PopeError where one is outside of its domain. */
export function settingsOf(options: EvaluateOptions) {
  if (!Array.isArray(options.signals) || options.signals.length === 0) {
    throw invalid('signals', options.signals, 'a list of at least one feedback signal');
  }
  const tau = options.tau ?? 1;
  assertRange('tau', tau, 0, 1e6);
  const level = options.level ?? 0.95;
  if (!(level > 0 && level < 1)) throw invalid('level', level, 'a number above 0 and below 1');
  if ((options.interval === 'bernstein' || options.interval === 'hoeffding') && !options.rewardRange) {
    throw new PopeError(
      `interval ${options.interval} has no rewardRange; expected the range [lo, hi] that a round's term cannot leave.`,
      { argument: 'rewardRange' },
    );
  }
  if (options.examination !== undefined) assertExamination(options.examination);
  if (options.biasCorrected && options.diversity !== 'coverage' && options.diversity !== 'distribution') {
    throw new PopeError(
      `biasCorrected is true with diversity "${options.diversity ?? 'surprisal'}", which has no such bias; expected coverage or distribution.`,
      { argument: 'biasCorrected' },
    );
  }
  if (options.diversity === 'slate' && options.estimators !== undefined && !options.estimators.includes('joint_ips')) {
    throw new PopeError(
      `estimators is ${options.estimators.join(', ')} with diversity "slate", a reward of whole slates that only joint_ips weighs (T1b); expected joint_ips among them.`,
      { argument: 'estimators', got: options.estimators },
    );
  }
  const parameters = { ...defaultEstimatorParameters, ...options.parameters };
  if (parameters.lambda !== null) assertRange('lambda', parameters.lambda, Number.MIN_VALUE, Number.MAX_VALUE);
  return {
    tau,
    level,
    signals: options.signals,
    local: isLocal(options.signals),
    diversity: options.diversity ?? ('surprisal' as DiversityKind),
    estimators: options.estimators ?? (estimatorKeys as readonly EstimatorKey[]),
    interval: options.interval ?? ('t' as IntervalMethod),
    resamples: options.resamples ?? 2000,
    seed: options.seed ?? 0,
    parameters,
    examination: options.examination ?? null,
    tune: options.tune ?? false,
    biasCorrected: options.biasCorrected ?? false,
    rewardRange: options.rewardRange ?? null,
    limits: options.limits ?? defaultLimits,
  };
}

/** The settings as the result carries them; limits by the names of the command line, [refuse, weak]. */
export const settingsRecord = (settings: Settings): EvaluationSettings => ({
  tau: settings.tau,
  diversity: settings.diversity,
  signals: settings.signals.map(({ name, transform, weight }) => ({ name, transform, weight })),
  level: settings.level,
  interval: settings.interval,
  seed: settings.seed,
  ...settings.parameters,
  ...(settings.tune && { tune: true }),
  ...(settings.biasCorrected && { bias_corrected: true }),
  ...(settings.examination && { examination: settings.examination }),
  verdict_limits: {
    ess: [settings.limits.effectiveSampleSize.refuse, settings.limits.effectiveSampleSize.weak],
    ess_share: [settings.limits.effectiveShare.refuse, settings.limits.effectiveShare.weak],
    max_weight_share: [settings.limits.maxWeightShare.refuse, settings.limits.maxWeightShare.weak],
    pareto_k: [settings.limits.paretoK.refuse],
    mean_weight_errors: [settings.limits.meanWeightErrors.refuse, settings.limits.meanWeightErrors.weak],
  },
});

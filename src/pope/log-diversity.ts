import { tensor } from '../backend/index.js';
import { promptKey } from '../ope/index.js';
import { scope } from '../tensor/index.js';
import { PopeError } from '../util/index.js';
import { classProbabilities } from './class-probability.js';
import { classProbabilityErrors } from './class-probability-error.js';
import { type DistributionMatch, distributionMatch } from './distribution-match.js';
import {
  anchoredReward,
  coverageReward,
  type DiversityKind,
  slateEntropyReward,
  surprisalReward,
} from './diversity.js';
import { type EvaluationRows, takeRows } from './evaluation-rows.js';
import { classEntropyBias, type PlugIn, plugInFrom, type RowBias } from './plug-in.js';

/**
 * The diversity of one policy on a log, in the form that its kind has: a reward of each response (local), of each slate,
 * or a number a round that needs no weight because the class probabilities already carry it.
 */
export type LogDiversity =
  | {
      readonly form: 'response';
      readonly reward: Float64Array;
      /** Where class probabilities are estimated. */
      readonly plugIn?: PlugIn;
    }
  | { readonly form: 'slate'; readonly reward: Float64Array }
  | ({ readonly form: 'round' } & DistributionMatch)
  | { readonly form: 'none' };

/** What is known of the plug-in, where the diversity is one. */
export const plugInOfDiversity = (diversity: LogDiversity): PlugIn | undefined =>
  diversity.form === 'response' || diversity.form === 'round' ? diversity.plugIn : undefined;

/** The diversity with its bias taken off: all rewards move alike, so estimates do and their spread does not. */
export function withoutBias(diversity: LogDiversity): LogDiversity {
  const plugIn = plugInOfDiversity(diversity);
  if (plugIn === undefined || (diversity.form !== 'response' && diversity.form !== 'round')) return diversity;
  const { bias } = plugIn;
  return { ...diversity, reward: diversity.reward.map((r) => r - bias), plugIn: { ...plugIn, bias: 0, removed: bias } };
}

/** A policy as evaluation sees it: log-probabilities of all responses of the log, and of their classes where exact. */
export interface ScoredPolicy {
  /** log pi(y|x), length of the log's responses. */
  readonly logProb: Float64Array;
  /** log pi(c(y)|x) of each response's own class, exact; else it is estimated by pooled weights (D3). */
  readonly classLogProb?: Float64Array;
}

/** @throws PopeError where the log lacks what the kind needs (opinions, distributions, slates of at least two). */
export function logDiversity(kind: DiversityKind, rows: EvaluationRows, policy: ScoredPolicy): LogDiversity {
  if (kind === 'none') return { form: 'none' };
  if (kind === 'slate') return { form: 'slate', reward: slateEntropies(rows, policy) };
  if (kind === 'distribution') return { form: 'round', ...distributionMatch(rows, logRatios(rows, policy)) };
  if (kind === 'coverage') return coverageOf(rows, policy);
  const reward = scope(() => {
    const logProb = takeRows(rows, policy.logProb);
    if (kind === 'surprisal') return surprisalReward(tensor(logProb)).dataSync();
    return anchoredReward(tensor(logProb.map((p, j) => p - rows.logPropensity[j]))).dataSync();
  });
  return { form: 'response', reward: reward as Float64Array };
}

function coverageOf(rows: EvaluationRows, policy: ScoredPolicy): LogDiversity {
  const rewardOf = (own: Float64Array): Float64Array =>
    scope(() => coverageReward(tensor(takeRows(rows, own))).dataSync() as Float64Array);
  if (policy.classLogProb !== undefined) return { form: 'response', reward: rewardOf(policy.classLogProb) };
  const estimated = classProbabilities(rows.log, logRatios(rows, policy));
  const errors = classProbabilityErrors(rows.log, estimated);
  const ofPrompt = new Map(
    [...estimated.byPrompt].map(([key, own]) => {
      const bias = classEntropyBias(own, errors.byPrompt.get(key)!);
      return [key, { bias, size: -bias, curved: -bias }];
    }),
  );
  const biasOf = (row: number): RowBias => ofPrompt.get(promptKey(rows.log.prompts[rows.roundIndex[row]]))!;
  return {
    form: 'response',
    reward: rewardOf(estimated.ownLogProb),
    plugIn: plugInFrom(rows, errors, biasOf, 1),
  };
}

const logRatios = ({ log }: EvaluationRows, { logProb }: ScoredPolicy): Float64Array =>
  logProb.map((p, j) => p - log.logPropensity![j]);

function slateEntropies(rows: EvaluationRows, policy: ScoredPolicy): Float64Array {
  const { log, responseIndex, roundOf, roundIndex } = rows;
  if (responseIndex.length === roundIndex.length) {
    throw new PopeError(
      'every slate has one response; expected slates of at least two for diversity "slate". Choose another --diversity.',
      {
        argument: 'diversity',
      },
    );
  }
  const seen = new Set<string>();
  const distinct = Float64Array.from(responseIndex, (j, m) => {
    const key = `${roundOf[m]} ${log.responses[j]}`;
    if (seen.has(key)) return 0;
    seen.add(key);
    return 1;
  });
  return scope(
    () =>
      slateEntropyReward(
        tensor(takeRows(rows, policy.logProb)),
        tensor(distinct),
        tensor(roundOf),
        roundIndex.length,
      ).dataSync() as Float64Array,
  );
}

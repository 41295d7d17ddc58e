import { tensor } from '../backend/index.js';
import { scope } from '../tensor/index.js';
import { PopeError } from '../util/index.js';
import { classEntropyBias, classProbabilities } from './class-probability.js';
import { type DistributionMatch, distributionMatch } from './distribution-match.js';
import {
  anchoredReward,
  coverageReward,
  type DiversityKind,
  slateEntropyReward,
  surprisalReward,
} from './diversity.js';
import { type EvaluationRows, takeRows } from './evaluation-rows.js';

/**
 * The diversity of one policy on a log, in the form that its kind has: a reward of each response (local), of each slate,
 * or a number a round that needs no weight because the class probabilities already carry it.
 */
export type LogDiversity =
  | {
      readonly form: 'response';
      readonly reward: Float64Array;
      /** Of its mean, to second order, where classes are estimated. */
      readonly bias?: number;
    }
  | { readonly form: 'slate'; readonly reward: Float64Array }
  | ({ readonly form: 'round' } & DistributionMatch)
  | { readonly form: 'none' };

/** The bias of a plug-in, where the diversity is one. */
export const biasOf = (diversity: LogDiversity): number | undefined =>
  diversity.form === 'response' || diversity.form === 'round' ? diversity.bias : undefined;

/** The diversity with its bias taken off: all rewards move alike, so estimates do and their spread does not. */
export function withoutBias(diversity: LogDiversity): LogDiversity {
  if (diversity.form !== 'response' && diversity.form !== 'round') return diversity;
  const { bias } = diversity;
  if (bias === undefined) return diversity;
  return { ...diversity, reward: diversity.reward.map((r) => r - bias), bias: 0 };
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
  const estimated = policy.classLogProb === undefined ? classProbabilities(rows.log, logRatios(rows, policy)) : null;
  const own = policy.classLogProb ?? estimated!.ownLogProb;
  const reward = scope(() => coverageReward(tensor(takeRows(rows, own))).dataSync() as Float64Array);
  return { form: 'response', reward, ...(estimated && { bias: classEntropyBias(rows.log, estimated) }) };
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

import { tensor } from '../backend/index.js';
import { promptKey } from '../ope/index.js';
import { scope } from '../tensor/index.js';
import { PopeError } from '../util/index.js';
import { classProbabilities } from './class-probability.js';
import {
  anchoredReward,
  coverageReward,
  type DiversityKind,
  distributionReward,
  slateEntropyReward,
  surprisalReward,
} from './diversity.js';
import { type EvaluationRows, takeRows } from './evaluation-rows.js';

/**
 * The diversity of one policy on a log, in the form that its kind has: a reward of each response (local), of each slate,
 * or a number a round that needs no weight because the class probabilities already carry it.
 */
export type LogDiversity =
  | { readonly form: 'response'; readonly reward: Float64Array }
  | { readonly form: 'slate'; readonly reward: Float64Array }
  | { readonly form: 'round'; readonly reward: Float64Array }
  | { readonly form: 'none' };

/** A policy as evaluation sees it: log-probabilities of all responses of the log, and of their classes where exact. */
export interface ScoredPolicy {
  /** log pi(y|x), length of the log's responses. */
  readonly logProb: Float64Array;
  /** log pi(c(y)|x) of each response's own class, exact; else it is estimated by pooled weights (D3). */
  readonly classLogProb?: Float64Array;
}

/** @throws PopeError where the log lacks what the kind needs (opinions, distributions, slates of at least two). */
export function logDiversity(kind: DiversityKind, rows: EvaluationRows, policy: ScoredPolicy): LogDiversity {
  const { log } = rows;
  if (kind === 'none') return { form: 'none' };
  if (kind === 'slate') return { form: 'slate', reward: slateEntropies(rows, policy) };
  if (kind === 'distribution') return { form: 'round', reward: distributionMatch(rows, policy) };
  const reward = scope(() => {
    const logProb = takeRows(rows, policy.logProb);
    if (kind === 'surprisal') return surprisalReward(tensor(logProb)).dataSync();
    if (kind === 'anchored') return anchoredReward(tensor(logProb.map((p, j) => p - rows.logPropensity[j]))).dataSync();
    const own = policy.classLogProb ?? classProbabilities(log, logRatios(rows, policy)).ownLogProb;
    return coverageReward(tensor(takeRows(rows, own))).dataSync();
  });
  return { form: 'response', reward: reward as Float64Array };
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

/** -JS(m(c|x), pi(c|x)) of each round, pi(c|x) pooled over the prompt's logged responses. */
function distributionMatch(rows: EvaluationRows, policy: ScoredPolicy): Float64Array {
  const { log, roundIndex } = rows;
  const { byPrompt } = classProbabilities(log, logRatios(rows, policy));
  const wanted = log.opinionDistributions;
  return Float64Array.from(roundIndex, (i) => {
    const preferred = wanted?.[i];
    if (preferred === undefined) {
      throw new PopeError(
        `round ${log.ids[i]} has no opinion_distribution; expected one on every round for diversity "distribution".`,
        {
          argument: 'opinion_distribution',
        },
      );
    }
    const found = byPrompt.get(promptKey(log.prompts[i]))!;
    if (![...found.values()].some((p) => p > 0)) {
      throw new PopeError(
        `the target gives every logged response of round ${log.ids[i]}'s prompt probability 0; expected some mass on the log, without which its opinions are unknown.`,
        { argument: 'target_log_prob' },
      );
    }
    const classes = [...new Set([...Object.keys(preferred), ...found.keys()])];
    return scope(() => {
      const row = (p: (c: string) => number) => tensor(Float64Array.from(classes, p), { shape: [1, classes.length] });
      return distributionReward(
        row((c) => preferred[c] ?? 0),
        row((c) => found.get(c) ?? 0),
      ).item();
    });
  });
}

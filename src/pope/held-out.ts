import { diagnose, distinctPrompts, type Policy, type PolicyFamily, snips, untrustedMeanWeight } from '../ope/index.js';
import { clusterRobustStandardError, estimateOf, standardError } from '../stats/index.js';
import { dispose, ownedScope, type Tree } from '../tensor/index.js';
import { PopeError } from '../util/index.js';
import type { HeldOutFigures } from './alarms.js';
import { batchOf, type EvaluationRows } from './evaluation-rows.js';
import { logDiversity } from './log-diversity.js';
import { rowTerms } from './row-terms.js';
import type { TrainOptions } from './train-options.js';

/**
 * What held-out rounds say of a policy: self-normalised utility and diversity, KL to the log, weights, and the loss of
 * held-out text. Figures that the log cannot give (no propensities, all weights 0, beyond float64) are null.
 * @throws PopeError (code `diverged`) where a log-probability of the policy is NaN.
 */
export async function heldOutFigures<P extends Tree>(
  options: Pick<TrainOptions<P>, 'family' | 'diversity' | 'textLoss'>,
  params: P,
  rows: EvaluationRows,
): Promise<HeldOutFigures> {
  const textLoss = (await options.textLoss?.(params)) ?? null;
  const logProb = await scoreRows(options.family.bind(params), rows);
  const responses = logProb.length;
  if (rows.logPropensity.some(Number.isNaN)) {
    return {
      utility: null,
      utilityError: null,
      diversity: null,
      effectiveSampleSize: null,
      responses,
      meanWeight: null,
      kl: null,
      textLoss,
    };
  }
  const logRatio = logProb.map((p, m) => p - rows.logPropensity[m]);
  const { effectiveSampleSize, meanWeight } = diagnose(logRatio, rows.roundOf, rows.roundIndex.length);
  // rows without signals carry NaN: there is no utility to speak of
  const utility = rows.utility.some(Number.isNaN)
    ? { estimate: null, error: null }
    : selfNormalized(rows, logRatio, rows.utility);
  return {
    utility: utility.estimate,
    utilityError: utility.error,
    diversity: diversityOf(options.diversity, rows, logProb, logRatio),
    effectiveSampleSize,
    responses,
    meanWeight,
    kl: klOf(rows, logRatio),
    textLoss,
  };
}

/** The held-out estimate of KL(pi||pi0) alone, nats; null beyond float64. */
export async function heldOutKl<P extends Tree>(
  family: PolicyFamily<P>,
  params: P,
  rows: EvaluationRows,
): Promise<number | null> {
  const logProb = await scoreRows(family.bind(params), rows);
  return klOf(
    rows,
    logProb.map((p, m) => p - rows.logPropensity[m]),
  );
}

/**
 * E_pi0[rho log rho - (rho - 1)]: an estimate of KL(pi||pi0) whose terms are never negative (D7); a weight of 0 gives 1.
 * Null beyond float64, and where the mean weight shows that the log hardly meets the policy: the estimate of a policy
 * infinitely far away would be 1.
 */
function klOf(rows: EvaluationRows, logRatio: Float64Array): number | null {
  let kl = 0;
  let meanWeight = 0;
  logRatio.forEach((l, m) => {
    const share = rows.slateWeight[m] / rows.roundIndex.length;
    kl += share * (l === -Infinity ? 1 : Math.exp(l) * l - Math.expm1(l));
    meanWeight += share * Math.exp(l);
  });
  return !untrustedMeanWeight(meanWeight, null) && Number.isFinite(kl) ? kl : null;
}

/** Rounds, or distinct prompts of a policy over candidates, scored in one pass. */
const chunkSize = { rounds: 32, prompts: 8 };

/**
 * log pi of every row. Rounds of one prompt are scored together: a policy over candidates pays by the prompt.
 * @throws PopeError (code `diverged`) where one is NaN.
 */
export async function scoreRows(policy: Policy, rows: EvaluationRows): Promise<Float64Array> {
  const logProb = new Float64Array(rows.roundOf.length);
  for (const rounds of scoringChunks(policy, rows)) {
    const { prompts, responses } = batchOf(rows, rounds);
    const scored = ownedScope(() => policy.logProb(prompts, responses));
    const found = await scored.data();
    dispose(scored);
    let next = 0;
    for (const round of rounds) {
      for (let m = rows.offsets[round]; m < rows.offsets[round + 1]; m++) logProb[m] = found[next++];
    }
  }
  const bad = logProb.findIndex(Number.isNaN);
  if (bad >= 0) {
    const round = rows.log.ids[rows.roundIndex[rows.roundOf[bad]]];
    throw new PopeError(
      `the policy's log-probability of a response of round ${round} is NaN; expected finite parameters.`,
      { code: 'diverged' },
    );
  }
  return logProb;
}

function scoringChunks(policy: Policy, rows: EvaluationRows): number[][] {
  const finite = policy.distribution !== undefined;
  const { positionOf } = distinctPrompts(Array.from(rows.roundIndex, (i) => rows.log.prompts[i]));
  const chunks = new Map<number, number[]>();
  positionOf.forEach((position, round) => {
    const chunk = Math.floor(finite ? position / chunkSize.prompts : round / chunkSize.rounds);
    const rounds = chunks.get(chunk);
    if (rounds === undefined) chunks.set(chunk, [round]);
    else rounds.push(round);
  });
  return [...chunks.values()];
}

function diversityOf(
  kind: 'anchored' | 'surprisal' | 'coverage' | 'none',
  rows: EvaluationRows,
  logProb: Float64Array,
  logRatio: Float64Array,
) {
  if (kind === 'coverage' && rows.log.opinions === null) return null;
  const whole = new Float64Array(rows.log.responseCount).fill(-Infinity);
  rows.responseIndex.forEach((j, m) => {
    whole[j] = logProb[m];
  });
  const diversity = logDiversity(kind, rows, { logProb: whole });
  return diversity.form === 'response' ? selfNormalized(rows, logRatio, diversity.reward).estimate : null;
}

/** The self-normalised estimate of a local reward with its standard error over rounds or clusters; null where undefined. */
function selfNormalized(
  rows: EvaluationRows,
  logRatio: Float64Array,
  reward: Float64Array,
): { estimate: number | null; error: number | null } {
  const terms = rowTerms(snips, rows, logRatio, { reward });
  const estimate = estimateOf(terms);
  const error = rows.clustered ? clusterRobustStandardError(terms, rows.unitOfRound, rows.units) : standardError(terms);
  return { estimate: Number.isFinite(estimate) ? estimate : null, error: Number.isFinite(error) ? error : null };
}

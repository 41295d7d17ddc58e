import { diagnose, type Policy, snips } from '../ope/index.js';
import { estimateOf, standardError } from '../stats/index.js';
import { scope, type Tree } from '../tensor/index.js';
import type { HeldOutFigures } from './alarms.js';
import { batchOf, type EvaluationRows } from './evaluation-rows.js';
import { logDiversity } from './log-diversity.js';
import { rowTerms } from './row-terms.js';
import type { TrainOptions } from './train.js';

/**
 * What held-out rounds say of a policy: self-normalised utility and diversity, KL to the log, weights, and the loss of
 * held-out text. Figures that the log cannot give (no propensities, all weights 0) are null.
 */
export async function heldOutFigures<P extends Tree>(
  options: Pick<TrainOptions<P>, 'family' | 'diversity' | 'textLoss'>,
  params: P,
  rows: EvaluationRows,
): Promise<HeldOutFigures> {
  const textLoss = (await options.textLoss?.(params)) ?? null;
  const logProb = scoreRows(options.family.bind(params), rows);
  const responses = logProb.length;
  const logRatio = logProb.map((p, m) => p - rows.logPropensity[m]);
  if (logRatio.some(Number.isNaN)) {
    return { utility: null, utilityError: null, diversity: null, effectiveSampleSize: 0, responses, meanWeight: null, kl: null, textLoss };
  }
  const { effectiveSampleSize, meanWeight } = diagnose(logRatio, rows.roundOf, rows.roundIndex.length);
  const utility = selfNormalized(rows, logRatio, rows.utility);
  // E_pi0[rho log rho - (rho - 1)]: an estimate of KL(pi||pi0) whose terms are never negative (D7)
  let kl = 0;
  logRatio.forEach((l, m) => {
    kl += (rows.slateWeight[m] * (Math.exp(l) * l - Math.expm1(l))) / rows.roundIndex.length;
  });
  return {
    utility: utility.estimate,
    utilityError: utility.error,
    diversity: diversityOf(options.diversity, rows, logProb, logRatio),
    effectiveSampleSize,
    responses,
    meanWeight,
    kl: Number.isFinite(kl) ? kl : null,
    textLoss,
  };
}

/** log pi of every row, in chunks of rounds where each response costs a pass of its own. */
export function scoreRows(policy: Policy, rows: EvaluationRows): Float64Array {
  const n = rows.roundIndex.length;
  const chunk = policy.distribution === undefined ? 32 : n;
  const parts: number[] = [];
  for (let from = 0; from < n; from += chunk) {
    const rounds = Array.from({ length: Math.min(chunk, n - from) }, (_, i) => from + i);
    const { prompts, responses } = batchOf(rows, rounds);
    for (const p of scope(() => policy.logProb(prompts, responses).dataSync())) parts.push(p);
  }
  return Float64Array.from(parts);
}

function diversityOf(kind: 'anchored' | 'surprisal' | 'coverage' | 'none', rows: EvaluationRows, logProb: Float64Array, logRatio: Float64Array) {
  if (kind === 'none' || (kind === 'coverage' && rows.log.opinions === null)) return null;
  const whole = new Float64Array(rows.log.responseCount).fill(-Infinity);
  rows.responseIndex.forEach((j, m) => {
    whole[j] = logProb[m];
  });
  const diversity = logDiversity(kind, rows, { logProb: whole });
  return diversity.form === 'response' ? selfNormalized(rows, logRatio, diversity.reward).estimate : null;
}

/** The self-normalised estimate of a local reward with its standard error over rounds; null where undefined. */
function selfNormalized(rows: EvaluationRows, logRatio: Float64Array, reward: Float64Array): { estimate: number | null; error: number | null } {
  const terms = rowTerms(snips, rows, logRatio, { reward });
  const [estimate, error] = [estimateOf(terms), standardError(terms)];
  return { estimate: Number.isFinite(estimate) ? estimate : null, error: Number.isFinite(error) ? error : null };
}

import {
  type Diagnostics,
  diagnose,
  largestLogRatio,
  propensityBand,
  sensitivityCurve,
  tippingPointOf,
} from '../ope/index.js';
import type { EvaluationRows } from './evaluation-rows.js';
import type { LogDiversity } from './log-diversity.js';
import type { TermsByKey } from './policy-terms.js';
import type { EstimateEntry, ValueVarianceResult, VarianceResult } from './result.js';
import { valueVariance } from './value-variance.js';
import { varianceLowerBound } from './variance.js';

/** The independent unit (cluster or round) of each response. */
export const unitOfResponse = (rows: EvaluationRows): Int32Array => rows.roundOf.map((i) => rows.unitOfRound[i]);

export const diagnosticsResult = (d: Diagnostics) => ({
  mean_weight: d.meanWeight,
  effective_sample_size: d.effectiveSampleSize,
  max_weight_share: d.maxWeightShare,
  pareto_k: d.paretoK,
  zero_weight_share: d.zeroWeightShare,
});

/** The product weights of whole slates and their diagnostics; null where every slate has one response. */
export function jointWeights(
  rows: EvaluationRows,
  logRatio: Float64Array,
): { logRatio: Float64Array; diagnostics: Diagnostics } | null {
  const n = rows.roundIndex.length;
  if (logRatio.length === n) return null;
  const joint = new Float64Array(n);
  logRatio.forEach((l, m) => {
    joint[rows.roundOf[m]] += l;
  });
  return { logRatio: joint, diagnostics: diagnose(joint, rows.unitOfRound, rows.units) };
}

const sensitivityEtas = [0.1, 0.25, 0.5];

export function sensitivityOf(
  rows: EvaluationRows,
  logRatio: Float64Array,
  reference: number | null,
  versus: EstimateEntry | undefined,
  settings: { readonly local: boolean },
) {
  // a reward of the whole slate is not what single ratios weigh (T1b)
  if (!settings.local) return null;
  const top = largestLogRatio(logRatio);
  if (top === -Infinity) return null;
  const mass = logRatio.map((l, m) => Math.exp(l - top) * rows.slateWeight[m]);
  const curve = sensitivityCurve({ mass, reward: rows.utility });
  const parts = signedParts(rows, logRatio);
  const significant = versus?.lower != null && versus.upper != null && (versus.lower > 0 || versus.upper < 0);
  return {
    eta: sensitivityEtas,
    utility: sensitivityEtas.map((eta) => {
      const ends = curve(eta);
      const finite = (x: number | undefined): number | null => (x !== undefined && Number.isFinite(x) ? x : null);
      return { lower: finite(ends?.lower), upper: finite(ends?.upper) };
    }),
    ips: sensitivityEtas.map((eta) => (parts === null ? { lower: null, upper: null } : propensityBand(parts, eta))),
    tipping_point: significant && reference !== null ? tippingPointOf(curve, reference) : null,
  };
}

/** Plug-ins of T3 and T4 for one response; null where a weight leaves float64 or the reward is not local. */
export function varianceOf(
  rows: EvaluationRows,
  logRatio: Float64Array,
  diversity: LogDiversity,
  settings: { readonly local: boolean; readonly tau: number },
) {
  const n = rows.roundIndex.length;
  const probability = rows.slateWeight.map((w) => w / n);
  const of = (reward: Float64Array): VarianceResult | null => {
    const fits = logRatio.every((l, m) => l + Math.log(Math.abs(reward[m])) < 350);
    if (!settings.local || !fits) return null;
    const bound = varianceLowerBound(logRatio, reward, probability);
    return { estimate: bound.variance, lower_bound: bound.lowerBound, z: bound.z, kl: bound.kl, chi2: bound.chi2 };
  };
  const combined = () => {
    if (diversity.form === 'none') return of(rows.utility);
    if (diversity.form !== 'response') return null;
    return of(rows.utility.map((u, m) => u + settings.tau * diversity.reward[m]));
  };
  return { utility: of(rows.utility), value: combined() };
}

/** IPS of the positive and of the negative part of the utility; null beyond float64. */
function signedParts(rows: EvaluationRows, logRatio: Float64Array): { positive: number; negative: number } | null {
  let [positive, negative] = [0, 0];
  logRatio.forEach((l, m) => {
    const term = (Math.exp(l) * rows.slateWeight[m] * rows.utility[m]) / rows.roundIndex.length;
    if (term > 0) positive += term;
    else if (term < 0) negative -= term;
  });
  return Number.isFinite(positive) && Number.isFinite(negative) ? { positive, negative } : null;
}

/** T5 by estimator: how the variances of utility and diversity add up to that of the value. */
export function valueVariances(
  terms: { readonly utility: TermsByKey; readonly diversity: TermsByKey },
  rows: EvaluationRows,
  tau: number,
): Record<string, ValueVarianceResult> {
  const unitOf = rows.clustered ? { clusterOf: rows.unitOfRound, clusters: rows.units } : undefined;
  const finite = (x: number): number | null => (Number.isFinite(x) ? x : null);
  return Object.fromEntries(
    Object.entries(terms.utility).flatMap(([key, utility]) => {
      const diversity = terms.diversity[key];
      const usable = [utility, diversity].every(
        (t) => t?.numerator.every(Number.isFinite) && (t.denominator?.every(Number.isFinite) ?? true),
      );
      if (diversity === undefined || !usable) return [];
      const found = valueVariance(utility, diversity, tau, unitOf);
      return [
        [
          key,
          {
            utility: finite(found.utility),
            diversity: finite(found.diversity),
            covariance: finite(found.covariance),
            value: finite(found.value),
          },
        ],
      ];
    }),
  );
}

import type { Estimator } from '../ope/index.js';
import type { Random } from '../random/index.js';
import { estimateOf, resampleCounts, sortedQuantile } from '../stats/index.js';
import { assertInteger, invalid, PopeError } from '../util/index.js';
import type { PropensityFit } from './counted-propensity.js';
import { type EvaluationRows, selectRows, takeRows } from './evaluation-rows.js';
import { rowTerms } from './row-terms.js';

export interface RefitOptions {
  /** With or without propensities: those of the fit take their place. */
  readonly rows: EvaluationRows;
  /** Fits pi0 on the rows it is given and scores them. Rounds drawn twice are there twice, with one and the same unit. */
  readonly fit: PropensityFit;
  /** The estimate on rows whose `logPropensity` is the fit's; NaN where undefined. See `estimateOn`. */
  readonly estimate: (rows: EvaluationRows) => number;
  readonly level: number;
  readonly random: Random;
  /** At least 2; default 500. */
  readonly resamples?: number;
  readonly onResample?: (done: number, resamples: number) => void;
  readonly signal?: AbortSignal;
}

/** An estimate with fitted propensities, and intervals that include the fit. What is undefined is NaN. */
export interface RefitInterval {
  /** On the log itself. */
  readonly estimate: number;
  /** The standard deviation of the replicates. */
  readonly stdError: number;
  /** Quantiles of the replicates. */
  readonly percentile: { readonly lower: number; readonly upper: number };
  /** The same, mirrored at the estimate: 2 estimate - quantile. */
  readonly basic: { readonly lower: number; readonly upper: number };
  /** Defined estimates of the resamples, in order of drawing. */
  readonly replicates: Float64Array;
  /** Resamples on which the estimate is undefined. */
  readonly undefinedResamples: number;
}

/**
 * The bootstrap with the fit of pi0 inside: every resample of units (rounds, or whole clusters) is fitted anew, so that
 * the spread of the estimates is that of fit and estimate together. An interval that takes fitted propensities for known
 * is wrong, and not always too short: see docs/math/propensities.md.
 * @throws PopeError where a fit gives other than one finite log-probability, at most 0, a row; for fewer than 2 units; (code
 * `aborted`) on request.
 */
export async function bootstrapWithRefit(options: RefitOptions): Promise<RefitInterval> {
  const { rows, level, random, resamples = 500, onResample, signal } = options;
  assertInteger('resamples', resamples, 2);
  if (!(level > 0 && level < 1)) throw invalid('level', level, 'a number above 0 and below 1');
  if (rows.units < 2) {
    throw invalid(`the number of ${rows.clustered ? 'clusters' : 'rounds'}`, rows.units, 'at least 2, to resample');
  }
  const roundsOf = Array.from({ length: rows.units }, (): number[] => []);
  rows.unitOfRound.forEach((unit, i) => void roundsOf[unit].push(i));
  const estimate = await refitted(options, rows, 'the log');
  const replicates: number[] = [];
  for (let r = 0; r < resamples; r++) {
    if (signal?.aborted) {
      throw new PopeError(`the bootstrap was stopped by request after ${r} of ${resamples} resamples.`, {
        code: 'aborted',
      });
    }
    const times = resampleCounts(random, rows.units);
    const drawn = roundsOf.flatMap((rounds, unit) => new Array<number[]>(times[unit]).fill(rounds).flat());
    const replicate = await refitted(options, selectRows(rows, drawn), `resample ${r + 1}`);
    if (Number.isFinite(replicate)) replicates.push(replicate);
    onResample?.(r + 1, resamples);
  }
  return intervalOf(estimate, Float64Array.from(replicates), resamples, level);
}

async function refitted(options: RefitOptions, rows: EvaluationRows, what: string): Promise<number> {
  const fitted = await options.fit(rows);
  const wanted = rows.responseIndex.length;
  if (fitted.length !== wanted) {
    throw invalid(`the number of propensities fitted on ${what}`, fitted.length, `${wanted}, one a response`);
  }
  // rounding of a model that is certain may leave a log-probability a little above 0
  const bad = fitted.findIndex((value) => !(Number.isFinite(value) && value <= 1e-9));
  if (bad >= 0) {
    const round = rows.log.ids[rows.roundIndex[rows.roundOf[bad]]];
    throw invalid(
      `the log-propensity fitted on ${what} for a response of round ${round}`,
      fitted[bad],
      'a finite number of at most 0',
    );
  }
  return options.estimate({ ...rows, logPropensity: fitted.map((value) => Math.min(0, value)) });
}

function intervalOf(estimate: number, replicates: Float64Array, resamples: number, level: number): RefitInterval {
  const sorted = replicates.slice().sort();
  const [lower, upper] = [sortedQuantile(sorted, (1 - level) / 2), sortedQuantile(sorted, (1 + level) / 2)];
  const mean = replicates.reduce((sum, value) => sum + value, 0) / replicates.length;
  const squares = replicates.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return {
    estimate,
    stdError: replicates.length < 2 ? Number.NaN : Math.sqrt(squares / (replicates.length - 1)),
    percentile: { lower, upper },
    basic: { lower: 2 * estimate - upper, upper: 2 * estimate - lower },
    replicates,
    undefinedResamples: resamples - replicates.length,
  };
}

/**
 * The estimate of the utility by any estimator, from the propensities that the rows carry.
 * @param logProb log pi of every response of the log. @param predictedValue E_pi q of every round of the log, for the
 * model-based ones, which also read the log's predicted rewards.
 */
export const estimateOn =
  (estimator: Estimator, logProb: Float64Array, predictedValue?: Float64Array) =>
  (rows: EvaluationRows): number => {
    const logRatio = takeRows(rows, logProb).map((p, m) => p - rows.logPropensity[m]);
    const { predictedReward } = rows.log;
    return estimateOf(
      rowTerms(estimator, rows, logRatio, {
        reward: rows.utility,
        ...(predictedReward && { predictedReward: takeRows(rows, predictedReward) }),
        ...(predictedValue && { predictedValue: Float64Array.from(rows.roundIndex, (i) => predictedValue[i]) }),
      }),
    );
  };

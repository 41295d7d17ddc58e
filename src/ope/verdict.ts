import { type Diagnostics, fewestUnits } from './diagnostics.js';

/** Where an estimate begins to be weak, and where it is refused. Every figure is of the raw weights. */
export interface VerdictLimits {
  /** Effective sample size below which the estimate is refused, and weak. */
  readonly effectiveSampleSize: { readonly refuse: number; readonly weak: number };
  /** Effective sample size over the number of responses, likewise. */
  readonly effectiveShare: { readonly refuse: number; readonly weak: number };
  /** Share of the largest weight in the sum, above which. */
  readonly maxWeightShare: { readonly refuse: number; readonly weak: number };
  /** Tail index: refused from here on (at 1 the weights have no mean); weak above the limit of T14. */
  readonly paretoK: { readonly refuse: number };
  /** Standard errors between the mean weight and 1, above which. */
  readonly meanWeightErrors: { readonly refuse: number; readonly weak: number };
}

export const defaultLimits: VerdictLimits = {
  effectiveSampleSize: { refuse: 10, weak: 100 },
  effectiveShare: { refuse: 0.005, weak: 0.1 },
  maxWeightShare: { refuse: 0.25, weak: 0.05 },
  paretoK: { refuse: 1 },
  meanWeightErrors: { refuse: 4, weak: 3 },
};

export interface Verdict {
  readonly level: 'supported' | 'weak' | 'refused';
  /** Each names its figure, its limit and the worst rows. */
  readonly reasons: readonly string[];
}

/**
 * Can the log support an estimate of the target? Judged on raw weights alone: clipped or smoothed weights always look
 * fine and are no evidence.
 * @param tails further tail indices to judge, by name: weight times reward (T14).
 * @param nameOf how a reader finds response j of the log.
 */
export function judge(
  diagnostics: Diagnostics,
  options: {
    /** How many weights there are, and of what. */
    readonly count: number;
    readonly unit?: 'responses' | 'slates';
    readonly tails?: Readonly<Record<string, number | null>>;
    readonly limits?: VerdictLimits;
    readonly nameOf?: (response: number) => string;
  },
): Verdict {
  const limits = options.limits ?? defaultLimits;
  const reasons: string[] = [];
  let level: Verdict['level'] = 'supported';
  const find = (found: 'weak' | 'refused', reason: string): void => {
    if (found === 'refused' || level === 'supported') level = found;
    reasons.push(`${reason}${found === 'refused' ? '' : ' (weak)'}`);
  };
  const worst = worstRows(diagnostics, options.nameOf);

  const { effectiveSampleSize: ess, maxWeightShare: share, meanWeight, meanWeightError } = diagnostics;
  const essShare = ess / options.count;
  const unit = options.unit ?? 'responses';
  if (ess === 0)
    find(
      'refused',
      `no ${unit === 'slates' ? 'slate' : 'response'} of the log has a positive weight: the target never says what was logged`,
    );
  else {
    below(
      ess,
      limits.effectiveSampleSize,
      (l) => `the effective sample size is ${digits(ess)}, below ${l} (of ${options.count} ${unit})${worst}`,
    );
    below(
      essShare,
      limits.effectiveShare,
      (l) =>
        `the effective sample size is ${digits(100 * essShare)} % of the ${unit}, below ${digits(100 * l)} %${worst}`,
    );
    above(
      share,
      limits.maxWeightShare,
      (l) => `the largest weight is ${digits(100 * share)} % of the sum of weights, above ${digits(100 * l)} %${worst}`,
    );
  }
  const tails = { weights: diagnostics.paretoK, ...options.tails };
  for (const [name, k] of Object.entries(tails)) {
    if (k === null) continue;
    const what = name === 'weights' ? 'the weights' : name;
    // a reward that is rarely not 0 has a tail of its own, which only weakens what sound weights support
    const refusable =
      name === 'weights' || (diagnostics.paretoK !== null && diagnostics.paretoK > diagnostics.paretoLimit);
    if (k >= limits.paretoK.refuse)
      find(
        refusable ? 'refused' : 'weak',
        `the tail index of ${what} is ${digits(k)}, at least ${limits.paretoK.refuse}${worst}`,
      );
    else if (k > diagnostics.paretoLimit)
      find('weak', `the tail index of ${what} is ${digits(k)}, above ${digits(diagnostics.paretoLimit)}${worst}`);
  }
  const off = meanWeightDeviation(meanWeight, meanWeightError);
  if (diagnostics.units < fewestUnits)
    find(
      'weak',
      `the log has ${diagnostics.units} independent ${diagnostics.units === 1 ? 'unit' : 'units'} (clusters, or rounds without them), below ${fewestUnits}: too few to tell how far estimates spread`,
    );
  if (meanWeight === null) find('refused', `a log-ratio exceeds 709, beyond float64${worst}`);
  else if (off === null) {
    if (ess > 0 && untrustedMeanWeight(meanWeight, meanWeightError))
      find(
        'refused',
        `the mean weight is ${digits(meanWeight)}, outside of ${trustedMeanWeight.join(' to ')}, and has no standard error: wrong propensities, or a target outside of the log's support${worst}`,
      );
  } else {
    above(
      off,
      limits.meanWeightErrors,
      (l) =>
        `the mean weight is ${digits(meanWeight)}, ${digits(off)} standard errors from 1, more than ${l}: wrong propensities, or a target outside of the log's support${worst}`,
    );
  }
  return { level, reasons };

  function below(value: number, limit: { refuse: number; weak: number }, say: (limit: number) => string): void {
    if (value < limit.refuse) find('refused', say(limit.refuse));
    else if (value < limit.weak) find('weak', say(limit.weak));
  }
  function above(value: number, limit: { refuse: number; weak: number }, say: (limit: number) => string): void {
    if (value > limit.refuse) find('refused', say(limit.refuse));
    else if (value > limit.weak) find('weak', say(limit.weak));
  }
}

/** A mean weight outside of these is no sample of the target, whatever its error. */
const trustedMeanWeight = [0.5, 2] as const;

/** Is the mean weight without an error to test it by, and yet one that no sample of the target would show? */
export const untrustedMeanWeight = (mean: number | null, error: number | null): boolean =>
  mean !== null && error === null && !(mean >= trustedMeanWeight[0] && mean <= trustedMeanWeight[1]);

/** |mean weight - 1| below which its test is silent: rounded log-probabilities move the mean, and no estimate. */
const meanWeightTolerance = 0.01;

// #region T18
/**
 * |mean weight - 1| in standard errors, 0 within 1 %; null where the mean or its error is unknown. E_pi0 rho = 1 less the
 * target's mass outside of the log's support, so a mean far below 1 says deficient support or wrong propensities, and one
 * far above 1 wrong propensities.
 * @id T18
 */
export function meanWeightDeviation(mean: number | null, error: number | null): number | null {
  if (mean === null || error === null) return null;
  const off = Math.abs(mean - 1);
  if (off < meanWeightTolerance) return 0;
  return off / error;
}
// #endregion T18

function worstRows({ largest }: Diagnostics, nameOf: ((j: number) => string) | undefined): string {
  if (nameOf === undefined || largest.length === 0) return '';
  return `; largest weights: ${largest.map(nameOf).join(', ')}`;
}

const digits = (x: number): string =>
  !Number.isFinite(x) ? 'unbounded' : x >= 1e6 ? x.toExponential(2) : String(Number(x.toPrecision(3)));

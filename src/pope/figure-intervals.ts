import {
  type Interval,
  type IntervalMethod,
  type IntervalOptions,
  intervals,
  type RoundTermArrays,
  tInterval,
} from '../stats/index.js';
import { PopeError } from '../util/index.js';
import { type Guarantee, withoutGuarantee } from './guarantee.js';
import { type PlugIn, whyNoInterval } from './plug-in.js';

/** One number of an evaluation before it has an interval. */
export interface Figure {
  readonly path: string;
  readonly terms: RoundTermArrays;
  /** A difference of two figures: its terms lie in [lo - hi, hi - lo]. */
  readonly isDifference: boolean;
  /** What a guaranteed method may say of it; both ends by default. */
  readonly guarantee?: Guarantee;
  /** Of the class probabilities that it rests on: where they are too uncertain it has no interval by any method. */
  readonly plugIn?: PlugIn | undefined;
}

export interface FigureIntervals {
  readonly intervals: readonly Interval[];
  /** Figures that the method cannot serve (a ratio, a term below 0 or outside of the range), with its reason. */
  readonly without: readonly { readonly path: string; readonly reason: string }[];
}

/** These methods serve every figure, and the bootstraps share their resamples among all of them. */
const forAll: readonly IntervalMethod[] = ['t', 'bootstrap', 'bca'];

/**
 * Intervals of all figures of an evaluation by one method. Where the method cannot serve a figure, that figure keeps its
 * estimate and standard error, and its bounds are NaN: better no interval than another method's under this one's name.
 */
export function figureIntervals(
  method: IntervalMethod,
  figures: readonly Figure[],
  options: IntervalOptions,
): FigureIntervals {
  const without: FigureIntervals['without'][number][] = [];
  const found = forAll.includes(method)
    ? intervals(
        method,
        figures.map(({ terms }) => terms),
        options,
      )
    : figures.map((figure) =>
        guaranteed(method, figure, options, (reason) => without.push({ path: figure.path, reason })),
      );
  const kept = found.map((interval, i) => {
    const { path, plugIn } = figures[i];
    if (plugIn === undefined) return interval;
    const wider = widened(interval, plugIn.quadratic);
    const reason = Number.isNaN(interval.lower) ? null : whyNoInterval(plugIn, interval.stdError, wider.stdError);
    if (reason === null) return wider;
    without.push({ path, reason });
    return withoutBounds(wider);
  });
  return { intervals: kept, without };
}

const withoutBounds = ({ estimate, stdError }: Interval): Interval => ({
  estimate,
  stdError,
  lower: Number.NaN,
  upper: Number.NaN,
});

/** The interval with an independent error added to its own: both ends move out as the standard error grows. */
function widened({ estimate, stdError, lower, upper }: Interval, error: number): Interval {
  const whole = Math.hypot(stdError, error);
  const by = stdError > 0 ? whole / stdError : 1;
  return {
    estimate,
    stdError: whole,
    lower: estimate - (estimate - lower) * by,
    upper: estimate + (upper - estimate) * by,
  };
}

/** One figure's interval by a method whose level holds for every number of rounds, where it can serve it. */
function guaranteed(
  method: IntervalMethod,
  { terms, isDifference, guarantee = 'both', plugIn }: Figure,
  options: IntervalOptions,
  refuse: (reason: string) => void,
): Interval {
  const range =
    options.range && isDifference
      ? ([options.range[0] - options.range[1], options.range[1] - options.range[0]] as const)
      : options.range;
  try {
    // a plug-in's terms depend on one another, whatever weighs them
    if (guarantee === 'none' || plugIn !== undefined)
      throw new PopeError(withoutGuarantee(method), { argument: 'interval', got: method });
    const bounded = intervals(method, [terms], { ...options, range: range ?? null })[0];
    return guarantee === 'lower' ? { ...bounded, upper: Number.NaN } : bounded;
  } catch (error) {
    if (!(error instanceof PopeError)) throw error;
    refuse(error.message);
    return withoutBounds(tInterval(terms, options));
  }
}

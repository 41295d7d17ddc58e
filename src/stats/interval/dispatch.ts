import { assertOneOf } from '../../util/index.js';
import type { RoundTermArrays } from '../terms.js';
import { bcaMany } from './bca.js';
import { bernsteinInterval } from './bernstein.js';
import { bettingInterval } from './betting.js';
import { bootstrapMany } from './bootstrap.js';
import { hoeffdingInterval } from './hoeffding.js';
import type { Interval, IntervalOptions } from './interval.js';
import { logSmoothingInterval } from './log-smoothing.js';
import { tInterval } from './t.js';

export const INTERVAL_METHODS = [
  't',
  'bootstrap',
  'bca',
  'bernstein',
  'hoeffding',
  'log-smoothing',
  'betting',
] as const;
export type IntervalMethod = (typeof INTERVAL_METHODS)[number];

type One = (terms: RoundTermArrays, options: IntervalOptions) => Interval;
type Many = (termsList: readonly RoundTermArrays[], options: IntervalOptions) => Interval[];

/** Methods that look at one estimate at a time. */
const alone: Readonly<Partial<Record<IntervalMethod, One>>> = {
  t: tInterval,
  bernstein: bernsteinInterval,
  hoeffding: hoeffdingInterval,
  'log-smoothing': logSmoothingInterval,
  betting: bettingInterval,
};

/** Methods whose resamples serve all estimates of a log together. */
const together: Readonly<Partial<Record<IntervalMethod, Many>>> = { bootstrap: bootstrapMany, bca: bcaMany };

/**
 * Intervals of several estimates of one log by one method; the bootstraps share their resamples among them.
 * @throws PopeError on an unknown method, and as the method does.
 */
export function intervals(
  method: IntervalMethod,
  termsList: readonly RoundTermArrays[],
  options: IntervalOptions,
): Interval[] {
  assertOneOf('method', method, INTERVAL_METHODS);
  const one = alone[method];
  return one === undefined ? together[method]!(termsList, options) : termsList.map((terms) => one(terms, options));
}

/** The interval of one estimate. @throws PopeError as `intervals`. */
export function interval(method: IntervalMethod, terms: RoundTermArrays, options: IntervalOptions): Interval {
  return intervals(method, [terms], options)[0]!;
}

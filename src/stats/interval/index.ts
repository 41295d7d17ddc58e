export { bcaInterval, bcaMany } from './bca.js';
export { bernsteinInterval } from './bernstein.js';
export { bettingInterval } from './betting.js';
export { bootstrapInterval, bootstrapMany, poissonBootstrap, poissonBootstrapMany } from './bootstrap.js';
export { INTERVAL_METHODS, type IntervalMethod, interval, intervals } from './dispatch.js';
export { hoeffdingInterval } from './hoeffding.js';
export type { Interval, IntervalOptions } from './interval.js';
export { logSmoothingInterval } from './log-smoothing.js';
export { tInterval } from './t.js';

import { assertInteger, assertRange, invalid } from '../util/index.js';

/** Step (from 1) -> learning rate. */
export type Schedule = (step: number) => number;

/**
 * Linear from 0 to `peak` over `warmup` steps, then half a cosine from `peak` at step `warmup` to `final` at `steps`,
 * and `final` ever after.
 * @param options.peak at least 0; `final` from 0 to peak (default 0); integers 0 <= warmup <= steps, steps >= 1.
 */
export function warmupCosine(options: {
  readonly peak: number;
  readonly warmup?: number;
  readonly steps: number;
  readonly final?: number;
}): Schedule {
  const { peak, warmup = 0, steps, final = 0 } = options;
  assertRange('peak', peak, 0, Number.MAX_VALUE);
  assertInteger('steps', steps, 1);
  assertInteger('warmup', warmup, 0, steps);
  assertRange('final', final, 0, peak);
  return (step) => {
    if (!(step >= 0)) throw invalid('step', step, 'a number of at least 0');
    if (step < warmup) return (peak * step) / warmup;
    if (step >= steps) return warmup === steps && step === steps ? peak : final;
    return final + (peak - final) * 0.5 * (1 + Math.cos((Math.PI * (step - warmup)) / (steps - warmup)));
  };
}

/** The same rate at every step. */
export function constantRate(rate: number): Schedule {
  assertRange('rate', rate, 0, Number.MAX_VALUE);
  return () => rate;
}

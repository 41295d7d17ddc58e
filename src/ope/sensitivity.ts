import { assertRange } from '../util/index.js';

/** Weights and rewards for the sensitivity analysis: rows with mass m_j > 0 (weight times slate weight) and reward r_j. */
export interface WeightedRewards {
  readonly mass: Float64Array;
  readonly reward: Float64Array;
}

/**
 * The range of the self-normalised estimate when every propensity may be off by a factor from e^-eta to e^eta
 * (marginal sensitivity model): the ends put e^eta on all rewards above a cut and e^-eta below it, or the reverse;
 * all cuts are tried, O(n log n).
 * @param eta >= 0, nats per response. @returns null where all mass is 0.
 * @id T13
 */
export function sensitivityInterval({ mass, reward }: WeightedRewards, eta: number): { lower: number; upper: number } | null {
  assertRange('eta', eta, 0, Infinity);
  const order = Array.from(reward.keys()).sort((a, b) => reward[a] - reward[b]);
  let total = 0;
  let weighted = 0;
  for (let j = 0; j < mass.length; j++) {
    total += mass[j];
    weighted += mass[j] * reward[j];
  }
  if (!(total > 0)) return null;
  const [up, down] = [Math.exp(eta), Math.exp(-eta)];
  let upper = weighted / total;
  let lower = upper;
  let below = 0;
  let belowWeighted = 0;
  for (const j of order) {
    below += mass[j];
    belowWeighted += mass[j] * reward[j];
    const [above, aboveWeighted] = [Math.max(0, total - below), weighted - belowWeighted];
    upper = Math.max(upper, (down * belowWeighted + up * aboveWeighted) / (down * below + up * above));
    lower = Math.min(lower, (up * belowWeighted + down * aboveWeighted) / (up * below + down * above));
  }
  return { lower, upper };
}

/**
 * eta*: the smallest error of the propensities at which the interval reaches `reference` (the logging policy's value),
 * by bisection to 1e-6; null where even eta = 20 does not.
 */
export function tippingPoint(rewards: WeightedRewards, reference: number): number | null {
  const contains = (eta: number): boolean => {
    const ends = sensitivityInterval(rewards, eta);
    return ends !== null && ends.lower <= reference && reference <= ends.upper;
  };
  if (contains(0)) return 0;
  let [low, high] = [0, 20];
  if (!contains(high)) return null;
  while (high - low > 1e-6) {
    const middle = (low + high) / 2;
    if (contains(middle)) high = middle;
    else low = middle;
  }
  return high;
}

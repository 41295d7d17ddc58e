import { assertRange, invalid } from '../util/index.js';

/** Weights and rewards for the sensitivity analysis: rows with mass m_j >= 0 (weight times slate weight) and reward r_j. */
export interface WeightedRewards {
  readonly mass: Float64Array;
  readonly reward: Float64Array;
}

// #region T13
/**
 * The range of the self-normalised estimate when every propensity may be off by a factor from e^-eta to e^eta
 * (marginal sensitivity model): the ends put e^eta on all rewards above a cut and e^-eta below it, or the reverse;
 * all cuts are tried, O(n log n).
 * @param eta >= 0, nats per response. @returns null where all mass is 0.
 * @id T13
 */
export function sensitivityInterval(rewards: WeightedRewards, eta: number): { lower: number; upper: number } | null {
  assertRange('eta', eta, 0, Infinity);
  assertRewards(rewards);
  const { mass, reward } = rewards;
  const m = mass.length;
  const order = Array.from(reward.keys()).sort((a, b) => reward[a] - reward[b]);
  // summed from the top as well as from the bottom: a difference from the total would leave rounding that e^eta blows up
  const aboveMass = new Float64Array(m + 1);
  const aboveWeighted = new Float64Array(m + 1);
  for (let k = m - 1; k >= 0; k--) {
    aboveMass[k] = aboveMass[k + 1] + mass[order[k]];
    aboveWeighted[k] = aboveWeighted[k + 1] + mass[order[k]] * reward[order[k]];
  }
  if (!(aboveMass[0] > 0)) return null;
  const down = Math.exp(-2 * eta); // only the ratio of e^-eta to e^eta matters
  let upper = aboveWeighted[0] / aboveMass[0];
  let lower = upper;
  let below = 0;
  let belowWeighted = 0;
  for (let k = 0; k < m; k++) {
    below += mass[order[k]];
    belowWeighted += mass[order[k]] * reward[order[k]];
    const [above, weighted] = [aboveMass[k + 1], aboveWeighted[k + 1]];
    // either can be 0 where the tilt or all mass on one side is
    if (down * below + above > 0) upper = Math.max(upper, (down * belowWeighted + weighted) / (down * below + above));
    if (below + down * above > 0) lower = Math.min(lower, (belowWeighted + down * weighted) / (below + down * above));
  }
  return { lower, upper };
}
// #endregion T13

function assertRewards({ mass, reward }: WeightedRewards): void {
  if (mass.length !== reward.length)
    throw invalid('reward.length', reward.length, `${mass.length}, the length of mass`);
  const bad = mass.findIndex((m) => !(m >= 0 && m < Infinity));
  if (bad >= 0) throw invalid(`mass[${bad}]`, mass[bad], 'a finite number of at least 0');
  const odd = reward.findIndex((r) => !Number.isFinite(r));
  if (odd >= 0) throw invalid(`reward[${odd}]`, reward[odd], 'a finite number');
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

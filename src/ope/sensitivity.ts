import { assertRange, invalid } from '../util/index.js';

/** Weights and rewards for the sensitivity analysis: rows with mass m_j >= 0 (weight times slate weight) and reward r_j. */
export interface WeightedRewards {
  readonly mass: Float64Array;
  readonly reward: Float64Array;
}

/** Ends of the interval. */
export interface SensitivityEnds {
  readonly lower: number;
  readonly upper: number;
}

// #region T13
/**
 * The range of the self-normalised estimate when every propensity may be off by a factor from e^-eta to e^eta
 * (marginal sensitivity model): the ends put e^eta on all rewards above a cut and e^-eta below it, or the reverse;
 * all cuts are tried, O(n log n).
 * @param eta >= 0, nats per response. @returns null where all mass is 0.
 * @id T13
 */
export function sensitivityInterval(rewards: WeightedRewards, eta: number): SensitivityEnds | null {
  return sensitivityCurve(rewards)(eta);
}

/** The interval as a function of eta: the rewards are sorted once, and each eta costs one pass over distinct rewards. */
export function sensitivityCurve(rewards: WeightedRewards): (eta: number) => SensitivityEnds | null {
  assertRewards(rewards);
  const { mass, weighted } = byReward(rewards);
  const m = mass.length;
  // summed from the top as well as from the bottom: a difference from the total would leave rounding that e^eta blows up
  const aboveMass = new Float64Array(m + 1);
  const aboveWeighted = new Float64Array(m + 1);
  for (let k = m - 1; k >= 0; k--) {
    aboveMass[k] = aboveMass[k + 1] + mass[k];
    aboveWeighted[k] = aboveWeighted[k + 1] + weighted[k];
  }
  return (eta) => {
    assertRange('eta', eta, 0, Infinity);
    if (!(aboveMass[0] > 0)) return null;
    const down = Math.exp(-2 * eta); // only the ratio of e^-eta to e^eta matters
    let upper = aboveWeighted[0] / aboveMass[0];
    let lower = upper;
    let below = 0;
    let belowWeighted = 0;
    for (let k = 0; k < m; k++) {
      below += mass[k];
      belowWeighted += weighted[k];
      const above = aboveMass[k + 1];
      const rest = aboveWeighted[k + 1];
      // either can be 0 where the tilt or all mass on one side is
      if (down * below + above > 0) upper = Math.max(upper, (down * belowWeighted + rest) / (down * below + above));
      if (below + down * above > 0) lower = Math.min(lower, (belowWeighted + down * rest) / (below + down * above));
    }
    return { lower, upper };
  };
}
// #endregion T13

/** Mass, and mass times reward, of each distinct reward from the lowest on: a cut between equal ones is never the end. */
function byReward({ mass, reward }: WeightedRewards): { mass: Float64Array; weighted: Float64Array } {
  const order = Uint32Array.from(reward.keys()).sort((a, b) => reward[a] - reward[b]);
  const sums = new Float64Array(order.length);
  const weighted = new Float64Array(order.length);
  let groups = 0;
  order.forEach((row, k) => {
    if (k === 0 || reward[row] !== reward[order[k - 1]]) groups++;
    sums[groups - 1] += mass[row];
    weighted[groups - 1] += mass[row] * reward[row];
  });
  return { mass: sums.subarray(0, groups), weighted: weighted.subarray(0, groups) };
}

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
  return tippingPointOf(sensitivityCurve(rewards), reference);
}

/** The same from a curve that is there already. */
export function tippingPointOf(curve: (eta: number) => SensitivityEnds | null, reference: number): number | null {
  const contains = (eta: number): boolean => {
    const ends = curve(eta);
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

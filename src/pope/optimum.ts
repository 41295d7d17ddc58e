import { assertFinite, assertRange, invalid } from '../util/index.js';

/** The best policy of one context and its value. */
export interface Optimum {
  /** pi*(y|x), one a response; sums to 1. */
  readonly policy: readonly number[];
  /** V*, in the units of the utility. */
  readonly value: number;
}

// #region T9
/**
 * The optimum of D6 in closed form. With surprisal (D2): pi* = exp(u/tau) / sum exp(u/tau) and V* = tau log sum
 * exp(u/tau). Anchored (D7), with `anchor` = pi0: pi* = pi0 exp(u/tau) / Z and V* = tau log E_pi0 exp(u/tau).
 * As tau goes to 0 both become the best response (of the anchor's support).
 * @param utility u(x, y) of every response of the context, finite. @param tau above 0.
 * @param anchor pi0(y|x), as many numbers of at least 0 with sum 1.
 * @throws PopeError where an argument is outside of its domain.
 * @id T9
 */
export function optimalPolicy(utility: readonly number[], tau: number, anchor?: readonly number[]): Optimum {
  if (utility.length === 0) throw invalid('utility', utility, 'a number for every response');
  for (const [y, u] of utility.entries()) assertFinite(`utility[${y}]`, u);
  assertRange('tau', tau, Number.MIN_VALUE, Number.MAX_VALUE);
  if (anchor !== undefined) {
    const total = anchor.reduce((sum, p) => sum + p, 0);
    if (anchor.length !== utility.length || !anchor.every((p) => p >= 0) || !(Math.abs(total - 1) < 1e-9))
      throw invalid('anchor', anchor, `${utility.length} numbers of at least 0 with sum 1`);
  }
  // relative to the best reachable utility: u/tau itself may be beyond float64
  const reachable = utility.filter((_, y) => anchor === undefined || anchor[y] > 0);
  const best = reachable.reduce((most, u) => Math.max(most, u), -Infinity);
  const mass = utility.map((u, y) => {
    const weight = anchor?.[y] ?? 1;
    return weight === 0 ? 0 : weight * Math.exp((u - best) / tau);
  });
  const total = mass.reduce((sum, m) => sum + m, 0);
  return { policy: mass.map((m) => m / total), value: best + tau * Math.log(total) };
}
// #endregion T9

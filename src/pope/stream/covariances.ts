import { standardErrorOfScaled } from '../../stats/index.js';
import { estimatorKeys } from '../estimator-keys.js';
import type { ValueVarianceResult } from '../result.js';
import type { FigureRecord } from './figure-record.js';
import type { TargetRecord } from './target-record.js';

/**
 * T5 by estimator, as `valueVariances` has it: Cov = (Var(u + d) - Var u - Var d)/2, from the squares of three standard
 * errors, and Var(u + tau d) from the parts.
 */
export function covariances(
  { own, together }: TargetRecord,
  rounds: number,
  tau: number,
): Record<string, ValueVarianceResult> {
  const found: Record<string, ValueVarianceResult> = {};
  const usable = (figure: FigureRecord | undefined): figure is FigureRecord =>
    figure !== undefined && figure.rounds === rounds && figure.overflow === null;
  for (const key of estimatorKeys) {
    const [u, d, both] = [own.utility[key], own.diversity[key], together[key]];
    if (!usable(u) || !usable(d) || !usable(both)) continue;
    const [utility, diversity, sum] = [u, d, both].map(({ sums }) => standardErrorOfScaled(sums) ** 2);
    const covariance = (sum - utility - diversity) / 2;
    const finite = (x: number): number | null => (Number.isFinite(x) ? x : null);
    found[key] = {
      utility: finite(utility),
      diversity: finite(diversity),
      covariance: finite(covariance),
      value: finite(utility + tau * tau * diversity + 2 * tau * covariance),
    };
  }
  return found;
}

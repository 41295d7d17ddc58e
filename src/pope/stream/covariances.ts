import { standardErrorOfScaled } from '../../stats/index.js';
import { estimatorKeys } from '../estimator-keys.js';
import type { ValueVarianceResult } from '../result.js';
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
  for (const key of estimatorKeys) {
    const both = together[key];
    // a part that lacks one of the two, or in which one overflows, has no sum of them
    if (both === undefined || both.rounds !== rounds) continue;
    const [utility, diversity, sum] = [own.utility[key], own.diversity[key], both].map(
      ({ sums }) => standardErrorOfScaled(sums) ** 2,
    );
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

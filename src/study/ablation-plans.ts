import type { PolicyPlan } from './policy-training.js';

export const TAUS = [0.05, 0.1, 0.25, 0.5, 1, 2, 4];
export const KINDS = ['anchored', 'surprisal', 'coverage'] as const;

export const ablationPlans: readonly PolicyPlan[] = [
  { name: 'utility only', objective: 'utility', diversity: 'none', tau: 0 },
  ...KINDS.map((diversity): PolicyPlan => ({ name: `${diversity} only`, objective: 'diversity', diversity, tau: 1 })),
  ...KINDS.flatMap((diversity) =>
    TAUS.map((tau): PolicyPlan => ({ name: `${diversity}, tau ${tau}`, objective: 'pope', diversity, tau })),
  ),
];

/** The tau at which forms are compared: 0.25, or the first of those that were run. */
export const comparedTau = (taus: readonly number[]): number => (taus.includes(0.25) ? 0.25 : taus[0]!);

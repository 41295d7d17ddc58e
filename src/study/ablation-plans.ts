import type { PolicyPlan } from './policy-training.js';
import type { Finding } from './study.js';
import type { Mean } from './summary.js';

export const TAUS = [0.05, 0.1, 0.25, 0.5, 1, 2, 4];
export const KINDS = ['anchored', 'surprisal', 'coverage'] as const;

export const ablationPlans: readonly PolicyPlan[] = [
  { name: 'utility only', objective: 'utility', diversity: 'none', tau: 0 },
  ...KINDS.map((diversity): PolicyPlan => ({ name: `${diversity} only`, objective: 'diversity', diversity, tau: 1 })),
  ...KINDS.flatMap((diversity) =>
    TAUS.map((tau): PolicyPlan => ({ name: `${diversity}, tau ${tau}`, objective: 'pope', diversity, tau })),
  ),
];

/** Whether a difference is above 0. */
export const above = ({ lower, upper }: Mean): Finding['holds'] => (lower > 0 ? 'yes' : upper < 0 ? 'no' : 'unclear');
export const below = ({ lower, upper }: Mean): Finding['holds'] => (upper < 0 ? 'yes' : lower > 0 ? 'no' : 'unclear');

import { negativeJensenShannon } from './diversity-forms.js';
import { type DemoContext, type DemoRound, groupShares } from './polis-log.js';

/** The exact value of a policy, judged by every vote of the held-out participants. */
export interface Truth {
  readonly utility: number;
  readonly diversity: number;
  readonly value: number;
  /** Entropy of the opinion classes, mean over rounds, nats. */
  readonly coverage: number;
  /** Minus the Jensen-Shannon divergence of the opinions from the sizes of the groups (D5), mean over rounds, nats. */
  readonly distribution: number;
  /** Share of the opinion that the policy voices most in each context, and of the others; mean over rounds. */
  readonly opinionShares: ReadonlyMap<string, number>;
  /** Agree share of each group's voters under the policy, by conversation's group letter. */
  readonly worstGroupUtility: number;
}

/** log pi(y|x) over the statements of a context. */
export type StatementLogProbs = (context: DemoContext) => Float64Array;

/** Opinions are compared across topics as the one that the policy voices most there, and all others. */
export const mostVoiced = 'most voiced opinion';
export const others = 'other opinions';

/**
 * u is the agree share: E over held-out participants and y ~ pi of their vote; diversity is -KL(pi||pi0) (D7), exact
 * sums over all statements. No estimate enters.
 */
export function trueValue(
  rounds: readonly DemoRound[],
  logProbs: StatementLogProbs,
  tau: number,
  diversity: 'anchored' | 'coverage',
): Truth {
  const cache = new Map<DemoContext, ReturnType<typeof contextFigures>>();
  const of = (context: DemoContext) => {
    const known = cache.get(context);
    if (known !== undefined) return known;
    const found = contextFigures(context, logProbs(context));
    cache.set(context, found);
    return found;
  };
  let [utility, kl, coverage, distribution, largest] = [0, 0, 0, 0, 0];
  const groups = new Map<string, { sum: number; count: number }>();
  for (const { context, participant } of rounds) {
    const figures = of(context);
    let u = 0;
    participant.votes.forEach((vote, k) => {
      if (vote === 1) u += figures.p[k];
    });
    utility += u;
    kl += figures.kl;
    coverage += figures.entropy;
    distribution += figures.match;
    largest += figures.shares[0];
    const key = `${context.conversation.key} ${participant.group}`;
    const group = groups.get(key) ?? { sum: 0, count: 0 };
    groups.set(key, { sum: group.sum + u, count: group.count + 1 });
  }
  const n = rounds.length;
  const div = diversity === 'anchored' ? -kl / n : coverage / n;
  return {
    utility: utility / n,
    diversity: div,
    value: utility / n + tau * div,
    coverage: coverage / n,
    distribution: distribution / n,
    opinionShares: new Map([
      [mostVoiced, largest / n],
      [others, 1 - largest / n],
    ]),
    worstGroupUtility: Math.min(
      ...[...groups.values()].filter(({ count }) => count >= 10).map(({ sum, count }) => sum / count),
    ),
  };
}

function contextFigures(context: DemoContext, logProb: Float64Array) {
  const p = logProb.map(Math.exp);
  const classes = new Map<string, number>();
  let kl = 0;
  context.conversation.statements.forEach(({ opinion }, k) => {
    classes.set(opinion, (classes.get(opinion) ?? 0) + p[k]);
    if (p[k] > 0) kl += p[k] * (logProb[k] - context.logging[k]);
  });
  let entropy = 0;
  for (const mass of classes.values()) if (mass > 0) entropy -= mass * Math.log(mass);
  const largest = Math.max(...classes.values());
  const match = negativeJensenShannon(groupShares(context.conversation), Object.fromEntries(classes));
  return { p, kl, entropy, match, shares: [largest, 1 - largest] as [number, number] };
}

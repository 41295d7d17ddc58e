import type { FiniteProblem } from '../src/ope/index.js';

const logging = [0.5, 0.3, 0.15, 0.05];
const reward = [0.2, 0.5, 0.4, 1];
/** A reward model that is wrong by up to 0.3, and knows nothing of the order. */
const predicted = [0.4, 0.4, 0.7, 0.7];

const tilted = (t: number, from: readonly number[]): number[] => {
  const mass = from.map((p, y) => p * Math.exp(t * y));
  const total = mass.reduce((sum, m) => sum + m, 0);
  return mass.map((m) => m / total);
};
const divergence = (p: readonly number[], q: readonly number[]): number =>
  p.reduce((sum, mass, y) => sum + mass * Math.log(mass / q[y]!), 0);

/** The tilt t >= 0 at which KL(pi_t || pi0) is `kl` nats, by bisection: the divergence grows with t. */
function tiltFor(kl: number, from: readonly number[]): number {
  let [low, high] = [0, 50];
  for (let step = 0; step < 200; step++) {
    const middle = (low + high) / 2;
    if (divergence(tilted(middle, from), from) < kl) low = middle;
    else high = middle;
  }
  return kl === 0 ? 0 : (low + high) / 2;
}

/** One context, four responses, pi proportional to pi0 exp(t y) at KL(pi || pi0) = kl nats (below log 20 = 3.0). */
export function tiltedProblem(kl: number): { readonly tilt: number; readonly problem: FiniteProblem } {
  const tilt = tiltFor(kl, logging);
  return {
    tilt,
    problem: {
      contextProb: [1],
      logging: [logging],
      target: [tilted(tilt, logging)],
      reward: [reward],
      predicted: [predicted],
    },
  };
}

const slateLogging = [0.5, 0.3, 0.2];
const slateReward = [0.2, 0.5, 1];

/** Three responses, KL(pi || pi0) = 0.5 nats for each, and rewards that look at ever more of the slate. */
export const slateProblem = {
  problem: {
    contextProb: [1],
    logging: [slateLogging],
    target: [tilted(tiltFor(0.5, slateLogging), slateLogging)],
    reward: [slateReward],
  } satisfies FiniteProblem,
  rewards: [
    {
      name: 'local',
      law: 'the reward of a response depends on it alone',
      responseReward: (_x: number, slate: readonly number[], j: number): number => slateReward[slate[j]!]!,
    },
    {
      name: 'first of its kind',
      law: 'a response that was shown before in the slate earns nothing',
      responseReward: (_x: number, slate: readonly number[], j: number): number =>
        slate.indexOf(slate[j]!) < j ? 0 : slateReward[slate[j]!]!,
    },
    {
      name: 'only of its kind',
      law: 'a response that is anywhere else in the slate earns nothing',
      responseReward: (_x: number, slate: readonly number[], j: number): number =>
        slate.filter((y) => y === slate[j]).length > 1 ? 0 : slateReward[slate[j]!]!,
    },
  ],
} as const;

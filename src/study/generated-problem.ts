import type { FiniteProblem } from '../ope/index.js';
import { normal, type Random } from '../random/index.js';

export const CONTEXTS = 3;
export const RESPONSES = 6;

const softmax = (logits: readonly number[]): number[] => {
  const top = Math.max(...logits);
  const mass = logits.map((l) => Math.exp(l - top));
  const total = mass.reduce((sum, m) => sum + m, 0);
  return mass.map((m) => m / total);
};
const logistic = (x: number): number => 1 / (1 + Math.exp(-x));

/** Rewards in (0, 1), a reward model that knows about two thirds of them, and a target that strays towards them or away. */
export function drawProblem(
  { divergence, correlation }: { readonly divergence: number; readonly correlation: number },
  random: Random,
): FiniteProblem {
  const rows = Array.from({ length: CONTEXTS }, () => {
    const draw = (): number[] => Array.from({ length: RESPONSES }, () => normal(random));
    const [logits, direction, own, error] = [draw(), draw(), draw(), draw()];
    const score = direction.map((g, y) => correlation * g + Math.sqrt(1 - correlation ** 2) * own[y]!);
    return {
      logging: softmax(logits),
      target: softmax(logits.map((l, y) => l + divergence * direction[y]!)),
      reward: score.map(logistic),
      predicted: score.map((s, y) => logistic(0.7 * s + 0.7 * error[y]!)),
    };
  });
  return {
    contextProb: rows.map(() => 1 / CONTEXTS),
    logging: rows.map((row) => row.logging),
    target: rows.map((row) => row.target),
    reward: rows.map((row) => row.reward),
    predicted: rows.map((row) => row.predicted),
  };
}

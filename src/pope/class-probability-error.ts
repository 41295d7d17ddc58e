import { type Log, promptKey } from '../ope/index.js';
import { type ClassProbabilities, forEachResponse, requireOpinions } from './class-probability.js';

/** How far the estimated class probabilities of one prompt may be off. */
export interface ClassProbabilityError {
  /** 1/sum s^2 of the shares s in the prompt's weights: so many equal weights would tell as much; 0 for no weight. */
  readonly effectiveResponses: number;
  /** Class -> variance of its probability p: sum of s^2 (1[own class] - p)^2. */
  readonly variance: ReadonlyMap<string, number>;
  /** Class -> bias of p, a ratio of two sums of the same weights: -(sum of s^2 (1[own class] - p)); 0 for equal weights. */
  readonly bias: ReadonlyMap<string, number>;
}

/**
 * Of every prompt, to second order; both are divided by 1 - sum s^2, as a variance of n numbers is by (n - 1)/n, and are
 * 0 for a prompt that one response fills: it tells nothing of its own error.
 * @id D3
 */
export function classProbabilityErrors(
  log: Log,
  { byPrompt, weightShare }: ClassProbabilities,
): ReadonlyMap<string, ClassProbabilityError> {
  const opinions = requireOpinions(log);
  const keys = log.prompts.map(promptKey);
  const squares = new Map(
    [...byPrompt].map(([key, classes]) => [key, new Map([...classes.keys()].map((c) => [c, 0]))]),
  );
  forEachResponse(log, (i, j) => {
    const own = squares.get(keys[i])!;
    own.set(opinions[j], own.get(opinions[j])! + weightShare[j] ** 2);
  });
  return new Map([...byPrompt].map(([key, classes]) => [key, errorOf(classes, squares.get(key)!)]));
}

/** With S the squared shares and S_c those of class c: (1 - 2 p) S_c + p^2 S, and p S - S_c. */
function errorOf(classes: ReadonlyMap<string, number>, squares: ReadonlyMap<string, number>): ClassProbabilityError {
  let all = 0;
  for (const s of squares.values()) all += s;
  const known = 1 - all;
  // 1 up to rounding: one response, or one beside which the others weigh nothing
  const scale = known > 1e-12 ? 1 / known : 0;
  const variance = new Map<string, number>();
  const bias = new Map<string, number>();
  for (const [c, p] of classes) {
    const own = squares.get(c)!;
    variance.set(c, scale * Math.max(0, (1 - 2 * p) * own + p * p * all));
    bias.set(c, scale * (p * all - own));
  }
  return { effectiveResponses: all === 0 ? 0 : 1 / all, variance, bias };
}

import { type Log, promptKey } from '../ope/index.js';
import { type ClassProbabilities, requireOpinions } from './class-probability.js';

/** How far the estimated class probabilities of one prompt may be off. */
export interface ClassProbabilityError {
  /** Class -> variance of its probability p. */
  readonly variance: ReadonlyMap<string, number>;
  /** Class -> bias of p, a ratio of two sums of the same weights; 0 for equal weights. */
  readonly bias: ReadonlyMap<string, number>;
  /**
   * Probability of the classes that one round (or cluster) alone shows, from 0 to 1: of about so much no round shows
   * anything (Good and Turing). 1 for a prompt of one round, which tells nothing of its own error.
   */
  readonly unseen: number;
  /** 1/sum_g s_g^2: so many rounds (or clusters) of equal shares would tell as much; 0 for no weight. */
  readonly effectiveUnits: number;
}

export interface ClassProbabilityErrors {
  readonly byPrompt: ReadonlyMap<string, ClassProbabilityError>;
  /** Does a cluster reach over several prompts? Their errors are then not independent of one another. */
  readonly spanning: boolean;
}

/**
 * Of every prompt. With s_g the share of round (or cluster) g in the prompt's weights, s_gc that of its responses of class
 * c, and d_gc = s_gc - p_c s_g: the variance of p_c is sum_g d_gc^2 and its bias -sum_g s_g d_gc, both to second order and
 * over 1 - sum_g s_g^2, which is (n - 1)/n for equal shares.
 * @id D3
 */
export function classProbabilityErrors(log: Log, estimated: ClassProbabilities): ClassProbabilityErrors {
  const sums = new Map(
    [...estimated.byPrompt].map(([key, classes]) => [
      key,
      { all: 0, of: new Map([...classes.keys()].map((c) => [c, { squares: 0, products: 0 }])) },
    ]),
  );
  const units = unitsOfPrompts(log);
  for (const { key, rounds } of units) {
    const { total, byClass } = sharesOf(log, estimated, rounds);
    const prompt = sums.get(key)!;
    prompt.all += total * total;
    for (const [c, share] of byClass) {
      const own = prompt.of.get(c)!;
      own.squares += share * share;
      own.products += share * total;
    }
  }
  return {
    byPrompt: new Map([...estimated.byPrompt].map(([key, classes]) => [key, errorOf(classes, sums.get(key)!)])),
    spanning: log.clusters !== null && new Set(log.clusters).size < units.length,
  };
}

/** sum d^2 = A - 2 p B + p^2 S and -sum s d = p S - B, with A the squared shares of a class, B their products with s. */
function errorOf(
  classes: ReadonlyMap<string, number>,
  {
    all,
    of,
  }: {
    readonly all: number;
    readonly of: ReadonlyMap<string, { readonly squares: number; readonly products: number }>;
  },
): ClassProbabilityError {
  const known = 1 - all;
  // 1 up to rounding: one round, or one beside which the others weigh nothing
  const scale = known > 1e-12 ? 1 / known : 0;
  const variance = new Map<string, number>();
  const bias = new Map<string, number>();
  let unseen = 0;
  for (const [c, p] of classes) {
    const { squares, products } = of.get(c)!;
    const v = scale * Math.max(0, squares - 2 * p * products + p * p * all);
    variance.set(c, v);
    bias.set(c, scale * (p * all - products));
    if (p === 0) continue;
    // so many rounds of equal shares would show the class as well; 1 where one alone does
    unseen += p * Math.min(1, Math.max(0, 2 - (p * p) / squares));
  }
  return {
    variance,
    bias,
    unseen: all === 0 ? 1 : Math.min(1, unseen),
    effectiveUnits: all === 0 ? 0 : 1 / all,
  };
}

/** The shares of some rounds of one prompt: of all their responses, and by class. */
function sharesOf(
  { offsets, opinions }: Log,
  { weightShare }: ClassProbabilities,
  rounds: readonly number[],
): { readonly total: number; readonly byClass: ReadonlyMap<string, number> } {
  let total = 0;
  const byClass = new Map<string, number>();
  for (const i of rounds)
    for (let j = offsets[i]; j < offsets[i + 1]; j++) {
      total += weightShare[j];
      byClass.set(opinions![j]!, (byClass.get(opinions![j]!) ?? 0) + weightShare[j]);
    }
  return { total, byClass };
}

/** The rounds of each prompt by what is independent: one round each, or those of one cluster. */
function unitsOfPrompts(log: Log): readonly { readonly key: string; readonly rounds: readonly number[] }[] {
  requireOpinions(log);
  const { prompts, clusters } = log;
  const units = new Map<string, { key: string; rounds: number[] }>();
  if (clusters === null) return prompts.map((prompt, i) => ({ key: promptKey(prompt), rounds: [i] }));
  prompts.forEach((prompt, i) => {
    const key = promptKey(prompt);
    const name = JSON.stringify([clusters[i], key]);
    const own = units.get(name);
    if (own === undefined) units.set(name, { key, rounds: [i] });
    else own.rounds.push(i);
  });
  return [...units.values()];
}

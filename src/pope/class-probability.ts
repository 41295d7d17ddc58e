import { type Log, promptKey, roundIdOf } from '../ope/index.js';
import { invalid, PopeError } from '../util/index.js';

/** Class probabilities of a target by prompt, estimated from all logged responses of that prompt. */
export interface ClassProbabilities {
  /** Prompt key -> class -> probability; classes sum to 1 where the prompt has weight at all. */
  readonly byPrompt: ReadonlyMap<string, ReadonlyMap<string, number>>;
  /** log of the probability of each response's own class, [M]; -Infinity where its prompt has no weight. */
  readonly ownLogProb: Float64Array;
  /** rho of each response over the sum of rho of its prompt, [M]; 0 where its prompt has no weight. */
  readonly weightShare: Float64Array;
}

/**
 * pi(c|x) by self-normalised weights: sum of rho over the prompt's responses of class c, over the sum of rho of all of
 * them. A plug-in: its entropy is biased downwards by about (classes - 1)/(2 n).
 * @param logRatio log rho, [M].
 * @throws PopeError where a response has no opinion class.
 */
export function classProbabilities(log: Log, logRatio: ArrayLike<number>): ClassProbabilities {
  const opinions = requireOpinions(log);
  const keys = log.prompts.map(promptKey);
  const top = new Map<string, number>();
  forEachResponse(log, (i, j) => top.set(keys[i], Math.max(top.get(keys[i]) ?? -Infinity, logRatio[j])));
  const mass = new Map<string, Map<string, number>>();
  const weightShare = new Float64Array(log.responseCount);
  forEachResponse(log, (i, j) => {
    const largest = top.get(keys[i])!;
    const rho = largest === -Infinity ? 0 : Math.exp(logRatio[j] - largest);
    weightShare[j] = rho;
    const classes = mass.get(keys[i]) ?? new Map<string, number>();
    classes.set(opinions[j], (classes.get(opinions[j]) ?? 0) + rho);
    mass.set(keys[i], classes);
  });
  const totals = new Map<string, number>();
  for (const [key, classes] of mass) {
    let total = 0;
    for (const m of classes.values()) total += m;
    totals.set(key, total);
    if (total > 0) for (const [c, m] of classes) classes.set(c, m / total);
  }
  const ownLogProb = new Float64Array(log.responseCount);
  forEachResponse(log, (i, j) => {
    ownLogProb[j] = Math.log(mass.get(keys[i])!.get(opinions[j])!);
    const total = totals.get(keys[i])!;
    if (total > 0) weightShare[j] /= total;
  });
  return { byPrompt: mass, ownLogProb, weightShare };
}

/**
 * -sum p log p over classes, in nats. Of estimated probabilities it is a plug-in, biased downwards by about
 * (K - 1)/(2 n); `millerMadow`, the number n of (effective) samples behind them, adds that first order back, with K the
 * classes of positive probability.
 */
export function classEntropy(
  classes: ReadonlyMap<string, number>,
  options: { readonly millerMadow?: number } = {},
): number {
  let entropy = 0;
  let positive = 0;
  for (const p of classes.values()) {
    if (p <= 0) continue;
    positive++;
    entropy -= p * Math.log(p);
  }
  const { millerMadow } = options;
  if (millerMadow === undefined) return entropy;
  if (!(millerMadow > 0)) throw invalid('millerMadow', millerMadow, 'a number of samples above 0');
  return entropy + (positive - 1) / (2 * millerMadow);
}

/** @throws PopeError naming the first round with a response without opinion class. */
export function requireOpinions(log: Log): readonly string[] {
  const { opinions } = log;
  const missing = opinions === null ? 0 : opinions.indexOf(undefined);
  if (opinions === null || missing >= 0) {
    throw new PopeError(
      `responses of round ${roundIdOf(log, missing)} have no opinion; expected an opinion class on every response.`,
      { argument: 'opinion' },
    );
  }
  return opinions as readonly string[];
}

function forEachResponse(log: Log, fn: (round: number, response: number) => void): void {
  for (let i = 0; i < log.rounds; i++) for (let j = log.offsets[i]; j < log.offsets[i + 1]; j++) fn(i, j);
}

import type { LintContext } from './lint-context.js';

/** A column of log-probabilities by distinct (slot, text) pair. */
export interface PairProbability {
  /** Length P: probability of the pair, and how often it was logged. */
  readonly probability: Float64Array;
  readonly times: Int32Array;
  /** Length P: its slot, and a response that is such a pair. */
  readonly slot: Int32Array;
  readonly example: Int32Array;
  /** Slots in which one pair has several probabilities: the policy changed, or looks at more than the prompt. */
  readonly varying: ReadonlySet<number>;
  /** A response of each such pair. */
  readonly varied: readonly number[];
  /** Pairs that were logged more than once. */
  readonly repeated: number;
}

/** @param logProb length M, at most 0. */
export function pairProbability({ pairOf, slotOf, pairs }: LintContext, logProb: Float64Array): PairProbability {
  const first = new Float64Array(pairs).fill(Number.NaN);
  const times = new Int32Array(pairs);
  const slot = new Int32Array(pairs);
  const example = new Int32Array(pairs);
  const varying = new Set<number>();
  const varied = new Map<number, number>();
  for (let j = 0; j < pairOf.length; j++) {
    const pair = pairOf[j];
    times[pair]++;
    if (times[pair] === 1) {
      first[pair] = logProb[j];
      slot[pair] = slotOf[j];
      example[pair] = j;
    } else if (logProb[j] !== first[pair] && !(Math.abs(logProb[j] - first[pair]) <= 1e-6)) {
      varying.add(slotOf[j]);
      if (!varied.has(pair)) varied.set(pair, j);
    }
  }
  const repeated = times.reduce((sum, n) => sum + (n > 1 ? 1 : 0), 0);
  return { probability: first.map(Math.exp), times, slot, example, varying, varied: [...varied.values()], repeated };
}

/** Per slot that does not vary: the sum of the probabilities of the distinct texts seen there, and how many those are. */
export function slotSums({ probability, slot, varying }: PairProbability): Map<number, { sum: number; texts: number }> {
  const sums = new Map<number, { sum: number; texts: number }>();
  probability.forEach((p, pair) => {
    if (varying.has(slot[pair])) return;
    const at = sums.get(slot[pair]) ?? { sum: 0, texts: 0 };
    sums.set(slot[pair], { sum: at.sum + p, texts: at.texts + 1 });
  });
  return sums;
}

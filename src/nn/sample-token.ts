import { categorical, type Random } from '../random/index.js';
import { assertInteger, assertRange, invalid, PopeError } from '../util/index.js';

export interface SamplerOptions {
  /** At least 0; default 1. 0 takes the most probable token. */
  readonly temperature?: number | undefined;
  /** Only the k most probable tokens, at least 1; absent: all. Among equals the smaller id is the more probable. */
  readonly topK?: number | undefined;
  /** Only the fewest most probable tokens whose probabilities reach p, in (0, 1]; applied after topK. Default 1: all. */
  readonly topP?: number | undefined;
}

/** @throws PopeError naming the option that is outside its domain. */
export function assertSampler({ temperature = 1, topK, topP = 1 }: SamplerOptions): void {
  assertRange('temperature', temperature, 0, Number.MAX_VALUE);
  if (topK !== undefined) assertInteger('topK', topK, 1);
  if (!(topP > 0 && topP <= 1)) throw invalid('topP', topP, 'a number above 0 and at most 1');
}

/** log softmax in float64. @throws PopeError where a logit is NaN or Infinity. */
export function logProbabilities(logits: ArrayLike<number>): Float64Array {
  let top = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < logits.length; i++) {
    if (!Number.isFinite(logits[i]!)) {
      throw new PopeError(
        `the model's logit of token ${i} is ${logits[i]}; expected a finite number. Its parameters have diverged.`,
        {
          argument: 'logits',
          got: logits[i],
          code: 'diverged',
        },
      );
    }
    top = Math.max(top, logits[i]!);
  }
  let sum = 0;
  for (let i = 0; i < logits.length; i++) sum += Math.exp(logits[i]! - top);
  const norm = top + Math.log(sum);
  return Float64Array.from(logits, (logit) => logit - norm);
}

/** The distribution that is sampled: probabilities [V] after temperature, topK and topP, in this order; they sum to 1. */
export function samplerDistribution(logProb: Float64Array, options: SamplerOptions = {}): Float64Array {
  assertSampler(options);
  const { temperature = 1, topK = logProb.length, topP = 1 } = options;
  const order = Array.from(logProb, (_, id) => id).sort((a, b) => logProb[b]! - logProb[a]! || a - b);
  const top = logProb[order[0]!]!;
  const kept = order.slice(0, temperature === 0 ? 1 : topK);
  // Differences first: a tiny temperature then gives 0 and -Infinity, never NaN.
  const weights = kept.map((id) => (logProb[id] === top ? 1 : Math.exp((logProb[id]! - top) / temperature)));
  const total = weights.reduce((sum, w) => sum + w, 0);
  let count = 0;
  let mass = 0;
  while (count < kept.length && (count === 0 || mass < topP * total || topP === 1)) mass += weights[count++]!;
  const out = new Float64Array(logProb.length);
  for (let i = 0; i < count; i++) out[kept[i]!] = weights[i]! / mass;
  return out;
}

/** A token id drawn from the sampler's distribution, with its log-probability in it. */
export function sampleToken(
  logProb: Float64Array,
  options: SamplerOptions,
  random: Random,
): { token: number; logProb: number } {
  const probabilities = samplerDistribution(logProb, options);
  const token = categorical(random, probabilities);
  return { token, logProb: Math.log(probabilities[token]!) };
}

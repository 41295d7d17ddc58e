import { backendOf, tensor } from '../backend/index.js';
import { concat, gather, logSoftmax, mul } from '../ops/index.js';
import type { Random } from '../random/index.js';
import type { Tensor } from '../tensor/index.js';
import { assertFinite, assertInteger, invalid, PopeError, show } from '../util/index.js';
import { assertPairs, type EncodedPair, encodePair } from './encode-pairs.js';
import { type GptParams, gptHidden } from './gpt.js';
import { assertGptConfig, type GptConfig } from './gpt-config.js';
import { assertFits, type BindOptions, type GptPolicyOptions, TOKENS_PER_BATCH } from './gpt-policy.js';
import { emptyCache, widenedCache } from './key-value-cache.js';
import { lengthChunks } from './length-chunks.js';
import { targetLogProb } from './sequence-log-prob.js';
import type { Tokenizer } from './tokenizer/index.js';
import { cachedEncode } from './tokenizer-cache.js';

/** The GPT as a policy over the finite set of candidates of each prompt. */
export interface CandidatePolicy {
  bind(
    params: GptParams,
    options?: BindOptions,
  ): {
    /** log pi(y_j | x_j), [M], in nats. @throws PopeError where a response is no candidate of its prompt. */
    logProb(prompts: readonly string[], responses: readonly string[]): Tensor;
    /** For each prompt the log-probabilities of its candidates, [K_p], in their order; each sums to 1. */
    distribution(prompts: readonly string[]): readonly Tensor[];
  };
}

export interface CandidatePolicyOptions extends GptPolicyOptions {
  /**
   * The score of a candidate is its log-probability divided by its tokens (end of text included) to this power:
   * 0 (default) is the model conditioned on the candidates, 1 forgives length altogether.
   */
  readonly lengthExponent?: number | undefined;
  /** Multiplies the score, above 0; default 1. With it a length-forgiving score can still tell candidates apart. */
  readonly scoreScale?: number | undefined;
}

/** The candidates of one prompt, ready to score. */
interface Encoded {
  readonly pairs: readonly EncodedPair[];
  readonly indexOf: ReadonlyMap<string, number>;
}

/**
 * pi(y | x) = softmax over the candidates y of x of scoreScale log pi_GPT(y | x) / tokens(y)^lengthExponent.
 * Each distinct prompt is scored once a call, and its own tokens are read once for all of its candidates.
 * @param candidatesOf the distinct texts that may follow a prompt, at least one.
 * @throws PopeError where the tokenizer does not fit the model.
 */
export function candidatePolicy(
  config: GptConfig,
  tokenizer: Tokenizer,
  candidatesOf: (prompt: string) => readonly string[],
  options: CandidatePolicyOptions = {},
): CandidatePolicy {
  const { lengthExponent = 0, scoreScale = 1, tokensPerBatch = TOKENS_PER_BATCH } = options;
  assertGptConfig(config);
  assertFits(config, tokenizer);
  assertFinite('lengthExponent', lengthExponent);
  assertInteger('tokensPerBatch', tokensPerBatch, 1);
  assertFinite('scoreScale', scoreScale);
  if (scoreScale <= 0) throw invalid('scoreScale', scoreScale, 'a number above 0');
  const encode = cachedEncode(tokenizer);
  const known = new Map<string, { candidates: readonly string[]; encoded: Encoded }>();

  const encodedOf = (prompt: string): Encoded => {
    const candidates = candidatesOf(prompt);
    const before = known.get(prompt);
    if (before !== undefined && before.candidates === candidates) return before.encoded;
    if (!Array.isArray(candidates) || candidates.length === 0) {
      throw invalid(`candidatesOf(${show(prompt)})`, candidates, 'a list of at least one text');
    }
    const encoded: Encoded = {
      pairs: candidates.map((text) =>
        encodePair(encode(prompt), encode(text), tokenizer.eosId, config.blockSize, options),
      ),
      indexOf: new Map(candidates.map((text, k) => [text, k])),
    };
    if (encoded.indexOf.size !== candidates.length) {
      throw invalid(`candidatesOf(${show(prompt)})`, candidates, 'texts without repeats');
    }
    known.set(prompt, { candidates, encoded });
    return encoded;
  };

  return {
    bind: (params, { random } = {}) => {
      const distribution = (prompts: readonly string[]): readonly Tensor[] => {
        const done = new Map<string, Tensor>();
        return prompts.map((prompt) => {
          let logProb = done.get(prompt);
          if (logProb === undefined) {
            const { pairs } = encodedOf(prompt);
            logProb = logSoftmax(
              candidateScores(params, config, pairs, { random, tokensPerBatch, lengthExponent, scoreScale }),
            );
            done.set(prompt, logProb);
          }
          return logProb;
        });
      };
      return {
        distribution,
        logProb(prompts, responses) {
          assertPairs(prompts, responses);
          const distinct = [...new Set(prompts)];
          const starts = new Map<string, number>();
          const encodedBy = new Map(distinct.map((prompt) => [prompt, encodedOf(prompt)]));
          let total = 0;
          for (const prompt of distinct) {
            starts.set(prompt, total);
            total += encodedBy.get(prompt)!.pairs.length;
          }
          const positions = Int32Array.from(prompts, (prompt, j) => {
            const { indexOf, pairs } = encodedBy.get(prompt)!;
            const k = indexOf.get(responses[j]!);
            if (k === undefined) {
              throw new PopeError(
                `responses[${j}] is ${show(responses[j])}; expected one of the ${pairs.length} candidates of its prompt ${show(prompt)}.`,
                { argument: 'responses', got: responses[j], expected: 'a candidate of its prompt' },
              );
            }
            return starts.get(prompt)! + k;
          });
          const all = concat(distribution(distinct) as Tensor[], 0);
          return gather(all, tensor(positions, { backend: backendOf(all) })); // [M]
        },
      };
    },
  };
}

/** Scores of the candidates of one prompt, [K]. The prompt is read once; its keys and values serve every candidate. */
function candidateScores(
  params: GptParams,
  config: GptConfig,
  pairs: readonly EncodedPair[],
  options: {
    readonly random: Random | undefined;
    readonly tokensPerBatch: number;
    readonly lengthExponent: number;
    readonly scoreScale: number;
  },
): Tensor {
  const { random, tokensPerBatch, lengthExponent, scoreScale } = options;
  const backend = backendOf(params.wte.weight);
  const { prompt } = pairs[0]!;
  const read = emptyCache();
  if (prompt.length > 0) {
    gptHidden(params, config, tensor(prompt, { shape: [1, prompt.length], backend }), { random, cache: read });
  }
  const lengths = pairs.map(({ inputs }) => inputs.length);
  const chunks = lengthChunks(lengths, tokensPerBatch);
  const parts = chunks.map((chunk) => {
    const columns = Math.max(...chunk.map((k) => lengths[k]!));
    const tokens = new Int32Array(chunk.length * columns);
    const targets = new Int32Array(chunk.length * columns).fill(-1);
    chunk.forEach((k, row) => {
      tokens.set(pairs[k]!.inputs, row * columns);
      targets.set(pairs[k]!.targets, row * columns);
    });
    const cache = widenedCache(read, chunk.length);
    const hidden = gptHidden(params, config, tensor(tokens, { shape: [chunk.length, columns], backend }), {
      random,
      cache,
    });
    return targetLogProb(params, hidden, targets); // [rows of the chunk]
  });
  const placeOf = new Int32Array(pairs.length);
  chunks.flat().forEach((k, place) => {
    placeOf[k] = place;
  });
  const logProb = gather(parts.length === 1 ? parts[0]! : concat(parts, 0), tensor(placeOf, { backend })); // [K]
  if (lengthExponent === 0 && scoreScale === 1) return logProb;
  const scale = Float64Array.from(lengths, (length) => scoreScale * length ** -lengthExponent);
  return mul(logProb, tensor(scale, { dtype: logProb.dtype, backend }));
}

import { backendOf, tensor } from '../backend/index.js';
import { concat, gather } from '../ops/index.js';
import type { Random } from '../random/index.js';
import type { Tensor } from '../tensor/index.js';
import { assertInteger, invalid } from '../util/index.js';
import { assertPairs, type EncodedPair, type EncodeOptions, encodePair, padPairs } from './encode-pairs.js';
import type { GptParams } from './gpt.js';
import { assertGptConfig, type GptConfig } from './gpt-config.js';
import { lengthChunks } from './length-chunks.js';
import { sequenceLogProb } from './sequence-log-prob.js';
import type { Tokenizer } from './tokenizer/index.js';
import { cachedEncode } from './tokenizer-cache.js';

/** Parameters are bound late, so that a gradient can run through them. */
export interface BindOptions {
  /** Given: dropout is on, drawn from it. */
  readonly random?: Random | undefined;
}

/** The GPT as a policy over all strings. */
export interface GptPolicy {
  bind(
    params: GptParams,
    options?: BindOptions,
  ): {
    /** log pi(y_j | x_j), [M], in nats. A pair that occurs again is computed once. */
    logProb(prompts: readonly string[], responses: readonly string[]): Tensor;
  };
}

export interface GptPolicyOptions extends EncodeOptions {
  /** Most tokens in one padded batch; default 4096. Values differ between settings only by rounding. */
  readonly tokensPerBatch?: number | undefined;
}

export const TOKENS_PER_BATCH = 4096;

/**
 * The policy whose log-probability is that of the response's tokens and end of text after the prompt (`encodePairs`).
 * @throws PopeError where the tokenizer does not fit the model.
 */
export function gptPolicy(config: GptConfig, tokenizer: Tokenizer, options: GptPolicyOptions = {}): GptPolicy {
  assertGptConfig(config);
  assertFits(config, tokenizer);
  const encode = cachedEncode(tokenizer);
  const { tokensPerBatch = TOKENS_PER_BATCH } = options;
  assertInteger('tokensPerBatch', tokensPerBatch, 1);
  return {
    bind: (params, { random } = {}) => ({
      logProb(prompts, responses) {
        assertPairs(prompts, responses);
        const { distinct, indexOf } = distinctPairs(prompts, responses);
        const pairs: EncodedPair[] = distinct.map(([prompt, response]) =>
          encodePair(encode(prompt), encode(response), tokenizer.eosId, config.blockSize, options),
        );
        const chunks = lengthChunks(
          pairs.map((pair) => pair.prompt.length + pair.inputs.length),
          tokensPerBatch,
        );
        const parts = chunks.map((rows) =>
          sequenceLogProb(params, config, padPairs(rows.map((i) => pairs[i]!)), { random }),
        );
        const placeOf = new Int32Array(pairs.length);
        chunks.flat().forEach((pair, place) => {
          placeOf[pair] = place;
        });
        const all = parts.length === 1 ? parts[0]! : concat(parts, 0);
        return gather(
          all,
          tensor(
            indexOf.map((pair) => placeOf[pair]!),
            { backend: backendOf(all) },
          ),
        ); // [M]
      },
    }),
  };
}

/** @throws PopeError where a token id of the tokenizer is no row of the embedding. */
export function assertFits(config: GptConfig, tokenizer: Tokenizer): void {
  if (tokenizer.vocabSize > config.vocabSize) {
    throw invalid('tokenizer.vocabSize', tokenizer.vocabSize, `at most config.vocabSize = ${config.vocabSize}`);
  }
}

function distinctPairs(
  prompts: readonly string[],
  responses: readonly string[],
): { distinct: (readonly [string, string])[]; indexOf: Int32Array } {
  const distinct: (readonly [string, string])[] = [];
  const byPrompt = new Map<string, Map<string, number>>();
  const indexOf = Int32Array.from(prompts, (prompt, j) => {
    const response = responses[j]!;
    let known = byPrompt.get(prompt);
    if (known === undefined) byPrompt.set(prompt, (known = new Map()));
    let index = known.get(response);
    if (index === undefined) {
      index = distinct.push([prompt, response]) - 1;
      known.set(response, index);
    }
    return index;
  });
  return { distinct, indexOf };
}

import { backendOf, tensor } from '../backend/index.js';
import { narrow } from '../ops/index.js';
import { type Random, splitRandom } from '../random/index.js';
import { dispose, scope } from '../tensor/index.js';
import { assertInteger, invalid } from '../util/index.js';
import { keptPrompt } from './encode-pairs.js';
import { type GptParams, gptHidden, lmHead } from './gpt.js';
import { assertGptConfig, type GptConfig } from './gpt-config.js';
import { assertFits } from './gpt-policy.js';
import { emptyCache, type KeyValueCache, widenedCache } from './key-value-cache.js';
import { assertSampler, logProbabilities, type SamplerOptions, sampleToken } from './sample-token.js';
import type { Tokenizer } from './tokenizer/index.js';

export interface GenerateOptions extends SamplerOptions {
  /** At least 1. */
  readonly maxTokens: number;
  readonly random: Random;
  /** Samples wanted, at least 1; default 1. Sample i is the same however many are wanted. */
  readonly n?: number | undefined;
  /**
   * `response` (default): prompt, separator, then a response until end of text, as `encodePairs` scores it.
   * `continuation`: the text simply goes on, as plain language modelling; an empty prompt starts at end of text.
   */
  readonly form?: 'response' | 'continuation' | undefined;
  /** As in `encodePairs`; used by the form `response`. */
  readonly maxPromptTokens?: number | undefined;
  /** False: every step reads the whole context again. For tests of the cache. */
  readonly useCache?: boolean | undefined;
}

export interface Generated {
  readonly text: string;
  /** What was drawn, the closing end of text included where there is one. */
  readonly tokens: Int32Array;
  /** log pi of each token, the model's own: at temperature 1, nothing truncated. Their sum is `sequenceLogProb`. */
  readonly tokenLogProbs: Float64Array;
  /** Log-probability of each token under the sampler as set: the propensity of what was drawn. */
  readonly sampledLogProbs: Float64Array;
  /** Whether the text ended by itself before `maxTokens`. */
  readonly finished: boolean;
}

interface Row {
  readonly context: number[];
  readonly tokens: number[];
  readonly tokenLogProbs: number[];
  readonly sampledLogProbs: number[];
  readonly random: Random;
  finished: boolean;
}

/**
 * Draws `n` texts after a prompt, token by token with a key-value cache. Once the context is longer than `blockSize`
 * its beginning is forgotten; positions then shift, so the window is read anew at every step.
 * `random` advances by one split a sample.
 * @throws PopeError for options outside their domain, or where the model's logits are not finite.
 */
export async function generate(
  params: GptParams,
  config: GptConfig,
  tokenizer: Tokenizer,
  prompt: string,
  options: GenerateOptions,
): Promise<Generated[]> {
  const { maxTokens, random, n = 1, form = 'response', useCache = true } = options;
  assertGptConfig(config);
  assertFits(config, tokenizer);
  assertSampler(options);
  assertInteger('maxTokens', maxTokens, 1);
  assertInteger('n', n, 1);
  if (form !== 'response' && form !== 'continuation') throw invalid('form', form, 'response or continuation');
  const ids = tokenizer.encode(prompt);
  const start =
    form === 'response'
      ? [...keptPrompt(ids, config.blockSize, options.maxPromptTokens), tokenizer.eosId]
      : ids.length === 0
        ? [tokenizer.eosId]
        : [...ids];
  const rows = Array.from(
    { length: n },
    (): Row => ({
      context: [...start],
      tokens: [],
      tokenLogProbs: [],
      sampledLogProbs: [],
      random: splitRandom(random),
      finished: false,
    }),
  );

  let cache: KeyValueCache | undefined;
  for (let step = 0; step < maxTokens && rows.some((row) => !row.finished); step++) {
    // At first all contexts are equal: one row is read for all.
    const { logits, cache: next } = nextLogits(params, config, step === 0 ? rows.slice(0, 1) : rows, cache, useCache);
    dispose([cache?.keys ?? [], cache?.values ?? []]);
    cache = next;
    const values = await logits.data();
    dispose(logits);
    const vocabSize = values.length / (step === 0 ? 1 : n);
    rows.forEach((row, i) => {
      const at = step === 0 ? 0 : i * vocabSize;
      if (!row.finished) extend(row, logProbabilities(values.subarray(at, at + vocabSize)), options, tokenizer.eosId);
      else row.context.push(tokenizer.eosId);
    });
    if (step === 0 && cache !== undefined && n > 1) {
      const narrowCache = cache;
      cache = scope(() => widenedCache(narrowCache, n));
      dispose([narrowCache.keys, narrowCache.values]);
    }
  }
  dispose([cache?.keys ?? [], cache?.values ?? []]);
  return rows.map((row) => ({
    text: tokenizer.decode(row.tokens),
    tokens: Int32Array.from(row.tokens),
    tokenLogProbs: Float64Array.from(row.tokenLogProbs),
    sampledLogProbs: Float64Array.from(row.sampledLogProbs),
    finished: row.finished,
  }));
}

function nextLogits(
  params: GptParams,
  config: GptConfig,
  rows: readonly Row[],
  cache: KeyValueCache | undefined,
  useCache: boolean,
) {
  const total = rows[0]!.context.length;
  const isCaching = useCache && total <= config.blockSize;
  return scope(() => {
    const read: KeyValueCache = isCaching && cache !== undefined ? { ...cache } : emptyCache();
    const from = Math.max(read.length, total - config.blockSize);
    const tokens = tensor(Int32Array.from(rows.flatMap((row) => row.context.slice(from))), {
      shape: [rows.length, total - from],
      backend: backendOf(params.wte.weight),
    });
    const hidden = gptHidden(params, config, tokens, isCaching ? { cache: read } : {}); // [n, T, C]
    const logits = lmHead(params, narrow(hidden, 1, total - from - 1, 1)); // [n, 1, V]
    return { logits, cache: isCaching ? read : undefined };
  });
}

function extend(row: Row, logProb: Float64Array, options: SamplerOptions, eosId: number): void {
  const drawn = sampleToken(logProb, options, row.random);
  row.context.push(drawn.token);
  row.tokens.push(drawn.token);
  row.tokenLogProbs.push(logProb[drawn.token]!);
  row.sampledLogProbs.push(drawn.logProb);
  row.finished = drawn.token === eosId;
}

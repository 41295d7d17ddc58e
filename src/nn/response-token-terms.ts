import { backendOf, tensor } from '../backend/index.js';
import { exp, gather, logSoftmax, mul, neg, reshape, squeeze, sum, takeAlong } from '../ops/index.js';
import type { Tensor } from '../tensor/index.js';
import type { TokenBatch } from './encode-pairs.js';
import { type ForwardOptions, type GptParams, gptHidden, lmHead } from './gpt.js';
import type { GptConfig } from './gpt-config.js';

/** The steps of B responses, one after the other: T tokens in all, each with what the model knew before it. */
export interface ResponseTokenTerms {
  /** log pi(y_t | x, y_<t) in nats, [T]: summed by row it is `sequenceLogProb`. */
  readonly logProb: Tensor;
  /** The entropy of pi(. | x, y_<t) over the whole vocabulary in nats, [T], in [0, log V]. */
  readonly entropy: Tensor;
  /** The row of the batch of each token, int32 [T], not decreasing. */
  readonly tokenOf: Tensor;
}

/**
 * Log-probability and exact next-token entropy at every token of the responses and at their ends of text, in one
 * forward pass: what `chainRuleEntropy` asks of a target (and, for its ratios, `logProb` of the logging model).
 * A cut response (`truncate`) has the steps that are left. Differentiable in the parameters; holds [T, V] numbers.
 */
export function responseTokenTerms(
  params: GptParams,
  config: GptConfig,
  { rows, columns, tokens, targets }: TokenBatch,
  options: ForwardOptions = {},
): ResponseTokenTerms {
  const backend = backendOf(params.wte.weight);
  const hidden = gptHidden(params, config, tensor(tokens, { shape: [rows, columns], backend }), options); // [B, C, E]
  const counted: number[] = [];
  targets.forEach((target, i) => {
    if (target >= 0) counted.push(i);
  });
  const index = (values: number[]): Tensor => tensor(Int32Array.from(values), { backend });
  const states = gather(reshape(hidden, [rows * columns, config.nEmbd]), index(counted)); // [T, E]
  const logProbs = logSoftmax(lmHead(params, states)); // [T, V]
  const said = reshape(index(counted.map((i) => targets[i]!)), [counted.length, 1]); // [T, 1]
  return {
    logProb: squeeze(takeAlong(logProbs, said, -1), -1),
    entropy: neg(sum(mul(exp(logProbs), logProbs), -1)),
    tokenOf: index(counted.map((i) => Math.floor(i / columns))),
  };
}

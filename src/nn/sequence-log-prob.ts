import { backendOf, tensor } from '../backend/index.js';
import { gather, gatherLogProb, reshape, segmentSum } from '../ops/index.js';
import type { Tensor } from '../tensor/index.js';
import type { TokenBatch } from './encode-pairs.js';
import { type ForwardOptions, type GptParams, gptHidden, gptLogits, lmHead } from './gpt.js';
import type { GptConfig } from './gpt-config.js';

/**
 * log pi(y | x) of every row, [B], in nats: the sum over the response's tokens and its end of text.
 * Padding and the other rows do not change it.
 */
export function sequenceLogProb(
  params: GptParams,
  config: GptConfig,
  batch: TokenBatch,
  options: ForwardOptions = {},
): Tensor {
  return targetLogProb(params, gptHidden(params, config, tokensOf(params, batch), options), batch.targets);
}

/** The terms of `sequenceLogProb`, [B, T]: log-probability of each target, 0 where there is none. */
export function tokenLogProb(
  params: GptParams,
  config: GptConfig,
  batch: TokenBatch,
  options: ForwardOptions = {},
): Tensor {
  const { rows, columns, targets } = batch;
  const logits = gptLogits(params, config, tokensOf(params, batch), options); // [B, T, V]
  return gatherLogProb(logits, tensor(targets, { shape: [rows, columns], backend: backendOf(logits) }));
}

/**
 * The log-probability of the targets under hidden states, summed by row: [B, T, C] -> [B].
 * The head is the dearest product of a small model, so it is done only where a target is.
 * @param targets [B, T]: -1 where none counts.
 */
export function targetLogProb(params: GptParams, hidden: Tensor, targets: Int32Array): Tensor {
  const [rows, columns, width] = hidden.shape as [number, number, number];
  const backend = backendOf(hidden);
  const counted: number[] = [];
  for (let i = 0; i < targets.length; i++) if (targets[i]! >= 0) counted.push(i);
  const index = (values: number[]): Tensor => tensor(Int32Array.from(values), { backend });
  const states = gather(reshape(hidden, [rows * columns, width]), index(counted)); // [M, C]
  const logProb = gatherLogProb(lmHead(params, states), index(counted.map((i) => targets[i]!))); // [M]
  return segmentSum(logProb, index(counted.map((i) => Math.floor(i / columns))), rows); // [B]
}

function tokensOf(params: GptParams, { rows, columns, tokens }: TokenBatch): Tensor {
  return tensor(tokens, { shape: [rows, columns], backend: backendOf(params.wte.weight) });
}

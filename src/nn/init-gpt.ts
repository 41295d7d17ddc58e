import { type Backend, tensor } from '../backend/index.js';
import { normal, type Random } from '../random/index.js';
import { type FloatDType, type Shape, sizeOf, type Tensor } from '../tensor/index.js';
import type { GptBlock, GptParams } from './gpt.js';
import { assertGptConfig, type GptConfig } from './gpt-config.js';

export interface InitOptions {
  /** float32 unless said. */
  readonly dtype?: FloatDType;
  readonly backend?: Backend;
}

/**
 * Fresh parameters as GPT-2 draws them: weights N(0, 0.02^2), the two projections into the residual stream divided by
 * sqrt(2 nLayer) so that its variance does not grow with depth, gains 1, biases 0.
 * @throws PopeError naming the field of `config` that is wrong.
 */
export function initGpt(config: GptConfig, random: Random, options: InitOptions = {}): GptParams {
  assertGptConfig(config);
  const { vocabSize, blockSize, nLayer, nEmbd } = config;
  const create = { dtype: options.dtype ?? 'float32', ...(options.backend === undefined ? {} : { backend: options.backend }) };
  const draw = (shape: Shape, deviation: number): Tensor =>
    tensor(Float64Array.from({ length: sizeOf(shape) }, () => deviation * normal(random)), { ...create, shape });
  const constant = (size: number, value: number): Tensor => tensor(new Float64Array(size).fill(value), create);
  const norm = () => ({ weight: constant(nEmbd, 1), bias: constant(nEmbd, 0) });
  const linear = (from: number, to: number, deviation = 0.02) => ({
    weight: draw([from, to], deviation),
    bias: constant(to, 0),
  });
  const residual = 0.02 / Math.sqrt(2 * nLayer);
  const block = (): GptBlock => ({
    ln_1: norm(),
    attn: { c_attn: linear(nEmbd, 3 * nEmbd), c_proj: linear(nEmbd, nEmbd, residual) },
    ln_2: norm(),
    mlp: { c_fc: linear(nEmbd, 4 * nEmbd), c_proj: linear(4 * nEmbd, nEmbd, residual) },
  });
  return {
    wte: { weight: draw([vocabSize, nEmbd], 0.02) },
    wpe: { weight: draw([blockSize, nEmbd], 0.02) },
    h: Array.from({ length: nLayer }, block),
    ln_f: norm(),
  };
}

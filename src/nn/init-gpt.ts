import { type Backend, tensor } from '../backend/index.js';
import { normal, type Random } from '../random/index.js';
import { type FloatDType, type Shape, sizeOf, type Tensor } from '../tensor/index.js';
import { invalid } from '../util/index.js';
import type { GptBlock, GptParams } from './gpt.js';
import { assertGptConfig, type GptConfig } from './gpt-config.js';

export interface InitOptions {
  /** Standard deviation of the weights, above 0; default 0.02, GPT-2's. Narrow models learn sooner from about 0.08. */
  readonly deviation?: number;
  /** float32 unless said. */
  readonly dtype?: FloatDType;
  readonly backend?: Backend;
}

/**
 * Fresh parameters as GPT-2 draws them: weights N(0, deviation^2), the two projections into the residual stream divided by
 * sqrt(2 nLayer) so that its variance does not grow with depth, gains 1, biases 0.
 * @throws PopeError naming the field of `config` that is wrong.
 */
export function initGpt(config: GptConfig, random: Random, options: InitOptions = {}): GptParams {
  assertGptConfig(config);
  const { vocabSize, blockSize, nLayer, nEmbd } = config;
  const { deviation = 0.02 } = options;
  if (!(deviation > 0 && deviation < Infinity)) throw invalid('deviation', deviation, 'a finite number above 0');
  const create = {
    dtype: options.dtype ?? 'float32',
    ...(options.backend === undefined ? {} : { backend: options.backend }),
  };
  const draw = (shape: Shape, spread: number): Tensor =>
    tensor(
      Float64Array.from({ length: sizeOf(shape) }, () => spread * normal(random)),
      { ...create, shape },
    );
  const constant = (size: number, value: number): Tensor => tensor(new Float64Array(size).fill(value), create);
  const norm = () => ({ weight: constant(nEmbd, 1), bias: constant(nEmbd, 0) });
  const linear = (from: number, to: number, spread = deviation) => ({
    weight: draw([from, to], spread),
    bias: constant(to, 0),
  });
  const residual = deviation / Math.sqrt(2 * nLayer);
  const block = (): GptBlock => ({
    ln_1: norm(),
    attn: { c_attn: linear(nEmbd, 3 * nEmbd), c_proj: linear(nEmbd, nEmbd, residual) },
    ln_2: norm(),
    mlp: { c_fc: linear(nEmbd, 4 * nEmbd), c_proj: linear(4 * nEmbd, nEmbd, residual) },
  });
  return {
    wte: { weight: draw([vocabSize, nEmbd], deviation) },
    wpe: { weight: draw([blockSize, nEmbd], deviation) },
    h: Array.from({ length: nLayer }, block),
    ln_f: norm(),
  };
}

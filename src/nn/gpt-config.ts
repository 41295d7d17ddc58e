import { assertFinite, assertInteger, assertRange, invalid } from '../util/index.js';

/** The sizes of a GPT. In files they have GPT-2's names (see `configToJson`). */
export interface GptConfig {
  /** V: number of token ids, end of text included. */
  readonly vocabSize: number;
  /** Longest context in tokens: the number of learned positions. */
  readonly blockSize: number;
  readonly nLayer: number;
  /** H: heads a layer; divides `nEmbd`. */
  readonly nHead: number;
  /** C: width of the residual stream. */
  readonly nEmbd: number;
  /** Probability of dropping in [0, 1): embeddings, attention weights and both residual branches. Training only. */
  readonly dropout: number;
  /** Added to the variance in layer norm; GPT-2 has 1e-5. */
  readonly layerNormEpsilon: number;
}

/** @throws PopeError naming the field unless the sizes make a model. */
export function assertGptConfig(config: GptConfig): void {
  const { nHead, nEmbd, dropout, layerNormEpsilon } = config;
  for (const field of ['vocabSize', 'blockSize', 'nLayer', 'nHead', 'nEmbd'] as const) {
    assertInteger(`config.${field}`, config[field], 1);
  }
  if (nEmbd % nHead !== 0) throw invalid('config.nEmbd', nEmbd, `a multiple of config.nHead = ${nHead}`);
  assertRange('config.dropout', dropout, 0, 1);
  if (dropout === 1) throw invalid('config.dropout', dropout, 'a number below 1');
  assertFinite('config.layerNormEpsilon', layerNormEpsilon);
  if (layerNormEpsilon <= 0) throw invalid('config.layerNormEpsilon', layerNormEpsilon, 'a number above 0');
}

/** A whole configuration from the sizes that matter; dropout 0 and epsilon 1e-5 unless said. */
export function gptConfig(
  sizes: Omit<GptConfig, 'dropout' | 'layerNormEpsilon'> & Partial<Pick<GptConfig, 'dropout' | 'layerNormEpsilon'>>,
): GptConfig {
  const config = { dropout: 0, layerNormEpsilon: 1e-5, ...sizes };
  assertGptConfig(config);
  return config;
}

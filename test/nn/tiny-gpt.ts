import { tensor } from '../../src/backend/index.js';
import { type GptConfig, type GptParams, gptConfig, initGpt } from '../../src/nn/index.js';
import { normal, seededRandom } from '../../src/random/index.js';
import { type FloatDType, mapTree, type Tensor } from '../../src/tensor/index.js';

/** A model of a few hundred numbers, all of them (biases and gains too) away from where initialisation puts them. */
export function tinyGpt(
  sizes: Partial<GptConfig> = {},
  seed = 7,
  dtype: FloatDType = 'float64',
): { config: GptConfig; params: GptParams } {
  const config = gptConfig({ vocabSize: 5, blockSize: 6, nLayer: 2, nHead: 2, nEmbd: 4, ...sizes });
  const random = seededRandom(seed);
  const params = mapTree(initGpt(config, random, { dtype }), (leaf) =>
    tensor(
      leaf.dataSync().map((x) => x + 0.4 * normal(random)),
      { shape: leaf.shape },
    ),
  );
  return { config, params };
}

export const tokensOf = (rows: readonly (readonly number[])[]): Tensor => tensor(rows, { dtype: 'int32' });

/** Largest absolute difference; NaN where anything is. */
export function distance(x: ArrayLike<number>, y: ArrayLike<number>): number {
  if (x.length !== y.length) return Number.POSITIVE_INFINITY;
  let most = 0;
  for (let i = 0; i < x.length; i++) most = Math.max(most, Math.abs(x[i]! - y[i]!));
  return most;
}

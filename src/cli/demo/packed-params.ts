import { tensor } from '../../backend/index.js';
import { type GptConfig, type GptParams, initGpt } from '../../nn/index.js';
import { seededRandom } from '../../random/index.js';
import { leavesOf, mapTree } from '../../tensor/index.js';

/** Parameters as arrays in the order of the tree: what may cross from one thread to another. */
export type PackedParams = readonly Float32Array[];

export const packParams = (params: GptParams): PackedParams =>
  leavesOf(params).map((leaf) => leaf.dataSync() as Float32Array);

/** The parameters of a model of that shape. */
export const unpackParams = (config: GptConfig, packed: PackedParams): GptParams =>
  mapTree(initGpt(config, seededRandom(0)), (leaf, i) => tensor(packed[i], { shape: leaf.shape }));

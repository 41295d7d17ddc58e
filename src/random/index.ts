export { categorical, normal, permutation, uniform, uniformInt } from './distributions.js';
export { type Random, randomState, restoreRandom, seededRandom, splitRandom } from './random.js';

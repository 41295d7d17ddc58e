import { backendOf, tensor } from '../backend/index.js';
import { matmul, reshape } from '../ops/index.js';
import type { Tensor } from '../tensor/index.js';
import { invalid } from '../util/index.js';
import type { Prompt } from './log.js';
import { type CandidatesOf, finitePolicy, type PolicyFamily } from './policy.js';

export interface LinearParams {
  readonly [key: string]: Tensor;
  /** [d] */
  readonly weight: Tensor;
}

/**
 * The softmax-linear policy: pi(y|x) proportional to exp(weight . features(x, y)) over the candidates of x.
 * @param features the d numbers of a prompt-response pair, finite.
 */
export function softmaxLinearPolicy(
  candidatesOf: CandidatesOf,
  features: (prompt: Prompt, response: string) => readonly number[],
): PolicyFamily<LinearParams> {
  return {
    bind: ({ weight }) =>
      finitePolicy(candidatesOf, (distinct) =>
        distinct.map((prompt) => {
          const candidates = candidatesOf(prompt);
          const rows = candidates.flatMap(({ text }) => {
            const row = features(prompt, text);
            if (row.length !== weight.size || !row.every(Number.isFinite)) {
              throw invalid('features', row, `${weight.size} finite numbers, one for each weight`);
            }
            return row;
          });
          const table = tensor(rows, {
            dtype: weight.dtype,
            shape: [candidates.length, weight.size],
            backend: backendOf(weight),
          });
          return reshape(matmul(table, reshape(weight, [weight.size, 1])), [candidates.length]);
        }),
      ),
  };
}

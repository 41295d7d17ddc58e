import { type Backend, scalarLike, tensor } from '../backend/index.js';
import { dropout, matmul, mul, softmax, where } from '../ops/index.js';
import type { Random } from '../random/index.js';
import type { Tensor } from '../tensor/index.js';

/**
 * Causal attention with dropout on the attention weights: dropout(softmax(q k^T / sqrt(D), masked)) v.
 * The fused op has no dropout, so training with dropout composes it.
 * @param q [.., T, D]; k and v [.., S, D] with S >= T: query t stands at position S - T + t.
 */
export function droppedAttention(q: Tensor, k: Tensor, v: Tensor, rate: number, random: Random): Tensor {
  const [time, width] = q.shape.slice(-2) as [number, number];
  const seen = k.shape.at(-2)!;
  const mask = new Int32Array(time * seen);
  for (let t = 0; t < time; t++) mask.fill(1, t * seen, t * seen + (seen - time) + t + 1);
  const visible = tensor(mask, { shape: [time, seen], backend: q.device as Backend });
  const scores = mul(matmul(q, k, { transposeY: true }), 1 / Math.sqrt(width)); // [.., T, S]
  const weights = softmax(where(visible, scores, scalarLike(scores, Number.NEGATIVE_INFINITY)));
  return matmul(dropout(weights, rate, random), v); // [.., T, D]
}

import { defineMultiOp, defineOp, run, runMany } from '../autograd/index.js';
import { backendOf } from '../backend/index.js';
import { type Shape, sameShape, showShape, type Tensor } from '../tensor/index.js';
import { invalid, PopeError } from '../util/index.js';
import { causalAttentionComposed } from './composed.js';
import { vjpOfVjp } from './through.js';

// y = p v,  p = softmax(q k^T / sqrt(D), later keys masked)
// dv = p^T dy,  ds = p (dy v^T - sum(p dy v^T)) / sqrt(D),  dq = ds k,  dk = ds^T q
const causalAttentionOp = defineOp({
  name: 'causalAttention',
  shape: ([q]) => q,
  forward: (backend, [q, k, v]) => backend.causalAttention!(q, k, v),
  vjp: ([q, k, v], dy) => runMany(causalAttentionGradOp, [q, k, v, dy], undefined),
});

// (dq, dk, dv) of q, k, v, dy      by the composition
const causalAttentionGradOp = defineMultiOp({
  name: 'causalAttentionGrad',
  shapes: ([q, k, v]) => [q, k, v],
  forward: (backend, [q, k, v, dy]) => backend.causalAttentionGrad!(q, k, v, dy),
  vjp: ([q, k, v, dy], dz) => vjpOfVjp(([q1, k1, v1]) => causalAttentionComposed(q1, k1, v1), [q, k, v], dy, dz),
});

/**
 * Attention in which a query sees the keys up to its own position. With fewer queries than keys the queries are the
 * last ones: query t is at position T_k - T_q + t (a key-value cache).
 * @param q [.., T_q, D] floats.
 * @param k [.., T_k, D], T_k at least T_q.
 * @param v [.., T_k, D].
 * @returns [.., T_q, D].
 * @throws PopeError where shapes or dtypes do not agree.
 */
export function causalAttention(q: Tensor, k: Tensor, v: Tensor): Tensor {
  if (q.dtype === 'int32')
    throw invalid('dtype of causalAttention', q.dtype, 'float32 or float64', 'Convert with cast().');
  assertHeads(q.shape, k.shape, v.shape);
  const backend = backendOf(q);
  return backend.causalAttention && backend.causalAttentionGrad
    ? run(causalAttentionOp, [q, k, v])
    : causalAttentionComposed(q, k, v);
}

function assertHeads(q: Shape, k: Shape, v: Shape): void {
  const rank = q.length;
  const agree =
    rank >= 2 && sameShape(k, v) && sameShape(q.slice(0, -2), k.slice(0, -2)) && q[rank - 1] === k[rank - 1];
  if (agree && q[rank - 2] <= k[rank - 2] && q[rank - 1] > 0) return;
  throw new PopeError(
    `causalAttention got shapes ${[q, k, v].map(showShape).join(', ')}; expected [.., T_q, D], [.., T_k, D] and [.., T_k, D] with equal leading axes, T_q at most T_k and D at least 1.`,
    { argument: 'q', got: q },
  );
}

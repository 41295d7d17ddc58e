import { defineOp, run } from '../autograd/index.js';
import { backendOf } from '../backend/index.js';
import { showShape, type Tensor } from '../tensor/index.js';
import { PopeError } from '../util/index.js';
import { causalAttention } from './attention.js';
import { causalAttentionComposed } from './composed.js';
import { permute } from './permute.js';
import { reshape } from './reshape.js';
import { narrow } from './slice.js';
import { vjpOfVjp } from './through.js';

interface Heads {
  readonly heads: number;
}

// y = attention of the heads of qkv, joined      dqkv = the cotangents of q, k, v side by side
const selfAttentionOp = defineOp<Heads>({
  name: 'selfAttention',
  show: ({ heads }) => `${heads} heads`,
  shape: ([[batch, time, width]]) => [batch, time, width / 3],
  forward: (backend, [qkv], { heads }) => backend.selfAttention!(qkv, heads),
  vjp: ([qkv], dy, { attrs }) => [run(selfAttentionGradOp, [qkv, dy], attrs)],
});

// dqkv of qkv, dy      by the composition
const selfAttentionGradOp = defineOp<Heads>({
  name: 'selfAttentionGrad',
  show: ({ heads }) => `${heads} heads`,
  shape: ([qkv]) => qkv,
  forward: (backend, [qkv, dy], { heads }) => backend.selfAttentionGrad!(qkv, dy, heads),
  vjp: ([qkv, dy], dz, { attrs: { heads } }) =>
    vjpOfVjp(([x]) => selfAttentionComposed(x, heads, causalAttentionComposed), [qkv], dy, [dz]),
});

/**
 * Causal self-attention of all heads, straight from the projection that makes queries, keys and values: nothing is
 * moved to bring heads together.
 * @param qkv [B, T, 3C] floats: queries, keys and values side by side, each `heads` heads of C / heads features.
 * @param heads divides C.
 * @returns [B, T, C]: the heads side by side.
 * @throws PopeError where the shape does not fit.
 */
export function selfAttention(qkv: Tensor, heads: number): Tensor {
  const width = qkv.shape[2] / 3;
  if (qkv.rank !== 3 || qkv.dtype === 'int32' || !Number.isInteger(width / heads) || width === 0) {
    throw new PopeError(
      `selfAttention got ${qkv.dtype} of shape ${showShape(qkv.shape)} and ${heads} heads; expected floats of shape [B, T, 3C], C a multiple of the heads.`,
      { argument: 'qkv', got: qkv.shape },
    );
  }
  const backend = backendOf(qkv);
  return qkv.dtype === 'float32' && backend.selfAttention && backend.selfAttentionGrad
    ? run(selfAttentionOp, [qkv], { heads })
    : selfAttentionComposed(qkv, heads);
}

/** The same by moving each head's features together: the slow twin. */
export function selfAttentionComposed(qkv: Tensor, heads: number, attention = causalAttention): Tensor {
  const [batch, time, width] = qkv.shape;
  const parts = permute(reshape(qkv, [batch, time, 3, heads, width / 3 / heads]), [2, 0, 3, 1, 4]); // [3, B, H, T, D]
  const part = (n: number): Tensor => reshape(narrow(parts, 0, n, 1), parts.shape.slice(1)); // [B, H, T, D]
  const mixed = attention(part(0), part(1), part(2));
  return reshape(permute(mixed, [0, 2, 1, 3]), [batch, time, width / 3]);
}

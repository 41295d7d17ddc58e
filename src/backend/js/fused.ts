import type { Backend, Operand, RowVerbs } from '../backend.js';
import { adamwInPlace } from './adamw.js';
import { causalAttentionGradHeads, causalAttentionHeads, type HeadSizes } from './attention.js';
import { fromDoubles, takeDoubles, toDoubles } from './doubles.js';
import { gatherLogProbGradRows, gatherLogProbRows } from './gather-log-prob.js';
import { layerNormGradRows, layerNormRows } from './layer-norm.js';
import type { Pool } from './pool.js';
import { logSoftmaxGradRows, logSoftmaxRows, softmaxGradRows, softmaxRows } from './softmax.js';

type FusedVerbs = RowVerbs & Required<Pick<Backend, 'causalAttention' | 'causalAttentionGrad' | 'adamw'>>;

type RowKernel = (x: Float64Array, n: number) => void;
type RowGradKernel = (y: Float64Array, dy: Float64Array, n: number) => void;

const lastAxis = (x: Operand): number => x.shape[x.shape.length - 1];

/** The fused verbs: each copies its operands into float64 scratch, runs its kernel there and rounds once. */
export function fusedVerbs(pool: Pool): FusedVerbs {
  const give = (...scratch: Float64Array[]): void => {
    for (const array of scratch) pool.give(array);
  };
  const rows = (kernel: RowKernel) => (x: Operand) => {
    const a = toDoubles(pool, x);
    kernel(a, lastAxis(x));
    return fromDoubles(pool, x.dtype, a);
  };
  const rowsGrad = (kernel: RowGradKernel) => (y: Operand, dy: Operand) => {
    const a = toDoubles(pool, y);
    const d = toDoubles(pool, dy);
    kernel(a, d, lastAxis(y));
    give(a);
    return fromDoubles(pool, dy.dtype, d);
  };
  return {
    softmax: rows(softmaxRows),
    softmaxGrad: rowsGrad(softmaxGradRows),
    logSoftmax: rows(logSoftmaxRows),
    logSoftmaxGrad: rowsGrad(logSoftmaxGradRows),

    gatherLogProb: (x, targets) => {
      const a = toDoubles(pool, x);
      const out = takeDoubles(pool, targets.size);
      gatherLogProbRows(a, targets.handle as Int32Array, lastAxis(x), out);
      give(a);
      return fromDoubles(pool, x.dtype, out);
    },
    gatherLogProbGrad: (x, targets, dy) => {
      const a = toDoubles(pool, x);
      const d = toDoubles(pool, dy);
      gatherLogProbGradRows(a, targets.handle as Int32Array, lastAxis(x), d);
      give(d);
      return fromDoubles(pool, x.dtype, a);
    },

    layerNorm: (x, gain, bias, epsilon) => {
      const [a, g, b] = [x, gain, bias].map((operand) => toDoubles(pool, operand));
      layerNormRows(a, g, b, epsilon);
      give(g, b);
      return fromDoubles(pool, x.dtype, a);
    },
    layerNormGrad: (x, gain, dy, epsilon) => {
      const [a, g, d] = [x, gain, dy].map((operand) => toDoubles(pool, operand));
      const dgain = takeDoubles(pool, gain.size).fill(0);
      const dbias = takeDoubles(pool, gain.size).fill(0);
      layerNormGradRows(a, g, d, epsilon, dgain, dbias);
      give(a, g);
      return [fromDoubles(pool, x.dtype, d), fromDoubles(pool, x.dtype, dgain), fromDoubles(pool, x.dtype, dbias)];
    },

    causalAttention: (q, k, v) => {
      const [a, b, c] = [q, k, v].map((operand) => toDoubles(pool, operand));
      const sizes = headSizes(q, k);
      const out = takeDoubles(pool, q.size);
      const p = takeDoubles(pool, sizes.keys);
      causalAttentionHeads(a, b, c, sizes, out, p);
      give(a, b, c, p);
      return fromDoubles(pool, q.dtype, out);
    },
    causalAttentionGrad: (q, k, v, dy) => {
      const [a, b, c, d] = [q, k, v, dy].map((operand) => toDoubles(pool, operand));
      const sizes = headSizes(q, k);
      const dq = takeDoubles(pool, q.size);
      const dk = takeDoubles(pool, k.size).fill(0);
      const dv = takeDoubles(pool, v.size).fill(0);
      const p = takeDoubles(pool, sizes.keys);
      const ds = takeDoubles(pool, sizes.keys);
      causalAttentionGradHeads(a, b, c, d, sizes, [dq, dk, dv], p, ds);
      give(a, b, c, d, p, ds);
      return [fromDoubles(pool, q.dtype, dq), fromDoubles(pool, q.dtype, dk), fromDoubles(pool, q.dtype, dv)];
    },

    adamw: (p, grad, m, v, options) => {
      const [a, g, b, c] = [p, grad, m, v].map((operand) => toDoubles(pool, operand));
      adamwInPlace(a, g, b, c, options);
      give(g);
      return [fromDoubles(pool, p.dtype, a), fromDoubles(pool, p.dtype, b), fromDoubles(pool, p.dtype, c)];
    },
  };
}

function headSizes(q: Operand, k: Operand): HeadSizes {
  return { queries: q.shape[q.shape.length - 2], keys: k.shape[k.shape.length - 2], features: lastAxis(q) };
}

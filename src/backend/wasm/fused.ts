import type { Handle } from '../../tensor/index.js';
import type { Backend, Operand, RowVerbs } from '../backend.js';
import { targetError } from '../js/gather-log-prob.js';
import type { Engine } from './engine.js';
import type { KernelName, Kernels } from './kernels.js';
import { addressOf } from './memory.js';

type FusedVerbs = RowVerbs & Required<Pick<Backend, 'adamw'>>;

/** Numbers of a piece that is worth another thread's while. */
const ELEMENTS = 1 << 14;

/** Rows of one block of layerNormGrad, as in assembly/rows.ts. */
const NORM_ROWS = 32;

/** The fused verbs over rows, in float32; other dtypes go to `other`. */
export function fusedVerbs({ memory, dispatch }: Engine, kernels: Kernels, other: FusedVerbs): FusedVerbs {
  const last = (x: Operand): number => x.shape[x.shape.length - 1];
  const isFast = (x: Operand): boolean => x.dtype === 'float32';
  /** Runs a kernel over the rows of x, with a new buffer as its last argument. */
  const overRows = (name: KernelName, x: Operand, size: number, args: readonly number[]): Handle => {
    const n = last(x);
    const out = memory.allocate(size * 4);
    if (x.size > 0) dispatch(name, x.size / n, Math.ceil(ELEMENTS / n), [...args, out.address]);
    return out;
  };
  const ofRows =
    (name: 'softmax' | 'logSoftmax') =>
    (x: Operand): Handle =>
      isFast(x) ? overRows(`${name}_f32`, x, x.size, [addressOf(x), last(x)]) : other[name](x);
  const gradOfRows =
    (name: 'softmaxGrad' | 'logSoftmaxGrad') =>
    (y: Operand, dy: Operand): Handle =>
      isFast(y) ? overRows(`${name}_f32`, y, y.size, [addressOf(y), addressOf(dy), last(y)]) : other[name](y, dy);
  return {
    softmax: ofRows('softmax'),
    softmaxGrad: gradOfRows('softmaxGrad'),
    logSoftmax: ofRows('logSoftmax'),
    logSoftmaxGrad: gradOfRows('logSoftmaxGrad'),
    gatherLogProb(x, targets) {
      if (!isFast(x)) return other.gatherLogProb(x, targets);
      assertTargets(targets, last(x));
      return overRows('gatherLogProb_f32', x, targets.size, [addressOf(x), addressOf(targets), last(x)]);
    },
    gatherLogProbGrad(x, targets, dy) {
      if (!isFast(x)) return other.gatherLogProbGrad(x, targets, dy);
      assertTargets(targets, last(x));
      return overRows('gatherLogProbGrad_f32', x, x.size, [addressOf(x), addressOf(targets), addressOf(dy), last(x)]);
    },
    layerNorm: (x, gain, bias, epsilon) =>
      isFast(x)
        ? overRows('layerNorm_f32', x, x.size, [addressOf(x), addressOf(gain), addressOf(bias), last(x), epsilon])
        : other.layerNorm(x, gain, bias, epsilon),
    layerNormGrad(x, gain, dy, epsilon) {
      if (!isFast(x) || x.size === 0) return other.layerNormGrad(x, gain, dy, epsilon);
      const n = last(x);
      const rows = x.size / n;
      const blocks = Math.ceil(rows / NORM_ROWS);
      const outs = [x.size, n, n].map((size) => memory.allocate(size * 4));
      const partial = memory.allocate(blocks * 2 * n * 4);
      const grain = Math.ceil(ELEMENTS / NORM_ROWS / n);
      const args = [addressOf(x), addressOf(gain), addressOf(dy), rows, n, epsilon, outs[0].address, partial.address];
      dispatch('layerNormGrad_f32', blocks, grain, args);
      for (const part of [0, 1]) {
        dispatch('sumPartials_f32', 1, 1, [partial.address + part * 4 * n, blocks, 2 * n, n, outs[1 + part].address]);
      }
      memory.free(partial);
      return outs as [Handle, Handle, Handle];
    },
    adamw(p, grad, m, v, options) {
      if (!isFast(p)) return other.adamw(p, grad, m, v, options);
      const { learningRate, beta1, beta2, epsilon, weightDecay, step } = options;
      const outs = [0, 1, 2].map(() => memory.allocate(p.size * 4));
      const scales = [1 / (1 - beta1 ** step), 1 / (1 - beta2 ** step)];
      dispatch('adamw_f32', p.size, ELEMENTS, [
        ...[p, grad, m, v].map(addressOf),
        ...outs.map(({ address }) => address),
        ...[learningRate, beta1, beta2, epsilon, weightDecay, ...scales],
      ]);
      return outs as [Handle, Handle, Handle];
    },
  };

  function assertTargets(targets: Operand, n: number): void {
    const bad = kernels.firstOutside(addressOf(targets), targets.size, -1, n);
    if (bad >= 0) throw targetError(bad, memory.int32[addressOf(targets) / 4 + bad], n);
  }
}

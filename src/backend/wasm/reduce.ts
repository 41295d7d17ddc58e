import { bytesPerElement, sizeOf } from '../../tensor/index.js';
import type { Backend } from '../backend.js';
import { type Engine, suffixOf } from './engine.js';
import { addressOf } from './memory.js';

const ELEMENTS = 1 << 15;

/** Rows of one run of sumRuns, as in assembly/reduce.ts. */
const RUN = 64;

/** Sums over neighbouring axes with kernels (of float64 over the last ones); the rest goes to `other`. */
export const reduceVerb =
  ({ memory, dispatch }: Engine, other: Backend['reduce']): Backend['reduce'] =>
  (name, x, axes) => {
    const [first, last] = [axes[0], axes[axes.length - 1]];
    if (name !== 'sum' || x.dtype === 'int32' || last - first !== axes.length - 1 || x.size === 0) {
      return other(name, x, axes);
    }
    const outer = sizeOf(x.shape.slice(0, first));
    const inner = sizeOf(x.shape.slice(last + 1));
    const n = x.size / outer / inner;
    if (x.dtype === 'float64' && inner > 1) return other(name, x, axes);
    const out = memory.allocate(outer * inner * bytesPerElement[x.dtype]);
    if (inner === 1) {
      dispatch(`sumRows_${suffixOf(x.dtype)}`, outer, Math.ceil(ELEMENTS / n), [addressOf(x), n, out.address]);
      return out;
    }
    const runs = Math.ceil(n / RUN);
    const partial = runs === 1 ? out : memory.allocate(outer * runs * inner * 4);
    dispatch('sumRuns_f32', outer * runs, Math.ceil(ELEMENTS / RUN / inner), [addressOf(x), n, inner, partial.address]);
    if (partial !== out) {
      dispatch('sumPartials_f32', outer, Math.ceil(ELEMENTS / runs / inner), [
        partial.address,
        runs,
        inner,
        inner,
        out.address,
      ]);
      memory.free(partial);
    }
    return out;
  };

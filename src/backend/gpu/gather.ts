import { type Shape, sizeOf } from '../../tensor/index.js';
import type { Backend, Operand } from '../backend.js';
import { indexError } from '../js/gather.js';
import type { GpuHandle, Launcher } from './handles.js';
import { around, handleOf, kernel } from './kernel.js';

// Indices that were made on the device are not checked: beyond the axis they read whatever a GPU reads there, or are left
// out of a sum. Those that came from this side are.

/** Code: the element as `row` and `k` inside of it. */
const PLACE = `const row = quotient(this.thread.x, inner);
  const k = this.thread.x - row * inner;`;
const ARGUMENTS = ['n', 'inner', 'count'];

const gatherKernel = kernel(
  'gather',
  ['x', 'indices'],
  ARGUMENTS,
  `${PLACE}
  const o = quotient(row, count);
  return x[(o * n + indices[row - o * count]) * inner + k];`,
);
const takeAlongKernel = kernel(
  'takeAlong',
  ['x', 'indices'],
  ARGUMENTS,
  `${PLACE}
  const o = quotient(row, count);
  return x[(o * n + indices[this.thread.x]) * inner + k];`,
);
/** Without atomics: every element of the output looks for what belongs to it. */
const scatterKernel = kernel(
  'scatterAdd',
  ['indices', 'updates'],
  ARGUMENTS,
  `${PLACE}
  const o = quotient(row, n);
  const own = row - o * n;
  let s = 0;
  for (let i = 0; i < count; i++) {
    if (indices[i] === own) { s = s + updates[(o * count + i) * inner + k]; }
  }
  return s;`,
);
/** The same where the indices are known here: `order` lists the updates by index, those of index i from begins[i] on. */
const scatterSorted = kernel(
  'scatterAdd sorted',
  ['begins', 'order', 'updates'],
  ARGUMENTS,
  `${PLACE}
  const o = quotient(row, n);
  const own = row - o * n;
  const begin = begins[own];
  const many = begins[own + 1] - begin;
  let s = 0;
  for (let i = 0; i < many; i++) {
    s = s + updates[(o * count + order[begin + i]) * inner + k];
  }
  return s;`,
);
const putAlongKernel = kernel(
  'putAlongAdd',
  ['indices', 'updates'],
  ARGUMENTS,
  `${PLACE}
  const o = quotient(row, n);
  const own = row - o * n;
  let s = 0;
  for (let i = 0; i < count; i++) {
    const at = (o * count + i) * inner + k;
    if (indices[at] === own) { s = s + updates[at]; }
  }
  return s;`,
);

/** @throws PopeError naming the first index outside of the axis, where the indices came from this side. */
function assertIndices(indices: Operand, size: number, axis: number): void {
  const { known } = handleOf(indices);
  known?.forEach((at, i) => {
    if (at < 0 || at >= size) throw indexError(i, at, size, axis);
  });
}

/** Which updates each of n indices has, one after the other. */
function sorted(indices: ArrayLike<number>, n: number): { begins: Float32Array; order: Float32Array } {
  const begins = new Float32Array(n + 1);
  for (let i = 0; i < indices.length; i++) begins[indices[i] + 1]++;
  for (let i = 0; i < n; i++) begins[i + 1] += begins[i];
  const next = begins.slice();
  const order = new Float32Array(indices.length);
  for (let i = 0; i < indices.length; i++) order[next[indices[i]]++] = i;
  return { begins, order };
}

export function gatherVerbs({
  launch,
  upload,
  release,
}: Launcher): Pick<Backend, 'gather' | 'scatterAdd' | 'takeAlong' | 'putAlongAdd'> {
  return {
    gather(x, indices, axis) {
      assertIndices(indices, x.shape[axis], axis);
      const { outer, n, inner } = around(x.shape, axis);
      const inputs = [handleOf(x), handleOf(indices)];
      return launch('gather', gatherKernel, inputs, [n, inner, indices.size], [], outer * indices.size * inner);
    },
    takeAlong(x, indices, axis) {
      assertIndices(indices, x.shape[axis], axis);
      const { n, inner } = around(x.shape, axis);
      const inputs = [handleOf(x), handleOf(indices)];
      return launch('takeAlong', takeAlongKernel, inputs, [n, inner, indices.shape[axis]], [], indices.size);
    },
    scatterAdd(shape: Shape, indices, updates, axis): GpuHandle {
      assertIndices(indices, shape[axis], axis);
      const { n, inner } = around(shape, axis);
      const size = sizeOf(shape);
      const integers = [n, inner, indices.size];
      const { known } = handleOf(indices);
      if (known === undefined) {
        return launch('scatterAdd', scatterKernel, [handleOf(indices), handleOf(updates)], integers, [], size);
      }
      const { begins, order } = sorted(known, n);
      const helpers = [upload('scatterAdd', begins), upload('scatterAdd', order)];
      const out = launch('scatterAdd', scatterSorted, [...helpers, handleOf(updates)], integers, [], size);
      for (const helper of helpers) release(helper);
      return out;
    },
    putAlongAdd(shape, indices, updates, axis) {
      assertIndices(indices, shape[axis], axis);
      const { n, inner } = around(shape, axis);
      const inputs = [handleOf(indices), handleOf(updates)];
      return launch('putAlongAdd', putAlongKernel, inputs, [n, inner, indices.shape[axis]], [], sizeOf(shape));
    },
  };
}

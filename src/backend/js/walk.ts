import { type Shape, stridesOf } from '../../tensor/index.js';

/**
 * A nest of loops over one contiguous output: sizes from the outermost to the innermost, and for each operand
 * its steps along them. Axes that every operand walks as one are merged, so most nests end with one or two loops.
 */
export interface Nest {
  readonly sizes: readonly number[];
  readonly steps: readonly (readonly number[])[];
}

/** Drops axes of size 1 and merges neighbours; always at least two loops. */
export function mergeAxes(shape: Shape, strides: readonly (readonly number[])[]): Nest {
  const sizes: number[] = [];
  const steps: number[][] = strides.map(() => []);
  for (let axis = 0; axis < shape.length; axis++) {
    const n = shape[axis];
    if (n === 1) continue;
    const last = sizes.length - 1;
    if (last >= 0 && strides.every((s, k) => steps[k][last] === s[axis] * n)) {
      sizes[last] *= n;
      for (let k = 0; k < strides.length; k++) steps[k][last] = strides[k][axis];
    } else {
      sizes.push(n);
      for (let k = 0; k < strides.length; k++) steps[k].push(strides[k][axis]);
    }
  }
  while (sizes.length < 2) {
    sizes.unshift(1);
    for (const s of steps) s.unshift(0);
  }
  return { sizes, steps };
}

/**
 * Calls `block(output, offsets)` for every position of the loops outside of the innermost two: the offset in the
 * output and in each operand at which a block of the innermost two begins.
 */
export function forEachBlock(
  nest: Nest,
  start: readonly number[],
  block: (output: number, offsets: readonly number[]) => void,
): void {
  const { sizes, steps } = nest;
  if (sizes.includes(0)) return;
  const outer = sizes.length - 2;
  const blockSize = sizes[outer] * sizes[outer + 1];
  const offsets = [...start];
  const index = new Array<number>(outer).fill(0);
  for (let output = 0; ; output += blockSize) {
    block(output, offsets);
    let axis = outer - 1;
    for (; axis >= 0; axis--) {
      for (let k = 0; k < offsets.length; k++) offsets[k] += steps[k][axis];
      if (++index[axis] < sizes[axis]) break;
      for (let k = 0; k < offsets.length; k++) offsets[k] -= steps[k][axis] * sizes[axis];
      index[axis] = 0;
    }
    if (axis < 0) return;
  }
}

/** Row-major strides of `shape`, permuted: those of a walk over x in the order of the permuted axes. */
export function permutedStrides(shape: Shape, axes: readonly number[]): number[] {
  const strides = stridesOf(shape);
  return axes.map((axis) => strides[axis]);
}

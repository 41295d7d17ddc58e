import { type Shape, sizeOf, type TypedArray } from '../../tensor/index.js';
import { invalid, type PopeError } from '../../util/index.js';
import type { Operand } from '../backend.js';
import { arrayOf } from './operand.js';

/** What is wrong with the index at `position`. */
export const indexError = (position: number, index: number, size: number, axis: number): PopeError =>
  invalid(`indices[${position}]`, index, `an index of at least 0 and below ${size}, the size of axis ${axis}`);

/** @throws PopeError naming the first index outside of 0 .. size - 1. */
function assertIndices(indices: TypedArray, size: number, axis: number): void {
  for (let i = 0; i < indices.length; i++) {
    const at = indices[i];
    if (at < 0 || at >= size) throw indexError(i, at, size, axis);
  }
}

/** out[o, i, k] = x[o, indices[i], k]. */
export function gather(out: TypedArray, x: Operand, indices: Operand, axis: number): void {
  const xs = arrayOf(x);
  const at = arrayOf(indices);
  const size = x.shape[axis];
  assertIndices(at, size, axis);
  const outer = sizeOf(x.shape.slice(0, axis));
  const inner = sizeOf(x.shape.slice(axis + 1));
  for (let o = 0, z = 0; o < outer; o++) {
    for (let i = 0; i < at.length; i++) {
      let a = (o * size + at[i]) * inner;
      for (const end = a + inner; a < end; a++, z++) out[z] = xs[a];
    }
  }
}

/** out = 0, then out[o, indices[i], k] += updates[o, i, k]. */
export function scatterAdd(out: TypedArray, shape: Shape, indices: Operand, updates: Operand, axis: number): void {
  const us = arrayOf(updates);
  const at = arrayOf(indices);
  const size = shape[axis];
  assertIndices(at, size, axis);
  out.fill(0);
  const outer = sizeOf(shape.slice(0, axis));
  const inner = sizeOf(shape.slice(axis + 1));
  for (let o = 0, u = 0; o < outer; o++) {
    for (let i = 0; i < at.length; i++) {
      let a = (o * size + at[i]) * inner;
      for (const end = a + inner; a < end; a++, u++) out[a] += us[u];
    }
  }
}

/** out[o, i, k] = x[o, indices[o, i, k], k]. */
export function takeAlong(out: TypedArray, x: Operand, indices: Operand, axis: number): void {
  const xs = arrayOf(x);
  const at = arrayOf(indices);
  const size = x.shape[axis];
  assertIndices(at, size, axis);
  const count = indices.shape[axis];
  const outer = sizeOf(x.shape.slice(0, axis));
  const inner = sizeOf(x.shape.slice(axis + 1));
  for (let o = 0, z = 0; o < outer; o++) {
    for (let i = 0; i < count; i++) {
      for (let k = 0; k < inner; k++, z++) out[z] = xs[(o * size + at[z]) * inner + k];
    }
  }
}

/** out = 0, then out[o, indices[o, i, k], k] += updates[o, i, k]. */
export function putAlongAdd(out: TypedArray, shape: Shape, indices: Operand, updates: Operand, axis: number): void {
  const us = arrayOf(updates);
  const at = arrayOf(indices);
  const size = shape[axis];
  assertIndices(at, size, axis);
  out.fill(0);
  const count = indices.shape[axis];
  const outer = sizeOf(shape.slice(0, axis));
  const inner = sizeOf(shape.slice(axis + 1));
  for (let o = 0, u = 0; o < outer; o++) {
    for (let i = 0; i < count; i++) {
      for (let k = 0; k < inner; k++, u++) out[(o * size + at[u]) * inner + k] += us[u];
    }
  }
}

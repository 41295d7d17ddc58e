import type { TypedArray } from '../../tensor/index.js';

/** How to walk one operand's matrices: the steps along its outer axis (m or n) and along k. */
export interface Layout {
  readonly source: TypedArray;
  readonly outer: number;
  readonly outerStep: number;
  readonly innerStep: number;
}

/**
 * out[j] = sum_p v[p] matrix[j, p], j along the outer axis: a product in which each number of the matrix serves once,
 * so that packing it would cost more than it saves. The matrix is read in its stored order.
 */
export function vectorMatrix(v: Float64Array, matrix: Layout, start: number, out: Float64Array): void {
  if (matrix.innerStep === 1) dotRows(v, matrix, start, out);
  else addRows(v, matrix, start, out);
}

/** Rows along k: four at a time, for four independent chains of additions. */
function dotRows(v: Float64Array, { source, outer, outerStep }: Layout, start: number, out: Float64Array): void {
  const k = v.length;
  let j = 0;
  for (; j + 4 <= outer; j += 4) {
    let at = start + j * outerStep;
    let d0 = 0;
    let d1 = 0;
    let d2 = 0;
    let d3 = 0;
    for (let p = 0; p < k; p++) {
      const value = v[p];
      d0 += value * source[at];
      d1 += value * source[at + outerStep];
      d2 += value * source[at + 2 * outerStep];
      d3 += value * source[at + 3 * outerStep];
      at++;
    }
    out[j] = d0;
    out[j + 1] = d1;
    out[j + 2] = d2;
    out[j + 3] = d3;
  }
  for (; j < outer; j++) {
    let at = start + j * outerStep;
    let d = 0;
    for (let p = 0; p < k; p++) d += v[p] * source[at++];
    out[j] = d;
  }
}

/** Rows along the outer axis, added up. */
function addRows(v: Float64Array, { source, outer, innerStep }: Layout, start: number, out: Float64Array): void {
  out.fill(0);
  for (let p = 0; p < v.length; p++) {
    const value = v[p];
    let at = start + p * innerStep;
    for (let j = 0; j < outer; j++) out[j] += value * source[at++];
  }
}

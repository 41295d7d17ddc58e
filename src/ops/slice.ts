import { defineOp, run } from '../autograd/index.js';
import { assertHolds, normalizeAxis, type Shape, showShape, type Tensor } from '../tensor/index.js';
import { assertInteger, invalid } from '../util/index.js';

interface Block {
  readonly starts: readonly number[];
  readonly sizes: Shape;
}

interface Margins {
  readonly before: readonly number[];
  readonly after: readonly number[];
  readonly value: number;
}

// z = the block of x at starts      dz/dx = zeros around it
const sliceOp = defineOp<Block>({
  name: 'slice',
  show: ({ starts, sizes }) => `starts ${showShape(starts)} sizes ${showShape(sizes)}`,
  shape: (_shapes, { sizes }) => sizes,
  forward: (backend, [x], { starts, sizes }) => backend.slice(x, starts, sizes),
  vjp: ([x], dz, { attrs: { starts, sizes } }) => [
    pad(
      dz,
      starts,
      x.shape.map((n, i) => n - starts[i] - sizes[i]),
    ),
  ],
});

// z = x with a margin of value      dz/dx = the block inside
const padOp = defineOp<Margins>({
  name: 'pad',
  show: ({ before, after, value }) => `before ${showShape(before)} after ${showShape(after)} value ${value}`,
  shape: ([shape], { before, after }) => shape.map((n, i) => before[i] + n + after[i]),
  forward: (backend, [x], { before, after, value }) => backend.pad(x, before, after, value),
  vjp: ([x], dz, { attrs: { before } }) => [slice(dz, before, x.shape)],
});

/**
 * The block of `sizes` that begins at `starts`; one of each an axis.
 * @throws PopeError where the block reaches beyond x.
 */
export function slice(x: Tensor, starts: readonly number[], sizes: Shape): Tensor {
  const { rank, shape } = x;
  if (starts.length !== rank)
    throw invalid('starts', starts, `${rank} integers, one for each axis of ${showShape(shape)}`);
  if (sizes.length !== rank)
    throw invalid('sizes', sizes, `${rank} integers, one for each axis of ${showShape(shape)}`);
  for (let i = 0; i < rank; i++) {
    assertInteger(`starts[${i}]`, starts[i], 0, shape[i]);
    assertInteger(`sizes[${i}]`, sizes[i], 0, shape[i] - starts[i]);
  }
  return run(sliceOp, [x], { starts: [...starts], sizes: [...sizes] });
}

/** `size` entries of one axis from `start` on, all of the others. */
export function narrow(x: Tensor, axis: number, start: number, size: number): Tensor {
  const at = normalizeAxis(axis, x.rank);
  return slice(
    x,
    x.shape.map((_, i) => (i === at ? start : 0)),
    x.shape.map((n, i) => (i === at ? size : n)),
  );
}

/** x cut along `axis` into parts of `sizes`. @throws PopeError where these do not add up to the axis. */
export function split(x: Tensor, sizes: readonly number[], axis = 0): Tensor[] {
  const at = normalizeAxis(axis, x.rank);
  if (sizes.reduce((a, b) => a + b, 0) !== x.shape[at]) {
    throw invalid('sizes', sizes, `sizes that add up to ${x.shape[at]}, the size of axis ${at}`);
  }
  let start = 0;
  return sizes.map((size) => {
    const part = narrow(x, at, start, size);
    start += size;
    return part;
  });
}

/**
 * x with `before` and `after` entries of `value` around each axis.
 * @throws PopeError where a margin is no size, or x is int32 and cannot hold `value`.
 */
export function pad(x: Tensor, before: readonly number[], after: readonly number[], value = 0): Tensor {
  for (const [name, margin] of [
    ['before', before],
    ['after', after],
  ] as const) {
    if (margin.length !== x.rank || margin.some((n) => !Number.isInteger(n) || n < 0)) {
      throw invalid(name, margin, `${x.rank} non-negative integers, one for each axis of ${showShape(x.shape)}`);
    }
  }
  assertHolds(x.dtype, 'value', value);
  return run(padOp, [x], { before: [...before], after: [...after], value });
}

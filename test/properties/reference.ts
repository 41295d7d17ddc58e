import { type Shape, sizeOf } from '../../src/tensor/index.js';

// The slowest and plainest way to say what a verb does: by the index of every element. The oracle of the backends.

export interface Numbers {
  readonly shape: Shape;
  readonly data: ArrayLike<number>;
}

/** The multi-index of element `flat`. */
export function indexOf(flat: number, shape: Shape): number[] {
  const index: number[] = [];
  for (let rest = flat, i = shape.length - 1; i >= 0; i--) {
    index.unshift(rest % shape[i]);
    rest = Math.floor(rest / shape[i]);
  }
  return index;
}

/** The element of x at a multi-index, which may belong to a shape to which x broadcasts. */
export function at(x: Numbers, index: readonly number[]): number {
  const own = index.slice(index.length - x.shape.length);
  return x.data[own.reduce((flat, i, axis) => flat * x.shape[axis] + (x.shape[axis] === 1 ? 0 : i), 0)];
}

/** The tensor with f(index) at every index. */
export function build(shape: Shape, f: (index: number[]) => number): number[] {
  return Array.from({ length: sizeOf(shape) }, (_, flat) => f(indexOf(flat, shape)));
}

/** f of the list of all elements that fall together when `axes` are reduced. */
export function reduced(x: Numbers, axes: readonly number[], f: (elements: number[]) => number): number[] {
  const kept = x.shape.filter((_, i) => !axes.includes(i));
  const inner = axes.map((axis) => x.shape[axis]);
  return build(kept, (k) =>
    f(
      build(inner, (r) => {
        const [ks, rs] = [[...k], [...r]];
        return at(
          x,
          x.shape.map((_, i) => (axes.includes(i) ? rs.shift() : ks.shift()) as number),
        );
      }),
    ),
  );
}

import { invalid, PopeError } from '../util/index.js';

/** Sizes by axis, row-major; [] is a scalar; a size may be 0. */
export type Shape = readonly number[];

export function sizeOf(shape: Shape): number {
  let size = 1;
  for (const n of shape) size *= n;
  return size;
}

export function showShape(shape: Shape): string {
  return `[${shape.join(', ')}]`;
}

export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((n, i) => n === b[i]);
}

/** Row-major strides in elements. */
export function stridesOf(shape: Shape): number[] {
  const strides = new Array<number>(shape.length);
  let step = 1;
  for (let i = shape.length - 1; i >= 0; i--) {
    strides[i] = step;
    step *= shape[i];
  }
  return strides;
}

/** Strides that read `from` as if it had shape `to`: 0 along every axis that is broadcast. */
export function broadcastStrides(from: Shape, to: Shape): number[] {
  const own = stridesOf(from);
  const lead = to.length - from.length;
  return to.map((n, axis) => (axis < lead || (from[axis - lead] === 1 && n !== 1) ? 0 : own[axis - lead]));
}

/**
 * The shape to which two shapes broadcast: aligned at the last axis, a size 1 stretches.
 * @throws PopeError naming both shapes where they do not agree.
 */
export function broadcastShapes(shapes: readonly Shape[]): number[] {
  const rank = Math.max(0, ...shapes.map((s) => s.length));
  const out = new Array<number>(rank).fill(1);
  for (const shape of shapes) {
    for (let i = 0; i < shape.length; i++) {
      const axis = rank - shape.length + i;
      if (shape[i] === out[axis] || shape[i] === 1) continue;
      if (out[axis] !== 1) {
        throw new PopeError(
          `shapes ${shapes.map(showShape).join(' and ')} do not broadcast: axis ${axis} has sizes ${out[axis]} and ${shape[i]}; expected equal sizes or 1.`,
          { argument: 'shape', got: shape, expected: 'shapes that broadcast' },
        );
      }
      out[axis] = shape[i];
    }
  }
  return out;
}

/** @throws PopeError unless every size is a non-negative integer. */
export function assertShape(argument: string, shape: Shape): void {
  if (!Array.isArray(shape) || shape.some((n) => !Number.isInteger(n) || n < 0)) {
    throw invalid(argument, shape, 'an array of non-negative integers');
  }
}

/**
 * An axis counted from the front; -1 is the last.
 * @throws PopeError where the axis is outside the rank.
 */
export function normalizeAxis(axis: number, rank: number, argument = 'axis'): number {
  const a = axis < 0 ? axis + rank : axis;
  if (!Number.isInteger(axis) || a < 0 || a >= rank)
    throw invalid(argument, axis, `an integer from ${-rank} to ${rank - 1}`);
  return a;
}

/** Axes counted from the front, ascending, without repeats; undefined means all of them. */
export function normalizeAxes(axes: number | readonly number[] | undefined, rank: number): number[] {
  if (axes === undefined) return Array.from({ length: rank }, (_, i) => i);
  const list = (typeof axes === 'number' ? [axes] : axes).map((a) => normalizeAxis(a, rank, 'axes'));
  const unique = [...new Set(list)].sort((a, b) => a - b);
  if (unique.length !== list.length) throw invalid('axes', axes, 'axes without repeats');
  return unique;
}

/** The shape after reducing `axes` (normalised): they become 1 with keepDims, else they vanish. */
export function reducedShape(shape: Shape, axes: readonly number[], keepDims: boolean): number[] {
  return keepDims ? shape.map((n, i) => (axes.includes(i) ? 1 : n)) : shape.filter((_, i) => !axes.includes(i));
}

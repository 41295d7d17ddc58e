import { broadcastStrides, type Shape, sizeOf, stridesOf } from '../../tensor/index.js';
import type { Backend, Operand } from '../backend.js';
import { permutedStrides } from '../js/walk.js';
import type { GpuHandle, Launcher } from './handles.js';
import { handleOf, kernel, WALK_INDEX, walkAt, walkNames, walkOf } from './kernel.js';

type Launch = Pick<Launcher, 'launch' | 'release'>;

/** out[c0, ...] = x[start + sum_k c_k a_k]. */
const strided = kernel(
  'strided copy',
  ['x'],
  [...walkNames(['a']), 'start'],
  `${WALK_INDEX}\n  return x[start + ${walkAt('a')}];`,
);
/** x [rows, from, inner] inside of [rows, to, inner], `before` along the middle axis; `value` around it. */
const inside = kernel(
  'pad',
  ['x'],
  ['inner', 'from', 'to', 'before'],
  `const at = this.thread.x;
  const row = quotient(at, to * inner);
  const k = at - row * to * inner - before * inner;
  if (k < 0 || k >= from * inner) { return value; }
  return x[row * from * inner + k];`,
  ['value'],
);
const joined = kernel(
  'concat',
  ['x', 'y'],
  ['a', 'b'],
  `const at = this.thread.x;
  const row = quotient(at, a + b);
  const k = at - row * (a + b);
  if (k < a) { return x[row * a + k]; }
  return y[row * b + k - a];`,
);

/** out[i...] = x[start + sum_k i_k strides_k], out contiguous of `shape`. */
function copyStrided(
  { launch, release }: Launch,
  op: string,
  x: GpuHandle,
  start: number,
  shape: Shape,
  strides: readonly number[],
): GpuHandle {
  const size = sizeOf(shape);
  const walk = walkOf(shape, [strides]);
  if (walk !== null) return launch(op, strided, [x], [...walk.integers, start], [], size);
  // Too many axes for one kernel: the first is cut off, and its parts are put behind each other.
  const [n, ...rest] = shape;
  const parts = Array.from({ length: n }, (_, i) =>
    copyStrided({ launch, release }, op, x, start + i * strides[0], rest, strides.slice(1)),
  );
  return concatAll({ launch, release }, parts, 1);
}

/** Buffers behind each other in each of `outer` rows; they are given back. */
function concatAll({ launch, release }: Launch, parts: readonly GpuHandle[], outer: number): GpuHandle {
  // by halves, so that no element is copied more than log2(parts) times
  if (parts.length === 1) return parts[0];
  const half = parts.length >> 1;
  const [x, y] = [parts.slice(0, half), parts.slice(half)].map((some) => concatAll({ launch, release }, some, outer));
  const out = launch('concat', joined, [x, y], [x.size / outer, y.size / outer], [], x.size + y.size);
  release(x);
  release(y);
  return out;
}

/** x broadcast to `shape`. */
export const stretch = (launcher: Launch, x: Operand, shape: Shape): GpuHandle =>
  copyStrided(launcher, 'expand', handleOf(x), 0, shape, broadcastStrides(x.shape, shape));

export function movementVerbs(launcher: Launch): Pick<Backend, 'permute' | 'expand' | 'slice' | 'pad' | 'concat'> {
  const { launch, release } = launcher;
  return {
    permute: (x, axes) =>
      copyStrided(
        launcher,
        'permute',
        handleOf(x),
        0,
        axes.map((axis) => x.shape[axis]),
        permutedStrides(x.shape, axes),
      ),
    expand: (x, shape) => stretch(launcher, x, shape),
    slice(x, starts, sizes) {
      const strides = stridesOf(x.shape);
      const start = starts.reduce((at, s, i) => at + s * strides[i], 0);
      return copyStrided(launcher, 'slice', handleOf(x), start, sizes, strides);
    },
    pad(x, before, after, value) {
      // one axis after the other
      const shape = [...x.shape];
      let out: GpuHandle | undefined;
      shape.forEach((n, axis) => {
        const to = before[axis] + n + after[axis];
        if (to === n && !(out === undefined && axis === shape.length - 1)) return;
        const inner = sizeOf(shape.slice(axis + 1));
        const from = out ?? handleOf(x);
        shape[axis] = to;
        const next = launch('pad', inside, [from], [inner, n, to, before[axis]], [value], sizeOf(shape));
        if (out !== undefined) release(out);
        out = next;
      });
      return out ?? copyStrided(launcher, 'pad', handleOf(x), 0, [], []);
    },
    concat(xs, axis) {
      const outer = sizeOf(xs[0].shape.slice(0, axis));
      const some = xs.filter(({ size }) => size > 0);
      if (some.length === 0) return launch('concat', strided, [handleOf(xs[0])], [], [], 0);
      // copies of one alone; of several the first join copies
      if (some.length === 1) return copyStrided(launcher, 'concat', handleOf(some[0]), 0, [some[0].size], [1]);
      const parts = some.map(handleOf);
      for (const { slot } of parts) slot.uses++;
      return concatAll(launcher, parts, outer);
    },
  };
}

import { sizeOf } from '../../tensor/index.js';
import type { Backend, Operand, ReduceName } from '../backend.js';
import type { GpuHandle, Launcher } from './handles.js';
import { around, handleOf, kernel, kernelsByName } from './kernel.js';

/** Terms that one thread takes; the partial results are reduced again, so that a float32 sum's error grows with log n. */
const BLOCK = 64;

/** How the accumulator p takes a number. A NaN that is in stays. */
const take: Readonly<Record<ReduceName, (v: string) => string>> = {
  sum: (v) => `p = p + ${v};`,
  max: (v) => `if (!(${v} <= p) && p === p) { p = ${v}; }`,
  min: (v) => `if (!(${v} >= p) && p === p) { p = ${v}; }`,
};

/** x is [outer, n, inner], out [outer, blocks, inner]. Sums go by eights, and eights of them. */
const reduceKernel = kernelsByName<ReduceName>((name) =>
  kernel(
    `reduce ${name}`,
    ['x'],
    ['n', 'inner', 'blocks'],
    `const row = quotient(this.thread.x, inner);
  const k = this.thread.x - row * inner;
  const o = quotient(row, blocks);
  const begin = (row - o * blocks) * ${BLOCK};
  const base = o * n * inner + k;
  let s = x[base + begin * inner];
  for (let a = 0; a < 8; a++) {
    if (begin + a * 8 < n) {
      let p = x[base + (begin + a * 8) * inner];
      for (let b = 1; b < 8; b++) {
        const j = begin + a * 8 + b;
        if (j < n) {
          const v = x[base + j * inner];
          ${take[name]('v')}
        }
      }
      if (a === 0) { s = p; } else {
        ${take[name]('s')}
        s = p;
      }
    }
  }
  return s;`,
  ),
);

/** The first largest of [outer, n, inner] along n; a NaN counts as the largest. */
const argmaxKernel = kernel(
  'argmax',
  ['x'],
  ['n', 'inner'],
  `const o = quotient(this.thread.x, inner);
  const base = o * n * inner + this.thread.x - o * inner;
  let best = 0;
  let m = x[base];
  for (let j = 1; j < n; j++) {
    const v = x[base + j * inner];
    if (m === m && !(v <= m)) {
      m = v;
      best = j;
    }
  }
  return best;`,
);

export function reduceVerbs(
  { launch, release }: Launcher,
  fill: (value: number, size: number) => GpuHandle,
): Pick<Backend, 'reduce' | 'argmax'> {
  /** One run of axes as one, in blocks until one is left. */
  function reduceRun(name: ReduceName, x: GpuHandle, outer: number, n: number, inner: number): GpuHandle {
    if (outer * inner === 0 || n === 0)
      return fill(name === 'sum' ? 0 : name === 'max' ? -Infinity : Infinity, outer * inner);
    let [from, left] = [x, n];
    do {
      const blocks = Math.ceil(left / BLOCK);
      const next = launch(name, reduceKernel(name), [from], [left, inner, blocks], [], outer * blocks * inner);
      if (from !== x) release(from);
      [from, left] = [next, blocks];
    } while (left > 1);
    return from;
  }

  return {
    reduce(name, x: Operand, axes) {
      // groups of neighbouring axes, from the last
      let from = handleOf(x);
      const sizes = [...x.shape];
      let first = true;
      for (let k = axes.length - 1; k >= 0; k--) {
        const end = axes[k] + 1;
        while (k > 0 && axes[k - 1] === axes[k] - 1) k--;
        const begin = axes[k];
        const next = reduceRun(
          name,
          from,
          sizeOf(sizes.slice(0, begin)),
          sizeOf(sizes.slice(begin, end)),
          sizeOf(sizes.slice(end)),
        );
        if (!first) release(from);
        first = false;
        from = next;
        sizes.splice(begin, end - begin);
      }
      return first ? reduceRun(name, from, x.size, 1, 1) : from;
    },
    argmax(x, axis) {
      const { outer, n, inner } = around(x.shape, axis);
      return launch('argmax', argmaxKernel, [handleOf(x)], [n, inner], [], outer * inner);
    },
  };
}

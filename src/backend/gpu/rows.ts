import type { Backend, Operand, RowVerbs } from '../backend.js';
import type { GpuHandle, Launcher } from './handles.js';
import { handleOf, kernel } from './kernel.js';

// Rows of n numbers, a thread a row for what is one number a row, a thread an element for the rest. Sums go by blocks of
// 32, so that a float32 keeps its digits.

/** Code: s = sum over j < n of `term`, which may use j. */
const blockedSum = (s: string, term: string): string => `let ${s} = 0;
  for (let a_${s} = 0; a_${s} < n; a_${s} += 32) {
    let p_${s} = 0;
    for (let b_${s} = 0; b_${s} < 32; b_${s}++) {
      const j = a_${s} + b_${s};
      if (j < n) { p_${s} = p_${s} + ${term}; }
    }
    ${s} = ${s} + p_${s};
  }`;
const BASE = 'const base = this.thread.x * n;';
const ROW = 'const row = quotient(this.thread.x, n);';

const logSumExp = kernel(
  'row log-sum-exp',
  ['x'],
  ['n'],
  `${BASE}
  let m = x[base];
  for (let i = 1; i < n; i++) { m = Math.max(m, x[base + i]); }
  ${blockedSum('s', 'Math.exp(x[base + j] - m)')}
  return m + naturalLog(s);`,
);
const softmaxOf = kernel('softmax', ['x', 'lse'], ['n'], `${ROW}\n  return Math.exp(x[this.thread.x] - lse[row]);`);
const logSoftmaxOf = kernel('logSoftmax', ['x', 'lse'], ['n'], `${ROW}\n  return x[this.thread.x] - lse[row];`);
const rowSum = kernel('row sum', ['x'], ['n'], `${BASE}\n  ${blockedSum('s', 'x[base + j]')}\n  return s;`);
const rowDot = kernel(
  'row dot',
  ['x', 'y'],
  ['n'],
  `${BASE}\n  ${blockedSum('s', 'x[base + j] * y[base + j]')}\n  return s;`,
);
const softmaxGradOf = kernel(
  'softmaxGrad',
  ['y', 'dy', 'dot'],
  ['n'],
  `${ROW}\n  return y[this.thread.x] * (dy[this.thread.x] - dot[row]);`,
);
const logSoftmaxGradOf = kernel(
  'logSoftmaxGrad',
  ['y', 'dy', 'total'],
  ['n'],
  `${ROW}\n  return dy[this.thread.x] - Math.exp(y[this.thread.x]) * total[row];`,
);
const picked = kernel(
  'gatherLogProb',
  ['x', 'targets', 'lse'],
  ['n'],
  `const t = targets[this.thread.x];
  if (t < 0) { return 0; }
  return x[this.thread.x * n + t] - lse[this.thread.x];`,
);
const pickedGrad = kernel(
  'gatherLogProbGrad',
  ['x', 'targets', 'lse', 'dy'],
  ['n'],
  `${ROW}
  const t = targets[row];
  if (t < 0) { return 0; }
  const p = Math.exp(x[this.thread.x] - lse[row]);
  if (this.thread.x - row * n === t) { return dy[row] * (1 - p); }
  return -dy[row] * p;`,
);

const mean = kernel('row mean', ['x'], ['n'], `${BASE}\n  ${blockedSum('s', 'x[base + j]')}\n  return s / n;`);
const scale = kernel(
  'row scale',
  ['x', 'means'],
  ['n'],
  `${BASE}
  const m = means[this.thread.x];
  ${blockedSum('s', '(x[base + j] - m) * (x[base + j] - m)')}
  return 1 / Math.sqrt(s / n + epsilon);`,
  ['epsilon'],
);
const normalised = kernel(
  'layerNorm',
  ['x', 'gain', 'bias', 'means', 'scales'],
  ['n'],
  `${ROW}
  const k = this.thread.x - row * n;
  return (x[this.thread.x] - means[row]) * scales[row] * gain[k] + bias[k];`,
);
/** (x - mean) scale. */
const hat = kernel(
  'layerNorm hat',
  ['x', 'means', 'scales'],
  ['n'],
  `${ROW}\n  return (x[this.thread.x] - means[row]) * scales[row];`,
);
const scaledGain = kernel(
  'layerNorm gain',
  ['dy', 'gain'],
  ['n'],
  `${ROW}\n  return dy[this.thread.x] * gain[this.thread.x - row * n];`,
);
/** dx = scale (g - mean(g) - h mean(g h)). */
const layerNormDx = kernel(
  'layerNormGrad',
  ['g', 'h', 'scales', 'total', 'dot'],
  ['n'],
  `${ROW}
  return scales[row] * (g[this.thread.x] - total[row] / n - h[this.thread.x] * dot[row] / n);`,
);
const product = kernel('product', ['x', 'y'], [], 'return x[this.thread.x] * y[this.thread.x];');

export function rowVerbs({ launch, release }: Launcher, reduce: Backend['reduce']): RowVerbs {
  const widthOf = (x: Operand): number => x.shape[x.shape.length - 1];
  /** Runs `use`, then gives back what it made on the way. */
  function through<T>(use: (keep: (made: GpuHandle) => GpuHandle) => T): T {
    const made: GpuHandle[] = [];
    try {
      return use((one) => {
        made.push(one);
        return one;
      });
    } finally {
      made.forEach(release);
    }
  }
  const lseOf = (op: string, x: Operand): GpuHandle => {
    const n = widthOf(x);
    return launch(op, logSumExp, [handleOf(x)], [n], [], x.size / n);
  };

  return {
    softmax: (x) =>
      through((keep) =>
        launch('softmax', softmaxOf, [handleOf(x), keep(lseOf('softmax', x))], [widthOf(x)], [], x.size),
      ),
    logSoftmax: (x) =>
      through((keep) =>
        launch('logSoftmax', logSoftmaxOf, [handleOf(x), keep(lseOf('logSoftmax', x))], [widthOf(x)], [], x.size),
      ),
    softmaxGrad: (y, dy) =>
      through((keep) => {
        const n = widthOf(y);
        const [ys, ds] = [handleOf(y), handleOf(dy)];
        const dot = keep(launch('softmaxGrad', rowDot, [ys, ds], [n], [], y.size / n));
        return launch('softmaxGrad', softmaxGradOf, [ys, ds, dot], [n], [], y.size);
      }),
    logSoftmaxGrad: (y, dy) =>
      through((keep) => {
        const n = widthOf(y);
        const [ys, ds] = [handleOf(y), handleOf(dy)];
        const total = keep(launch('logSoftmaxGrad', rowSum, [ds], [n], [], y.size / n));
        return launch('logSoftmaxGrad', logSoftmaxGradOf, [ys, ds, total], [n], [], y.size);
      }),
    gatherLogProb: (x, targets) =>
      through((keep) => {
        const inputs = [handleOf(x), handleOf(targets), keep(lseOf('gatherLogProb', x))];
        return launch('gatherLogProb', picked, inputs, [widthOf(x)], [], targets.size);
      }),
    gatherLogProbGrad: (x, targets, dy) =>
      through((keep) => {
        const inputs = [handleOf(x), handleOf(targets), keep(lseOf('gatherLogProbGrad', x)), handleOf(dy)];
        return launch('gatherLogProbGrad', pickedGrad, inputs, [widthOf(x)], [], x.size);
      }),
    layerNorm: (x, gain, bias, epsilon) =>
      through((keep) => {
        const n = widthOf(x);
        const xs = handleOf(x);
        const means = keep(launch('layerNorm', mean, [xs], [n], [], x.size / n));
        const scales = keep(launch('layerNorm', scale, [xs, means], [n], [epsilon], x.size / n));
        const inputs = [xs, handleOf(gain), handleOf(bias), means, scales];
        return launch('layerNorm', normalised, inputs, [n], [], x.size);
      }),
    layerNormGrad: (x, gain, dy, epsilon) =>
      through((keep) => {
        const op = 'layerNormGrad';
        const n = widthOf(x);
        const rows = x.size / n;
        const [xs, ds] = [handleOf(x), handleOf(dy)];
        const means = keep(launch(op, mean, [xs], [n], [], rows));
        const scales = keep(launch(op, scale, [xs, means], [n], [epsilon], rows));
        const h = keep(launch(op, hat, [xs, means, scales], [n], [], x.size));
        const g = keep(launch(op, scaledGain, [ds, handleOf(gain)], [n], [], x.size));
        const total = keep(launch(op, rowSum, [g], [n], [], rows));
        const dot = keep(launch(op, rowDot, [g, h], [n], [], rows));
        const dh = keep(launch(op, product, [ds, h], [], [], x.size));
        const dx = launch(op, layerNormDx, [g, h, scales, total, dot], [n], [], x.size);
        const byColumn = (handle: GpuHandle): GpuHandle =>
          reduce('sum', { handle, shape: [rows, n], size: x.size, dtype: x.dtype }, [0]) as GpuHandle;
        return [dx, byColumn(dh), byColumn(ds)];
      }),
  };
}

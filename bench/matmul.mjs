// GFLOP/s of matmul beside a naive triple loop, in one run. After `npm run build`:
//   node bench/matmul.mjs [--quick] [--json FILE]
import { writeFileSync } from 'node:fs';
import { matmul, scope, tensor } from '../dist/tensor.js';
import { timeInterleaved } from './timer.mjs';

const shapes = [
  { name: 'square', batch: 1, m: 256, k: 256, n: 256 },
  { name: 'square large', batch: 1, m: 512, k: 512, n: 512 },
  { name: 'linear narrow', batch: 1, m: 2000, k: 32, n: 128 },
  { name: 'linear deep', batch: 1, m: 2000, k: 128, n: 32 },
  { name: 'logits', batch: 1, m: 2000, k: 64, n: 512 },
  { name: 'attention scores', batch: 32, m: 64, k: 16, n: 64 },
  { name: 'weight gradient', batch: 1, m: 128, k: 2000, n: 32, transposeX: true },
  { name: 'input gradient', batch: 1, m: 2000, k: 128, n: 32, transposeY: true },
  { name: 'one column', batch: 1, m: 2000, k: 128, n: 1 },
  { name: 'one row', batch: 1, m: 1, k: 128, n: 512 },
  { name: 'one row, y^T', batch: 1, m: 1, k: 128, n: 512, transposeY: true },
];

// One literal function a dtype: shared, the second dtype would slow the first one down.
const naive = {
  float32: (a, b, c, { m, k, n }) => {
    for (let i = 0; i < m; i++) {
      for (let j = 0; j < n; j++) {
        let sum = 0;
        for (let p = 0; p < k; p++) sum += a[i * k + p] * b[p * n + j];
        c[i * n + j] = sum;
      }
    }
  },
  float64: (a, b, c, { m, k, n }) => {
    for (let i = 0; i < m; i++) {
      for (let j = 0; j < n; j++) {
        let sum = 0;
        for (let p = 0; p < k; p++) sum += a[i * k + p] * b[p * n + j];
        c[i * n + j] = sum;
      }
    }
  },
};

const args = process.argv.slice(2);
const options = args.includes('--quick') ? { rounds: 3, warmUp: 1 } : {};
const jsonAt = args.indexOf('--json');
const results = [];

for (const shape of shapes) {
  const { batch, m, k, n, transposeX = false, transposeY = false } = shape;
  for (const dtype of ['float32', 'float64']) {
    const Numbers = dtype === 'float32' ? Float32Array : Float64Array;
    const a = new Numbers(batch * m * k).map(Math.random);
    const b = new Numbers(batch * k * n).map(Math.random);
    const c = new Numbers(m * n);
    const x = tensor(a, { shape: transposeX ? [batch, k, m] : [batch, m, k] });
    const y = tensor(b, { shape: transposeY ? [batch, n, k] : [batch, k, n] });
    const times = timeInterleaved(
      {
        ours: () => {
          scope(() => {
            matmul(x, y, { transposeX, transposeY });
          });
        },
        naive: () => {
          for (let i = 0; i < batch; i++) naive[dtype](a, b, c, { m, k, n });
        },
      },
      options,
    );
    const gflops = ({ median }) => (2 * batch * m * k * n) / median / 1e6;
    const row = { name: shape.name, dtype, batch, m, k, n, transposeX, transposeY, ours: gflops(times.ours), naive: gflops(times.naive) };
    results.push(row);
    const size = `${batch > 1 ? `${batch} x ` : ''}${m}x${k}x${n}`;
    const ratio = (row.ours / row.naive).toFixed(1);
    console.log(
      `${shape.name.padEnd(17)} ${size.padEnd(15)} ${dtype}  ours ${row.ours.toFixed(2).padStart(5)}  naive ${row.naive.toFixed(2).padStart(5)} GFLOP/s  ${ratio}x`,
    );
  }
}

if (jsonAt >= 0) {
  writeFileSync(args[jsonAt + 1], `${JSON.stringify({ node: process.version, unit: 'GFLOP/s, median', results }, null, 2)}\n`);
}

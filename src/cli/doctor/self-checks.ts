import { checkGradient } from '../../autograd/index.js';
import { tensor } from '../../backend/index.js';
import { exactMoments, exactValue, ips } from '../../ope/index.js';
import { gelu, logSoftmax, matmul, mul, sum } from '../../ops/index.js';
import { normal, type Random, seededRandom } from '../../random/index.js';
import { scope } from '../../tensor/index.js';

/** A self-check: the largest error that it found, and the largest that passes. */
export interface SelfCheck {
  readonly name: string;
  readonly limit: number;
  readonly error: () => number;
}

export interface SelfCheckResult {
  readonly name: string;
  readonly ok: boolean;
  /** null where it could not be computed; `failure` says why. */
  readonly error: number | null;
  readonly limit: number;
  readonly failure?: string;
}

/** Runs checks; one that throws has failed. */
export function runSelfChecks(checks: readonly SelfCheck[]): SelfCheckResult[] {
  return checks.map(({ name, limit, error }) => {
    try {
      const found = error();
      // NaN compares as false and fails.
      return { name, ok: found <= limit, error: Number.isFinite(found) ? found : null, limit };
    } catch (thrown) {
      const failure = thrown instanceof Error ? thrown.message : String(thrown);
      return { name, ok: false, error: null, limit, failure };
    }
  });
}

/** What must hold on every machine before a number of ours may be believed. */
export const selfChecks: readonly SelfCheck[] = [
  { name: 'gradient against central differences', limit: 1e-6, error: gradientError },
  { name: 'matmul float64 against a naive sum', limit: 1e-12, error: () => matmulError('float64') },
  { name: 'matmul float32 against float64', limit: 1e-5, error: () => matmulError('float32') },
  { name: 'ips unbiased by enumeration', limit: 1e-10, error: ipsError },
];

/** A linear layer, gelu and log-softmax: a tiny network. */
function gradientError(): number {
  const random = seededRandom(1);
  const input = tensor(normals(random, 6), { shape: [2, 3] });
  const parameters = {
    w: tensor(normals(random, 12), { shape: [3, 4] }),
    c: tensor(normals(random, 8), { shape: [2, 4] }),
  };
  const network = ({ w, c }: typeof parameters) => sum(mul(logSoftmax(gelu(matmul(input, w))), c));
  return checkGradient(network, parameters, { tolerance: Infinity }).maxError;
}

/** Largest |difference| of x y from a sum in float64, relative to sum |x| |y|. */
function matmulError(dtype: 'float32' | 'float64'): number {
  const [m, k, n] = [37, 53, 29]; // odd sizes: tiles leave rests
  const random = seededRandom(2);
  // Values that float32 holds exactly, so that only the product is judged.
  const a = normals(random, m * k).map(Math.fround);
  const b = normals(random, k * n).map(Math.fround);
  return scope(() => {
    const c = matmul(tensor(a, { shape: [m, k], dtype }), tensor(b, { shape: [k, n], dtype })).dataSync();
    let worst = 0;
    for (let i = 0; i < m; i++) {
      for (let j = 0; j < n; j++) {
        let [total, size] = [0, 0];
        for (let p = 0; p < k; p++) {
          total += a[i * k + p] * b[p * n + j];
          size += Math.abs(a[i * k + p] * b[p * n + j]);
        }
        const off = Math.abs(c[i * n + j] - total) / size;
        if (!(off <= worst)) worst = off;
      }
    }
    return worst;
  });
}

/** T1 on a small problem: every log of one slate is enumerated. */
function ipsError(): number {
  const problem = {
    contextProb: [0.3, 0.7],
    logging: [
      [0.5, 0.5],
      [0.9, 0.1],
    ],
    target: [
      [0.2, 0.8],
      [0.4, 0.6],
    ],
    reward: [
      [1, -2],
      [0.5, 3],
    ],
  };
  const value = exactValue(problem);
  return Math.abs(exactMoments(ips, problem, { slate: 2 }).mean - value) / Math.abs(value);
}

const normals = (random: Random, n: number): Float64Array => Float64Array.from({ length: n }, () => normal(random));

import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { checkGradient, grad } from '../../src/autograd/index.js';
import type { Backend } from '../../src/backend/index.js';
import { tensor } from '../../src/backend/index.js';
import { add, matmul, square, sum, transpose } from '../../src/ops/index.js';
import { type FloatDType, type Shape, scope, sizeOf, type Tensor } from '../../src/tensor/index.js';
import { broadcastable } from '../arbitraries/shape.js';
import { make, type TensorSpec, tensorOf } from '../arbitraries/tensor.js';
import { gap } from './derivatives.js';

interface Case {
  readonly x: TensorSpec;
  readonly y: TensorSpec;
  readonly batch: Shape;
  readonly batchX: Shape;
  readonly batchY: Shape;
  readonly m: number;
  readonly k: number;
  readonly n: number;
  readonly tx: boolean;
  readonly ty: boolean;
}

/** Two operands in any of the four forms, with batch axes that broadcast; sizes straddle every tile edge. */
export function products(maxSize: number): fc.Arbitrary<Case> {
  const size = fc.integer({ min: 0, max: maxSize });
  return fc
    .record({
      lead: broadcastable(2, { maxRank: 2, maxSize: 3 }),
      m: size,
      k: size,
      n: size,
      tx: fc.boolean(),
      ty: fc.boolean(),
    })
    .chain(({ lead, m, k, n, tx, ty }) => {
      const [batchX, batchY] = lead.parts;
      return fc.record({
        x: tensorOf([...batchX, ...(tx ? [k, m] : [m, k])]),
        y: tensorOf([...batchY, ...(ty ? [n, k] : [k, n])]),
        batch: fc.constant(lead.full),
        batchX: fc.constant(batchX),
        batchY: fc.constant(batchY),
        m: fc.constant(m),
        k: fc.constant(k),
        n: fc.constant(n),
        tx: fc.constant(tx),
        ty: fc.constant(ty),
      });
    });
}

/** Number of the matrix that an operand of leading axes `own` shows at batch index `b` of `full`. */
function matrixAt(b: number, full: Shape, own: Shape): number {
  let rest = b;
  let at = 0;
  let step = 1;
  for (let axis = full.length - 1; axis >= 0; axis--) {
    const index = rest % full[axis];
    rest = Math.floor(rest / full[axis]);
    const ownAxis = axis - (full.length - own.length);
    if (ownAxis < 0) continue;
    if (own[ownAxis] !== 1) at += index * step;
    step *= own[ownAxis];
  }
  return at;
}

/** The triple loop; with `absolute` it sums |x| |y|, which is what error bounds are made of. */
function naive({ x, y, batch, batchX, batchY, m, k, n, tx, ty }: Case, absolute = false): number[] {
  const out: number[] = [];
  for (let b = 0; b < sizeOf(batch); b++) {
    const x0 = matrixAt(b, batch, batchX) * m * k;
    const y0 = matrixAt(b, batch, batchY) * k * n;
    for (let i = 0; i < m; i++) {
      for (let j = 0; j < n; j++) {
        let sum = 0;
        for (let p = 0; p < k; p++) {
          const term = x.data[x0 + (tx ? p * m + i : i * k + p)] * y.data[y0 + (ty ? j * k + p : p * n + j)];
          sum += absolute ? Math.abs(term) : term;
        }
        out.push(sum);
      }
    }
  }
  return out;
}

/** matmul on one backend: values in all forms, identities, gradients, rounding. */
export function matmulSuite(
  name: string,
  backend: Backend,
  dtypes: readonly FloatDType[] = ['float32', 'float64'],
): void {
  const product = (c: Case, dtype: FloatDType): Tensor =>
    matmul(make(c.x, dtype, backend), make(c.y, dtype, backend), { transposeX: c.tx, transposeY: c.ty });

  describe.each(dtypes)(`${name} matmul in %s`, (dtype) => {
    test.prop([products(9)])('is the triple loop, in all four forms, with broadcast batches', (c) =>
      scope(() => {
        const z = product(c, dtype);
        expect(z.shape).toEqual([...c.batch, c.m, c.n]);
        // The generated numbers are multiples of 1/16 below 4: every sum is exact.
        expect(gap(z.dataSync(), naive(c))).toBe(0);
      }),
    );

    test.prop([products(9)])('(x y)^T = y^T x^T', (c) =>
      scope(() => {
        const x = make(c.x, dtype, backend);
        const y = make(c.y, dtype, backend);
        const left = transpose(matmul(x, y, { transposeX: c.tx, transposeY: c.ty }));
        const right = matmul(y, x, { transposeX: !c.ty, transposeY: !c.tx });
        expect(right.shape).toEqual(left.shape);
        expect([...right.dataSync()]).toEqual([...left.dataSync()]);
      }),
    );

    test.prop([
      fc.integer({ min: 1, max: 10 }),
      fc.integer({ min: 1, max: 10 }),
      fc.integer({ min: 1, max: 1100 }),
      fc.nat(),
    ])('stays within the classical bound k u / (1 - k u) |x| |y|', (m, n, k, seed) =>
      scope(() => {
        const numbers = (count: number, phase: number): Float64Array => {
          const a = Float64Array.from({ length: count }, (_, i) => Math.sin((i + 1) * 12.9898 + phase + (seed % 1000)));
          return dtype === 'float32' ? Float64Array.from(Float32Array.from(a)) : a;
        };
        const spec = (shape: Shape, phase: number): TensorSpec => ({
          shape,
          data: [...numbers(sizeOf(shape), phase)],
          layout: 'plain',
        });
        const c: Case = {
          x: spec([m, k], 0),
          y: spec([k, n], 1),
          batch: [],
          batchX: [],
          batchY: [],
          m,
          k,
          n,
          tx: false,
          ty: false,
        };
        const got = product(c, dtype).dataSync();
        const exact = naive(c);
        const size = naive(c, true);
        const u = dtype === 'float32' ? 2 ** -24 : 2 ** -53;
        // The reference rounds as well, so in float64 both are allowed the bound.
        const bound = ((k * u) / (1 - k * u)) * (dtype === 'float64' ? 2 : 1);
        got.forEach((z, i) => {
          if (!(Math.abs(z - exact[i]) <= bound * size[i]))
            expect.fail(`element ${i} is ${z}; expected ${exact[i]} within ${bound * size[i]}`);
        });
      }),
    );

    test('NaN and Infinity of one row stay in that row', () =>
      scope(() => {
        const x = tensor(
          new Float64Array(25).fill(1).map((v, i) => (i === 12 ? Number.NaN : i === 24 ? Infinity : v)),
          { shape: [5, 5], dtype, backend },
        );
        const y = tensor(new Float64Array(25).fill(1), { shape: [5, 5], dtype, backend });
        const rows = [5, 5, Number.NaN, 5, Infinity];
        expect([...matmul(x, y).dataSync()]).toEqual(rows.flatMap((v) => new Array(5).fill(v)));
      }));
  });

  if (dtypes.includes('float64')) {
    test.prop([products(3)], { numRuns: 30 })(`${name} matmul has its gradient, to second order`, (c) =>
      scope(() => {
        const xs = [make(c.x, 'float64', backend), make(c.y, 'float64', backend)];
        const f = ([x, y]: readonly Tensor[]): Tensor => matmul(x, y, { transposeX: c.tx, transposeY: c.ty });
        checkGradient(f, xs);
        const slope = grad((ys: readonly Tensor[]) => sum(square(f(ys))));
        checkGradient(
          (ys: readonly Tensor[]) =>
            slope(ys)
              .map((d) => sum(square(d)))
              .reduce(add),
          xs,
          { tolerance: 1e-5 },
        );
      }),
    );
  }
}

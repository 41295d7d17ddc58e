import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { grad } from '../../src/autograd/index.js';
import { createJsBackend, tensor, zeros } from '../../src/backend/index.js';
import { exp, logSoftmax, mul, permute, softmax, sum } from '../../src/ops/index.js';
import { scope, type Tensor } from '../../src/tensor/index.js';
import { shapes } from '../arbitraries/shape.js';
import { make, numbers, tensorOf } from '../arbitraries/tensor.js';
import { gap } from '../properties/derivatives.js';

const backend = createJsBackend();
const row = (data: number[], dtype: 'float32' | 'float64' = 'float64'): Tensor => tensor(data, { dtype, backend });

describe('softmax', () => {
  test.each(['float32', 'float64'] as const)('is stable at +-1e4 in %s', (dtype) => {
    const tiny = dtype === 'float32' ? 1e-7 : 1e-15;
    expect([...softmax(row([1e4, -1e4, 0], dtype)).dataSync()]).toEqual([1, 0, 0]);
    expect([...logSoftmax(row([1e4, -1e4, 0], dtype)).dataSync()]).toEqual([0, -2e4, -1e4]);
    expect(gap(softmax(row([-1e4, -1e4], dtype)).dataSync(), [0.5, 0.5])).toBeLessThan(tiny);
    expect(gap(logSoftmax(row([1e4, 1e4], dtype)).dataSync(), [-Math.LN2, -Math.LN2])).toBeLessThan(tiny * 1e4);
  });

  test('a masked entry has probability 0 and log-probability -Infinity; a row of nothing else is NaN', () => {
    expect([...softmax(row([0, -Infinity, 0])).dataSync()]).toEqual([0.5, 0, 0.5]);
    expect(logSoftmax(row([0, -Infinity])).dataSync()[1]).toBe(-Infinity);
    expect([...softmax(row([-Infinity, -Infinity])).dataSync()]).toEqual([Number.NaN, Number.NaN]);
    expect([...softmax(row([0, Number.NaN, 1])).dataSync()]).toEqual([Number.NaN, Number.NaN, Number.NaN]);
  });

  test('a masked entry gets gradient 0, not NaN', () => {
    const d = grad((x: Tensor) => sum(mul(softmax(x), row([1, 0, 0]))))(row([1, -Infinity, 2]));
    const p = softmax(row([1, 2])).dataSync();
    expect(gap(d.dataSync(), [p[0] * p[1], 0, -p[0] * p[1]])).toBeLessThan(1e-15);
  });

  test.prop([
    shapes({ minRank: 1, minSize: 1 }).chain((shape) =>
      fc.tuple(tensorOf(shape), fc.nat({ max: shape.length - 1 }), numbers({ min: -50, max: 50 })),
    ),
  ])('sums to 1 along any axis, does not see a shift, and exp(logSoftmax) is softmax', ([spec, axis, shift]) =>
    scope(() => {
      const x = make(spec, 'float64', backend);
      const p = softmax(x, { axis });
      const ones = sum(p, axis).dataSync();
      expect(
        gap(
          ones,
          ones.map(() => 1),
        ),
      ).toBeLessThan(1e-14);
      const shifted = tensor(
        x.dataSync().map((v) => v + shift),
        { shape: x.shape, backend },
      );
      expect(gap(softmax(shifted, { axis }).dataSync(), p.dataSync())).toBeLessThan(1e-14);
      expect(gap(exp(logSoftmax(x, { axis: axis - x.rank })).dataSync(), p.dataSync())).toBeLessThan(1e-14);
      // Another axis is the last axis of another order.
      const order = [...x.shape.keys()].filter((a) => a !== axis);
      expect(gap(permute(p, [...order, axis]).dataSync(), softmax(permute(x, [...order, axis])).dataSync())).toBe(0);
    }),
  );

  test('refuses scalars, int32 and axes that are not there', () => {
    expect(() => softmax(zeros([]))).toThrow(/at least one axis/);
    expect(() => logSoftmax(zeros([2], { dtype: 'int32' }))).toThrow(/int32/);
    expect(() => softmax(zeros([2, 2]), { axis: 2 })).toThrow(/axis is 2/);
  });
});

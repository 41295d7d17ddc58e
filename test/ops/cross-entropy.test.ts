import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { grad } from '../../src/autograd/index.js';
import { createJsBackend, tensor, zeros } from '../../src/backend/index.js';
import { crossEntropy, gatherLogProb, mean, narrow, neg, sum } from '../../src/ops/index.js';
import { scope, type Tensor } from '../../src/tensor/index.js';
import { make, tensorOf } from '../arbitraries/tensor.js';
import { gap } from '../properties/derivatives.js';

const backend = createJsBackend();
const ints = (data: number[]): Tensor => tensor(data, { dtype: 'int32', backend });
const logits = (data: number[][]): Tensor => tensor(data, { dtype: 'float64', backend });

describe('gatherLogProb', () => {
  test('of two logits is the log of the sigmoid of their difference', () => {
    const got = gatherLogProb(
      logits([
        [1, 3],
        [1, 3],
      ]),
      ints([0, 1]),
    ).dataSync();
    expect(gap(got, [-Math.log1p(Math.exp(2)), -Math.log1p(Math.exp(-2))])).toBeLessThan(1e-15);
  });
  test('is stable at +-1e4 and gives -Infinity for a masked target', () => {
    expect([
      ...gatherLogProb(
        logits([
          [1e4, -1e4],
          [1e4, -1e4],
          [0, -Infinity],
        ]),
        ints([0, 1, 1]),
      ).dataSync(),
    ]).toEqual([0, -2e4, -Infinity]);
  });
  test('padding is 0 with gradient 0, whatever its logits', () => {
    const x = logits([
      [1, 2],
      [Number.NaN, Number.NaN],
      [1, 2],
    ]);
    const targets = ints([-1, -1, 1]);
    expect([...gatherLogProb(x, targets).dataSync()].slice(0, 2)).toEqual([0, 0]);
    expect([...grad((y: Tensor) => sum(gatherLogProb(y, targets)))(x).dataSync()].slice(0, 4)).toEqual([0, 0, 0, 0]);
  });
  test('refuses targets out of range, by name, and wrong shapes and dtypes', () => {
    expect(() => gatherLogProb(logits([[1, 2]]), ints([2]))).toThrow(
      /targets\[0\] is 2; expected an integer from 0 to 1/,
    );
    expect(() => gatherLogProb(logits([[1, 2]]), ints([-2]))).toThrow(/targets\[0\] is -2/);
    expect(() => gatherLogProb(logits([[1, 2]]), ints([0, 1]))).toThrow(/\[1, 2\] and targets of shape \[2\]/);
    expect(() => gatherLogProb(zeros([1, 2]), zeros([1]))).toThrow(/int32/);
    expect(() => gatherLogProb(zeros([1, 2], { dtype: 'int32' }), ints([0]))).toThrow(/logits/);
  });
});

describe('crossEntropy', () => {
  test('of equal logits is log V', () => {
    expect(crossEntropy(logits([[2, 2, 2, 2]]), ints([3])).item()).toBeCloseTo(Math.log(4), 15);
  });
  test.prop([
    fc.tuple(fc.integer({ min: 1, max: 5 }), fc.nat({ max: 4 }), fc.integer({ min: 1, max: 6 })).chain(([n, pads, v]) =>
      fc.record({
        x: tensorOf([n + pads, v]),
        targets: tensorOf([n], { min: 0, max: v - 1, step: 1 }),
        n: fc.constant(n),
        pads: fc.constant(pads),
      }),
    ),
  ])('does not see padding: neither in value nor in gradient', ({ x, targets, n, pads }) =>
    scope(() => {
      const all = make(x, 'float64', backend);
      const real = narrow(all, 0, 0, n);
      const padded = ints([...targets.data, ...new Array(pads).fill(-1)]);
      const plain = ints([...targets.data]);
      expect(crossEntropy(all, padded).item()).toBeCloseTo(neg(mean(gatherLogProb(real, plain))).item(), 13);
      const d = grad((y: Tensor) => crossEntropy(y, padded))(all).dataSync();
      const expected = grad((y: Tensor) => crossEntropy(y, plain))(real).dataSync();
      expect(gap(d.slice(0, expected.length), expected)).toBeLessThan(1e-14);
      expect(d.slice(expected.length).every((g) => g === 0)).toBe(true);
    }),
  );
  test('of padding alone is 0 with gradient 0', () => {
    const x = logits([[1, 2]]);
    expect(crossEntropy(x, ints([-1])).item()).toBeCloseTo(0, 15);
    expect([...grad((y: Tensor) => crossEntropy(y, ints([-1])))(x).dataSync()].every((g) => g === 0)).toBe(true);
  });
});

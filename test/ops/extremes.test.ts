import { describe, expect, test } from 'vitest';
import { grad } from '../../src/autograd/index.js';
import { tensor } from '../../src/backend/index.js';
import { gelu, geluComposed, logSumExp, square, sum } from '../../src/ops/index.js';
import type { FloatDType, Tensor } from '../../src/tensor/index.js';

/** Numbers of f at x, with -0 told as 0. */
const at = (f: (x: Tensor) => Tensor, x: readonly number[], dtype: FloatDType = 'float64'): number[] =>
  [...f(tensor(x, { dtype })).dataSync()].map((v) => v + 0);
const slope = (f: (x: Tensor) => Tensor): ((x: Tensor) => Tensor) => grad((x: Tensor) => sum(f(x)));

describe.each([
  ['gelu', gelu],
  ['geluComposed', geluComposed],
] as const)('%s far from 0', (_name, f) => {
  test.each(['float32', 'float64'] as const)('is 0 or x in %s, its derivatives those of 0 and x', (dtype) => {
    const finite = dtype === 'float32' ? [63, 64, 65, 1e3, 1e13, 1e30] : [63, 64, 65, 1e3, 1e60, 1e160, 1.7e308];
    const large = [...finite.map(dtype === 'float32' ? Math.fround : Number), Infinity];
    const small = large.map((v) => -v);
    const [zeros, ones] = [large.map(() => 0), large.map(() => 1)];
    expect(at(f, large, dtype)).toEqual(large);
    expect(at(f, small, dtype)).toEqual(zeros);
    expect(at(slope(f), large, dtype)).toEqual(ones);
    expect(at(slope(f), small, dtype)).toEqual(zeros);
    for (const second of [slope(slope(f)), slope(slope(slope(f)))]) {
      expect(at(second, [...large, ...small], dtype)).toEqual([...zeros, ...zeros]);
    }
  });

  test('NaN stays NaN', () => {
    for (const g of [f, slope(f), slope(slope(f))]) expect(at(g, [Number.NaN])).toEqual([Number.NaN]);
  });
});

describe('logSumExp of what is not finite', () => {
  const gradient = (x: readonly number[]): number[] => at(slope(logSumExp), x);

  test('beside Infinity a finite entry has no weight; Infinity itself has no gradient', () => {
    expect(at(logSumExp, [Infinity, 1, -Infinity])).toEqual([Infinity]);
    expect(gradient([Infinity, 1, -Infinity])).toEqual([Number.NaN, 0, 0]);
  });

  test('-Infinity alone has gradient 0, beside others as well', () => {
    expect(gradient([-Infinity, -Infinity])).toEqual([0, 0]);
    expect(gradient([-Infinity, 2])).toEqual([0, 1]);
    expect(
      at(
        slope((x) => square(slope(logSumExp)(x))),
        [-Infinity, -Infinity],
      ),
    ).toEqual([0, 0]);
  });

  test('NaN is never passed on as a number', () => {
    expect(at(logSumExp, [Number.NaN, 1])).toEqual([Number.NaN]);
    expect(gradient([Number.NaN, 1])).toEqual([Number.NaN, Number.NaN]);
  });
});

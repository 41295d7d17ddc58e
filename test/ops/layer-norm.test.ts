import { describe, expect, test } from 'vitest';
import { grad } from '../../src/autograd/index.js';
import { createJsBackend, ones, tensor, zeros } from '../../src/backend/index.js';
import { layerNorm, mul, sum } from '../../src/ops/index.js';
import type { Tensor } from '../../src/tensor/index.js';
import { gap } from '../properties/derivatives.js';

const backend = createJsBackend();
const like = { dtype: 'float64', backend } as const;

describe('layerNorm', () => {
  test('of 1 2 3 4 5 by hand', () => {
    const s = Math.SQRT1_2;
    const y = layerNorm(tensor([1, 2, 3, 4, 5], like), tensor([1, 1, 2, 1, 1], like), tensor([0, 0, 7, 0, 1], like), 0);
    expect(gap(y.dataSync(), [-2 * s, -s, 7, s, 2 * s + 1])).toBeLessThan(1e-15);
  });
  test('keeps its digits where the mean dwarfs the spread', () => {
    const x = tensor([1e8 + 1, 1e8 + 2, 1e8 + 3], like);
    const y = layerNorm(x, ones([3], like), zeros([3], like), 0);
    expect(gap(y.dataSync(), [-Math.sqrt(1.5), 0, Math.sqrt(1.5)])).toBeLessThan(1e-14);
  });
  test('a row of equal numbers is the bias, and one number alone too, with gradient 0', () => {
    expect([...layerNorm(tensor([[3, 3]], like), ones([2], like), tensor([5, 6], like)).dataSync()]).toEqual([5, 6]);
    const one = ones([1], like);
    expect([...grad((x: Tensor) => sum(mul(layerNorm(x, one, one), 3)))(tensor([[4], [5]], like)).dataSync()]).toEqual([
      0, 0,
    ]);
  });
  test('refuses shapes that do not fit, int32 and a negative epsilon', () => {
    expect(() => layerNorm(zeros([2, 3]), zeros([2]), zeros([3]))).toThrow(/\[2, 3\], \[2\] and \[3\]/);
    expect(() => layerNorm(zeros([]), zeros([1]), zeros([1]))).toThrow(/expected \[.., N\]/);
    expect(() => layerNorm(zeros([2]), zeros([2]), zeros([2]), -1)).toThrow(/epsilon is -1/);
    const ints = zeros([2], { dtype: 'int32' });
    expect(() => layerNorm(ints, ints, ints)).toThrow(/int32/);
  });
});

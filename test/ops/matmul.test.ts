import { describe, expect, test } from 'vitest';
import { createJsBackend, tensor, zeros } from '../../src/backend/index.js';
import { matmul } from '../../src/ops/index.js';
import { matmulSuite } from '../properties/matmul-suite.js';

matmulSuite('js', createJsBackend());

describe('matmul refuses', () => {
  test('a vector, with a hint', () => {
    expect(() => matmul(zeros([3]), zeros([3, 2]))).toThrow(/at least two axes.*unsqueeze/);
  });
  test('inner sizes that differ, naming both', () => {
    expect(() => matmul(zeros([2, 3]), zeros([2, 3]))).toThrow(/\[2, 3\] and \[2, 3\]: inner sizes 3 and 2/);
    expect(() => matmul(zeros([2, 2, 3]), zeros([2, 3]))).toThrow(/inner sizes 3 and 2/);
  });
  test('batches that do not broadcast', () => {
    expect(() => matmul(zeros([2, 4, 3]), zeros([3, 3, 4]))).toThrow(/do not broadcast/);
  });
  test('int32 and mixed dtypes', () => {
    expect(() => matmul(zeros([2, 2], { dtype: 'int32' }), zeros([2, 2], { dtype: 'int32' }))).toThrow(/int32/);
    expect(() =>
      matmul(
        zeros([2, 2]),
        tensor(
          [
            [1, 0],
            [0, 1],
          ],
          { dtype: 'float64' },
        ),
      ),
    ).toThrow(/float32 and float64/);
  });
});

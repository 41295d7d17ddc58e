import { describe, expect, test } from 'vitest';
import { checkGradient, compareGradient, defineOp, run } from '../../src/autograd/index.js';
import { tensor } from '../../src/backend/index.js';
import { mul, sqrt, sum } from '../../src/ops/index.js';
import type { Tensor } from '../../src/tensor/index.js';

// exp, with a derivative that is wrong by a factor: the checker must see it
const wrongExp = defineOp({
  name: 'wrongExp',
  shape: ([shape]) => shape,
  forward: (backend, [x]) => backend.map('exp', x),
  vjp: (_inputs, dz, { out }) => [mul(mul(dz, out), 1.001)],
});

describe('checkGradient', () => {
  const x = { a: tensor([1, 2], { dtype: 'float64' }), b: tensor([0.5, 0, 3], { dtype: 'float64' }) };

  test('names the worst element of a wrong derivative', () => {
    const f = (p: typeof x): Tensor => mul(sum(p.a), sum(run(wrongExp, [p.b])));
    expect(() => checkGradient(f, x)).toThrow(/^gradient of b\[\d\] is .*; expected .* by central differences/);
    const { maxError, worst } = compareGradient(f, x);
    expect(worst).toMatchObject({ path: 'b' });
    expect(maxError).toBeCloseTo(0.001, 5);
  });
  test('weighs the elements of a value that is not a scalar', () => {
    expect(() => checkGradient((t: Tensor) => run(wrongExp, [t]), x.a)).toThrow('gradient of x[');
    expect(checkGradient((t: Tensor) => mul(t, t), x.a).maxError).toBeLessThan(1e-8);
  });
  test('does not pass a derivative that is NaN or infinite, nor float32', () => {
    expect(() => checkGradient((t: Tensor) => sqrt(t), tensor([0], { dtype: 'float64' }))).toThrow('error Infinity');
    expect(() => checkGradient((t: Tensor) => t, tensor([1]))).toThrow('x is "float32"; expected a float64 tensor');
  });
});

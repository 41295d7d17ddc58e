import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { grad, stopGradient, valueAndGrad, vjp } from '../../src/autograd/index.js';
import { scalarLike, tensor } from '../../src/backend/index.js';
import { add, exp, mul, pow, square, sub, sum } from '../../src/ops/index.js';
import { scope, type Tensor } from '../../src/tensor/index.js';

const f64 = (value: number): Tensor => tensor(value, { dtype: 'float64' });
type Scalar = (x: Tensor) => Tensor;

/** By Horner's rule, so that products nest. */
const polynomial =
  (coefficients: readonly number[]): Scalar =>
  (x) =>
    coefficients.reduceRight<Tensor>((total, c) => add(mul(total, x), c), scalarLike(x, 0));
const derivative = (coefficients: readonly number[]): number[] => coefficients.slice(1).map((c, k) => c * (k + 1));
const evaluate = (coefficients: readonly number[], x: number): number =>
  coefficients.reduceRight((total, c) => total * x + c, 0);

describe('derivatives of derivatives', () => {
  test("(x^3)'' at 3 is 18", () => {
    expect(grad(grad((x: Tensor) => mul(mul(x, x), x)))(f64(3)).item()).toBe(18);
    expect(grad(grad((x: Tensor) => pow(x, 3)))(f64(3)).item()).toBe(18);
    expect(grad(grad(grad((x: Tensor) => pow(x, 3))))(f64(3)).item()).toBe(6);
  });

  test.prop([
    fc.array(fc.integer({ min: -5, max: 5 }), { minLength: 1, maxLength: 6 }),
    fc.integer({ min: -3, max: 3 }),
  ])('of a polynomial, to depth 3, are its closed forms', (coefficients, at) => {
    let f: Scalar = polynomial(coefficients);
    let expected = coefficients;
    for (let depth = 1; depth <= 3; depth++) {
      f = grad(f);
      expected = derivative(expected);
      expect(f(f64(at)).item() + 0).toBe(evaluate(expected, at) + 0);
    }
  });
});

describe('perturbations do not mix', () => {
  const x = (): Tensor => f64(1);

  test('d/dx [x d/dy (x + y) at y = x] is 1', () => {
    expect(grad((u: Tensor) => mul(u, grad((y: Tensor) => add(u, y))(u)))(x()).item()).toBe(1);
  });
  test('d/dx [x d/dy (x y) at y = x] is 2x', () => {
    expect(grad((u: Tensor) => mul(u, grad((y: Tensor) => mul(u, y))(u)))(f64(3)).item()).toBe(6);
  });
  test('an inner function that ignores its variable has gradient 0, whatever it does with the outer one', () => {
    expect(grad((u: Tensor) => grad((_: Tensor) => square(u))(u))(f64(3)).item()).toBe(0);
  });
  test.prop([fc.integer({ min: -4, max: 4 }), fc.integer({ min: -4, max: 4 })])(
    'd/dx [d/dy (x^2 y^3) at y = b] at a is 6 a b^2, for b a constant and for b = x',
    (a, b) => {
      const inner = (u: Tensor) => grad((y: Tensor) => mul(square(u), pow(y, 3)));
      expect(grad((u: Tensor) => inner(u)(f64(b)))(f64(a)).item() + 0).toBe(6 * a * b * b + 0);
      // d/dx of 3 x^2 x^2
      expect(grad((u: Tensor) => inner(u)(u))(f64(a)).item() + 0).toBe(12 * a ** 3 + 0);
    },
  );
  test('stopGradient is a constant at every level', () => {
    expect(grad(grad((u: Tensor) => mul(square(u), stopGradient(u))))(f64(3)).item()).toBe(6);
  });
  test('a gradient taken while another tape is open in a reused closure is the same', () => {
    const g = grad((u: Tensor) => exp(mul(u, 2)));
    const alone = g(f64(0.5)).item();
    grad((u: Tensor) => {
      expect(g(f64(0.5)).item()).toBe(alone);
      return u;
    })(x());
  });
});

describe('trees and pullbacks', () => {
  test('the gradient has the structure of the argument; unused parts are zero; a leaf used twice counts twice', () => {
    scope(() => {
      const w = tensor([1, 2], { dtype: 'float64' });
      const { value, gradient } = valueAndGrad((p: { a: Tensor; list: Tensor[] }) => sum(mul(p.a, p.list[0])))({
        a: w,
        list: [w, w],
      });
      expect(value.item()).toBe(5);
      expect([gradient.a, ...gradient.list].map((d) => [...d.dataSync()])).toEqual([
        [1, 2],
        [1, 2],
        [0, 0],
      ]);
    });
  });
  test('a pullback may be called again, and is linear', () => {
    scope(() => {
      const { value, pullback } = vjp((u: Tensor) => square(u), tensor([1, 2, 3], { dtype: 'float64' }));
      expect([...value.dataSync()]).toEqual([1, 4, 9]);
      for (const s of [1, -2, 0]) {
        expect([...pullback(tensor([s, 0, s], { dtype: 'float64' })).dataSync()].map((v) => v + 0)).toEqual([
          2 * s + 0,
          0,
          6 * s + 0,
        ]);
      }
    });
  });
  test('a function that returns no scalar, and a variable of integers, are refused', () => {
    const v = tensor([1, 2]);
    expect(() => grad((u: Tensor) => u)(v)).toThrow(
      'returned a float32 tensor of shape [2]; expected one float tensor of one element',
    );
    expect(() => grad((u: Tensor) => sum(sub(u, 1)))(tensor(Int32Array.of(1)))).toThrow(
      'x is "int32"; expected float32 or float64',
    );
  });
});

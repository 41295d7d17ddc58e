import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { grad, valueAndGrad, vjp } from '../../src/autograd/index.js';
import { tensor } from '../../src/backend/index.js';
import {
  add,
  clip,
  concat,
  div,
  exp,
  gather,
  gelu,
  logSumExp,
  max,
  mean,
  mul,
  permute,
  reshape,
  square,
  sub,
  sum,
  sumTo,
} from '../../src/ops/index.js';
import { dispose, scope, type Tensor } from '../../src/tensor/index.js';
import { countingBackend } from './counting-backend.js';

const steps: readonly ((x: Tensor) => Tensor)[] = [
  (x) => mul(x, x),
  (x) => add(x, sum(x, 0, { keepDims: true })),
  (x) => permute(x),
  (x) => reshape(reshape(x, [-1]), x.shape),
  (x) => clip(gelu(x), -1, 2),
  (x) => div(x, add(square(x), 1)),
  (x) => sub(x, logSumExp(x, 1, { keepDims: true })),
  (x) => sub(x, max(x)),
  (x) => sumTo(concat([x, exp(mul(x, 0.1))], 0), [1, x.shape[1]]),
  (x) => gather(x, tensor(Int32Array.of(0, 0, x.shape[0] - 1), { backend: x.device as never })),
];

describe('who frees what', () => {
  const programs = fc.array(fc.nat({ max: steps.length - 1 }), { maxLength: 8 });

  test.prop([programs])(
    'valueAndGrad inside a scope leaves exactly what is returned; outside, nothing is freed twice',
    (program) => {
      const { backend, alive } = countingBackend();
      const x = tensor(
        [
          [0.5, -1, 2],
          [0.25, 1, -0.5],
        ],
        { dtype: 'float64', backend },
      );
      const f = (u: Tensor): Tensor => mean(program.reduce((t, k) => steps[k](t), u));
      const { value, gradient } = scope(() => valueAndGrad(f)(x));
      expect(alive()).toBe(3);
      const bare = valueAndGrad(f)(x);
      expect(alive()).toBe(5);
      expect([...bare.gradient.dataSync()]).toEqual([...gradient.dataSync()]);
      dispose([value, gradient, bare.value, bare.gradient]);
      expect(alive()).toBe(1);
      x.release();
      expect(alive()).toBe(0);
    },
  );

  test.prop([programs])('a gradient of a gradient and a pullback let go of everything as well', (program) => {
    const { backend, alive } = countingBackend();
    const x = tensor(
      [
        [0.5, -1, 2],
        [0.25, 1, -0.5],
      ],
      { dtype: 'float64', backend },
    );
    const f = (u: Tensor): Tensor => mean(program.reduce((t, k) => steps[k](t), u));
    const second = grad((u: Tensor) => sum(square(grad(f)(u))))(x);
    expect(alive()).toBe(2);
    const d = scope(() => {
      const { value, pullback } = vjp(f, x);
      dispose(pullback(mul(value, 0)));
      return pullback(value);
    });
    expect(alive()).toBe(3);
    dispose([second, d]);
    expect(alive()).toBe(1);
  });

  test('a function that throws leaves nothing behind', () => {
    const { backend, alive } = countingBackend();
    const x = tensor([1, 2], { backend });
    const broken = (u: Tensor): Tensor => {
      add(exp(u), tensor([1, 2, 3], { backend }));
      return sum(u);
    };
    expect(() => grad(broken)(x)).toThrow('shapes [2] and [3] do not broadcast');
    expect(() => scope(() => broken(x))).toThrow('do not broadcast');
    expect(alive()).toBe(1);
  });

  test('a view keeps the buffer alive after its source is gone', () => {
    const { backend, alive } = countingBackend();
    const view = scope(() => reshape(tensor([1, 2, 3, 4], { backend }), [2, 2]));
    expect([alive(), ...view.dataSync()]).toEqual([1, 1, 2, 3, 4]);
    view.release();
    expect(alive()).toBe(0);
  });
});

describe('errors that name their cause', () => {
  test('a freed tensor', () => {
    let escaped: Tensor | undefined;
    scope(() => {
      escaped = tensor([[1, 2, 3]]);
    });
    expect(() => add(escaped as Tensor, 1)).toThrow(
      /^a tensor of shape \[1, 3\] was used after it was freed; expected a live tensor\. Return it from the scope \(or gradient\) in which it was made\.$/,
    );
  });
  test('mixed dtypes, mixed backends, numbers alone', () => {
    const x = tensor([1], { dtype: 'float32' });
    expect(() => add(x, tensor([1], { dtype: 'float64' }))).toThrow(
      'add got dtypes float32 and float64; expected one dtype. Convert one side with cast().',
    );
    const other = { ...countingBackend().backend, name: 'other' };
    expect(() => mul(x, tensor([1], { backend: other }))).toThrow(
      'mul got tensors of the backends js and other; expected one backend.',
    );
    expect(() => add(1, 2)).toThrow('add got no tensor; expected at least one.');
    expect(() => add(tensor(Int32Array.of(1)), 0.5)).toThrow(
      'the number given to add is 0.5; expected a 32-bit integer beside an int32 tensor.',
    );
    expect(() => exp(tensor(Int32Array.of(1)))).toThrow(
      'exp got a tensor of dtype int32; expected float32 or float64.',
    );
    expect(() => mean(tensor(new Float32Array(0)))).toThrow(
      'mean got a tensor of shape [0]; expected at least one element to average.',
    );
  });
});

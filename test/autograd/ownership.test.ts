import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { defineOp, grad, run, valueAndGrad, vjp } from '../../src/autograd/index.js';
import { full, tensor } from '../../src/backend/index.js';
import {
  add,
  cast,
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

  test('a function that returns no scalar leaves nothing behind', () => {
    const { backend, alive } = countingBackend();
    const x = tensor([1, 2], { dtype: 'float64', backend });
    const refused: ((u: Tensor) => unknown)[] = [
      (u) => exp(mul(u, 2)),
      (u) => ({ loss: sum(exp(u)), parts: [mul(u, 3)] }),
      (u) => cast(sum(exp(u)), 'int32'),
      async (u) => sum(exp(u)),
    ];
    for (const f of refused) {
      expect(() => valueAndGrad(f as (u: Tensor) => Tensor)(x)).toThrow('expected one float tensor of one element');
      expect(alive()).toBe(1);
    }
  });

  describe('a derivative that throws leaves nothing behind', () => {
    const brokenOp = defineOp({
      name: 'broken',
      shape: ([shape]) => shape,
      forward: (b, [x]) => b.map('exp', x),
      vjp: () => {
        throw new Error('no derivative today');
      },
    });
    // Two cotangents of one tensor that cannot be summed: the second is of another dtype.
    const mixedOp = defineOp({
      name: 'mixed',
      shape: ([shape]) => shape,
      forward: (b, [x, y], _attrs, shape) => b.zip('add', x, y, shape),
      vjp: (_inputs, dz) => [mul(dz, 2), cast(dz, 'float32'), mul(dz, 4)],
    });
    const cases: Record<string, [(u: Tensor) => Tensor, string]> = {
      'in its own code': [(u) => sum(add(mul(run(brokenOp, [exp(u)]), 2), square(u))), 'no derivative today'],
      'where cotangents are added': [
        (u) => {
          const e = exp(u);
          return sum(add(square(u), run(mixedOp, [e, e, e])));
        },
        'add got dtypes float64 and float32',
      ],
    };
    test.each(Object.entries(cases))('%s', (_name, [f, sentence]) => {
      const { backend, alive } = countingBackend();
      const x = tensor([1, 2], { dtype: 'float64', backend });
      expect(() => valueAndGrad(f)(x)).toThrow(sentence);
      expect(alive()).toBe(1);
      expect(() => grad((u: Tensor) => sum(square(grad(f)(u))))(x)).toThrow(sentence);
      expect(alive()).toBe(1);
      scope(() => {
        const { value, pullback } = vjp(f, x);
        const seed = mul(value, 0);
        const before = alive();
        expect(() => pullback(seed)).toThrow(sentence);
        expect(alive()).toBe(before);
      });
      expect(alive()).toBe(1);
    });
  });

  test('what a scope returns without having made it keeps its owners', () => {
    const { backend, alive } = countingBackend();
    const x = tensor([1, 2], { backend });
    expect(scope(() => [x, { again: x }])[0]).toBe(x);
    x.release();
    expect([x.isFreed, alive()]).toEqual([true, 0]);
  });

  test('outside of scopes one cotangent of two leaves has one owner for the caller', () => {
    const { backend, alive } = countingBackend();
    const [a, b] = [tensor([1, 2], { backend }), tensor([3, 4], { backend })];
    const { value, pullback } = vjp((p: { a: Tensor; b: Tensor }) => add(p.a, p.b), { a, b });
    const seed = tensor([5, 6], { backend });
    const gradient = pullback(add(seed, seed));
    expect(gradient.a).toBe(gradient.b);
    // a, b, value, seed and its double, which is the gradient and still its maker's
    expect(alive()).toBe(5);
    const own = pullback(seed);
    expect([own.a, own.b]).toEqual([seed, seed]);
    dispose(own);
    expect(seed.isFreed).toBe(false);
    dispose([seed, value]);
    expect(seed.isFreed).toBe(true);
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
  test('a pullback after its scope', () => {
    const x = tensor([1, 2], { dtype: 'float64' });
    const { pullback } = scope(() => vjp((u: Tensor) => sum(square(u)), x));
    const late = (): unknown => pullback(tensor(1, { dtype: 'float64' }));
    expect(late).toThrow(/^a pullback was used after its scope ended; expected a call inside of the scope/);
    expect(late).toThrow(expect.objectContaining({ code: 'freed_tensor' }));
  });
  test('a cotangent unlike the value', () => {
    const x = tensor([[1, 2, 3]], { dtype: 'float64' });
    const { pullback } = vjp((u: Tensor) => square(u), x);
    const ones = (shape: number[], dtype: 'float32' | 'float64' = 'float64'): Tensor => full(shape, 1, { dtype });
    for (const shape of [[3, 1], [3], [1, 1], []]) {
      expect(() => pullback(ones(shape))).toThrow(
        `cotangent has shape [${shape.join(', ')}]; expected the shape of the value, [1, 3].`,
      );
    }
    expect(() => pullback(ones([1, 3], 'float32'))).toThrow(
      'cotangent has dtype float32; expected the dtype of the value, float64. Convert it with cast().',
    );
    expect(() => pullback(1 as never)).toThrow('cotangent is 1; expected a tensor');
    expect(() => vjp((() => 3) as never, x)).toThrow('the value of the function to differentiate is 3');
    expect([...pullback(ones([1, 3])).dataSync()]).toEqual([2, 4, 6]);
  });
  test('mixed dtypes, mixed backends, numbers alone', () => {
    const x = tensor([1], { dtype: 'float32' });
    expect(() => add(x, tensor([1], { dtype: 'float64' }))).toThrow(
      'add got dtypes float32 and float64; expected one dtype. Convert one side with cast().',
    );
    const other = { ...countingBackend().backend, name: 'other' };
    expect(() => mul(x, tensor([1], { backend: other }))).toThrow(
      'mul got tensors of the backends wasm and other; expected one backend.',
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

import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { checkGradient, grad } from '../../src/autograd/index.js';
import { type Backend, tensor } from '../../src/backend/index.js';
import * as ops from '../../src/ops/index.js';
import { type FloatDType, type Shape, scope, type Tensor } from '../../src/tensor/index.js';
import { axisOrder, axisSubset, broadcastable, shapes } from '../arbitraries/shape.js';
import { distinct, make, type NumberConstraints, type TensorSpec, tensorOf } from '../arbitraries/tensor.js';
import { at, build, reduced } from './reference.js';

export interface SuiteOptions {
  /** The float dtypes that the backend has; gradients are checked in float64 where it is among them. */
  readonly dtypes?: readonly FloatDType[];
}

type Unary = (x: Tensor) => Tensor;
type Binary = (x: Tensor, y: Tensor) => Tensor;

/** Every plain op on one backend: values against plain references, gradients against differences, and the laws. */
export function backendSuite(
  name: string,
  backend: Backend,
  { dtypes = ['float32', 'float64'] }: SuiteOptions = {},
): void {
  const relative = { float32: 4e-6, float64: 1e-13 };

  function expectNumbers(
    x: Tensor,
    shape: Shape,
    expected: ArrayLike<number>,
    tolerance = relative[x.dtype as FloatDType] ?? 0,
  ): void {
    expect(x.shape).toEqual([...shape]);
    const got = x.dataSync();
    for (let i = 0; i < expected.length; i++) {
      const [g, e] = [got[i], expected[i]];
      if (Object.is(g, e) || g === e) continue;
      if (!(Math.abs(g - e) <= tolerance * Math.max(1, Math.abs(e))))
        expect.fail(`element ${i} is ${g}; expected ${e}`);
    }
  }
  const expectSame = (x: Tensor, y: Tensor, tolerance?: number): void =>
    expectNumbers(x, y.shape, y.dataSync(), tolerance);
  const ints = (data: readonly number[], shape: Shape): Tensor => tensor(Int32Array.from(data), { shape, backend });
  const one = (constraints?: NumberConstraints, s = shapes()): fc.Arbitrary<TensorSpec> =>
    s.chain((shape) => tensorOf(shape, constraints));

  const unary: Record<string, [Unary, (v: number) => number, NumberConstraints?]> = {
    neg: [ops.neg, (v) => -v],
    exp: [ops.exp, Math.exp],
    log: [ops.log, Math.log, { min: 0.25 }],
    log1p: [ops.log1p, Math.log1p, { min: -0.75 }],
    expm1: [ops.expm1, Math.expm1],
    sqrt: [ops.sqrt, Math.sqrt, { min: 0.25 }],
    rsqrt: [ops.rsqrt, (v) => v ** -0.5, { min: 0.25 }],
    tanh: [ops.tanh, Math.tanh],
    sigmoid: [ops.sigmoid, (v) => 1 / (1 + Math.exp(-v))],
    softplus: [ops.softplus, (v) => Math.log(1 + Math.exp(v))],
    gelu: [ops.gelu, (v) => 0.5 * v * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (v + 0.044715 * v ** 3)))],
    square: [ops.square, (v) => v * v],
    reciprocal: [ops.reciprocal, (v) => 1 / v, { min: 0.25 }],
    // Odd multiples of 1/16 below stay clear of the kinks.
    relu: [ops.relu, (v) => Math.max(v, 0), { min: 0.25 }],
    'relu below 0': [ops.relu, () => 0, { max: -0.25 }],
    abs: [ops.abs, Math.abs, { max: -0.25 }],
    clip: [(x) => ops.clip(x, -0.53, 1.03), (v) => Math.min(Math.max(v, -0.53), 1.03)],
    'pow with a number': [(x) => ops.pow(x, 2.5), (v) => v ** 2.5, { min: 0.25 }],
    'pow 3': [(x) => ops.pow(x, 3), (v) => v ** 3],
    'number - x': [(x) => ops.sub(2, x), (v) => 2 - v],
  };
  const positive = { min: 0.25 };
  const apart: NumberConstraints = { min: -2, max: 2, step: 1 / 4 };
  const binary: Record<string, [Binary, (a: number, b: number) => number, NumberConstraints?, NumberConstraints?]> = {
    add: [ops.add, (a, b) => a + b],
    sub: [ops.sub, (a, b) => a - b],
    mul: [ops.mul, (a, b) => a * b],
    div: [ops.div, (a, b) => a / b, {}, positive],
    pow: [ops.pow, (a, b) => a ** b, positive, {}],
    maximum: [(x, y) => ops.maximum(x, ops.add(y, 1 / 16)), (a, b) => Math.max(a, b + 1 / 16), apart, apart],
    minimum: [(x, y) => ops.minimum(x, ops.add(y, 1 / 16)), (a, b) => Math.min(a, b + 1 / 16), apart, apart],
  };
  const masks: Record<string, [Binary, (a: number, b: number) => boolean]> = {
    equal: [ops.equal, (a, b) => a === b],
    notEqual: [ops.notEqual, (a, b) => a !== b],
    less: [ops.less, (a, b) => a < b],
    lessEqual: [ops.lessEqual, (a, b) => a <= b],
    greater: [ops.greater, (a, b) => a > b],
    greaterEqual: [ops.greaterEqual, (a, b) => a >= b],
  };
  const reductions: Record<string, [(x: Tensor, axes: number[]) => Tensor, (v: number[]) => number]> = {
    sum: [ops.sum, (v) => v.reduce((a, b) => a + b, 0)],
    max: [ops.max, (v) => Math.max(...v)],
    min: [ops.min, (v) => Math.min(...v)],
    logSumExp: [ops.logSumExp, (v) => Math.log(v.reduce((a, b) => a + Math.exp(b), 0))],
  };
  const reducible = shapes().chain((shape) => fc.record({ x: distinct(shape), axes: axisSubset(shape.length) }));
  const pair = (a?: NumberConstraints, b?: NumberConstraints): fc.Arbitrary<[TensorSpec, TensorSpec, Shape]> =>
    broadcastable(2).chain(({ parts, full }) =>
      fc.tuple(tensorOf(parts[0], a), tensorOf(parts[1], b), fc.constant(full)),
    );

  describe.each([...dtypes])(`${name} backend, values in %s`, (dtype) => {
    const from = (spec: TensorSpec): Tensor => make(spec, dtype, backend);
    const tolerances = { numRuns: 30 };

    for (const [op, [f, reference, constraints]] of Object.entries(unary)) {
      test.prop([one(constraints)], tolerances)(`${op} is its formula at every element`, (x) =>
        scope(() => expectNumbers(f(from(x)), x.shape, x.data.map(reference), dtype === 'float32' ? 2e-6 : 1e-14)),
      );
    }
    for (const [op, [f, reference, a, b]] of Object.entries(binary)) {
      test.prop([pair(a, b)], tolerances)(`${op} broadcasts`, ([x, y, full]) =>
        scope(() =>
          expectNumbers(
            f(from(x), from(y)),
            full,
            build(full, (i) => reference(at(x, i), at(y, i))),
          ),
        ),
      );
    }
    for (const [op, [f, reference]] of Object.entries(masks)) {
      test.prop([pair(apart, apart)], tolerances)(`${op} is an int32 mask`, ([x, y, full]) =>
        scope(() => {
          const z = f(from(x), from(y));
          expect(z.dtype).toBe('int32');
          expectNumbers(
            z,
            full,
            build(full, (i) => Number(reference(at(x, i), at(y, i)))),
          );
        }),
      );
    }
    for (const [op, [f, reference]] of Object.entries(reductions)) {
      test.prop([reducible])(`${op} reduces any axes`, ({ x, axes }) =>
        scope(() =>
          expectNumbers(
            f(from(x), axes),
            x.shape.filter((_, i) => !axes.includes(i)),
            reduced(x, axes, reference),
          ),
        ),
      );
    }
    test.prop([
      broadcastable(3).chain(({ parts, full }) =>
        fc.tuple(
          tensorOf(parts[0], { min: 0, max: 1, step: 1 }),
          tensorOf(parts[1]),
          tensorOf(parts[2]),
          fc.constant(full),
        ),
      ),
    ])('where chooses by mask', ([c, x, y, full]) =>
      scope(() =>
        expectNumbers(
          ops.where(make(c, 'int32', backend), from(x), from(y)),
          full,
          build(full, (i) => (at(c, i) !== 0 ? at(x, i) : at(y, i))),
        ),
      ),
    );
    test.prop([
      shapes({ minRank: 1, minSize: 1 }).chain((shape) =>
        fc.tuple(tensorOf(shape, apart), fc.nat({ max: shape.length - 1 })),
      ),
    ])('argmax is the first largest', ([x, axis]) =>
      scope(() =>
        expectNumbers(
          ops.argmax(from(x), axis),
          x.shape.filter((_, i) => i !== axis),
          reduced(x, [axis], (v) => v.indexOf(Math.max(...v))),
        ),
      ),
    );
    test.prop([shapes().chain((shape) => fc.tuple(tensorOf(shape), axisOrder(shape.length)))])(
      'permute moves axes, and its inverse moves them back',
      ([x, axes]) =>
        scope(() => {
          const t = from(x);
          const z = ops.permute(t, axes);
          expectNumbers(
            z,
            axes.map((a) => x.shape[a]),
            build(z.shape, (i) =>
              at(
                x,
                x.shape.map((_, a) => i[axes.indexOf(a)]),
              ),
            ),
            0,
          );
          expectSame(
            ops.permute(
              z,
              axes.map((_, i) => axes.indexOf(i)),
            ),
            t,
            0,
          );
        }),
    );
    test.prop([broadcastable(2).chain(({ parts, full }) => fc.tuple(tensorOf(parts[0]), tensorOf(full)))])(
      'expand and sumTo are transposes: <expand x, u> = <x, sumTo u>',
      ([x, u]) =>
        scope(() => {
          const [xs, us] = [from(x), from(u)];
          const stretched = ops.expand(xs, u.shape);
          expectNumbers(
            stretched,
            u.shape,
            build(u.shape, (i) => at(x, i)),
            0,
          );
          expectSame(ops.sum(ops.mul(stretched, us)), ops.sum(ops.mul(xs, ops.sumTo(us, x.shape))));
        }),
    );
    const block = shapes().chain((shape) =>
      fc.tuple(
        tensorOf(shape),
        fc.tuple(
          ...shape.map((n) =>
            fc.nat({ max: n }).chain((start) => fc.tuple(fc.constant(start), fc.nat({ max: n - start }))),
          ),
        ),
      ),
    );
    test.prop([block])('slice is the block, and pad puts it back', ([x, cuts]) =>
      scope(() => {
        const starts = cuts.map(([s]) => s);
        const sizes = cuts.map(([, n]) => n);
        const z = ops.slice(from(x), starts, sizes);
        expectNumbers(
          z,
          sizes,
          build(sizes, (i) =>
            at(
              x,
              i.map((k, a) => k + starts[a]),
            ),
          ),
          0,
        );
        const back = ops.pad(
          z,
          starts,
          x.shape.map((n, a) => n - starts[a] - sizes[a]),
          0.5,
        );
        expectNumbers(
          back,
          x.shape,
          build(x.shape, (i) => (i.every((k, a) => k >= starts[a] && k < starts[a] + sizes[a]) ? at(x, i) : 0.5)),
          0,
        );
      }),
    );
    test.prop([
      shapes({ minRank: 1 }).chain((shape) =>
        fc
          .nat({ max: shape.length - 1 })
          .chain((axis) => fc.tuple(tensorOf(shape), fc.constant(axis), fc.nat({ max: shape[axis] }))),
      ),
    ])('concat undoes split', ([x, axis, cut]) =>
      scope(() => {
        const t = from(x);
        expectSame(ops.concat(ops.split(t, [cut, x.shape[axis] - cut], axis), axis), t, 0);
      }),
    );
    test.prop([one()])('reshape keeps the order of the numbers', (x) =>
      scope(() => {
        expectNumbers(ops.reshape(from(x), [x.data.length]), [x.data.length], x.data, 0);
        expectNumbers(ops.reshape(ops.reshape(from(x), [1, x.data.length]), x.shape), x.shape, x.data, 0);
      }),
    );
    const indexed = fc
      .tuple(shapes({ minRank: 1, maxRank: 3, minSize: 1 }), shapes({ maxRank: 2 }))
      .chain(([shape, rows]) =>
        fc
          .nat({ max: shape.length - 1 })
          .chain((axis) =>
            fc.tuple(
              tensorOf(shape),
              tensorOf(rows, { min: 0, max: shape[axis] - 1, step: 1 }),
              tensorOf([...shape.slice(0, axis), ...rows, ...shape.slice(axis + 1)]),
              fc.constant(axis),
            ),
          ),
      );
    test.prop([indexed])('gather and scatterAdd are transposes: <gather x, u> = <x, scatterAdd u>', ([x, k, u, axis]) =>
      scope(() => {
        const [xs, ks, us] = [from(x), make(k, 'int32', backend), from(u)];
        const z = ops.gather(xs, ks, axis);
        const r = k.shape.length;
        expectNumbers(
          z,
          u.shape,
          build(u.shape, (i) => at(x, [...i.slice(0, axis), at(k, i.slice(axis, axis + r)), ...i.slice(axis + r)])),
          0,
        );
        expectSame(ops.sum(ops.mul(z, us)), ops.sum(ops.mul(xs, ops.scatterAdd(x.shape, ks, us, axis))));
      }),
    );
    const along = shapes({ minRank: 1, maxRank: 3, minSize: 1 }).chain((shape) =>
      fc.tuple(fc.nat({ max: shape.length - 1 }), fc.nat({ max: 3 })).chain(([axis, n]) => {
        const picked = shape.map((s, i) => (i === axis ? n : s));
        return fc.tuple(
          tensorOf(shape),
          tensorOf(picked, { min: 0, max: shape[axis] - 1, step: 1 }),
          tensorOf(picked),
          fc.constant(axis),
        );
      }),
    );
    test.prop([along])('takeAlong and putAlongAdd are transposes', ([x, k, u, axis]) =>
      scope(() => {
        const [xs, ks, us] = [from(x), make(k, 'int32', backend), from(u)];
        const z = ops.takeAlong(xs, ks, axis);
        expectNumbers(
          z,
          k.shape,
          build(k.shape, (i) =>
            at(
              x,
              i.map((v, a) => (a === axis ? at(k, i) : v)),
            ),
          ),
          0,
        );
        expectSame(ops.sum(ops.mul(z, us)), ops.sum(ops.mul(xs, ops.putAlongAdd(x.shape, ks, us, axis))));
      }),
    );
    test.prop([broadcastable(3).chain(({ parts }) => fc.tuple(...parts.map((s) => tensorOf(s))))])(
      'addition commutes, and multiplication distributes over it',
      ([a, b, c]) =>
        scope(() => {
          const [x, y, z] = [a, b, c].map(from);
          expectSame(ops.add(x, y), ops.add(y, x), 0);
          expectSame(ops.mul(x, ops.add(y, z)), ops.add(ops.mul(x, y), ops.mul(x, z)));
        }),
    );
    test('functions stay exact where the naive formula loses everything', () =>
      scope(() => {
        const t = (data: number[]): Tensor => tensor(data, { dtype, backend });
        const e = dtype === 'float32' ? 2 ** -40 : 2 ** -70;
        expect([...ops.log1p(t([e])).dataSync()]).toEqual([e]);
        expect([...ops.expm1(t([e])).dataSync()]).toEqual([e]);
        expect([...ops.sigmoid(t([-1000, 0, 1000])).dataSync()]).toEqual([0, 0.5, 1]);
        expect([...ops.softplus(t([-1000, 1000])).dataSync()]).toEqual([0, 1000]);
        expectNumbers(ops.logSumExp(t([1000, 1000])), [], [1000 + Math.log(2)]);
        expect(ops.logSumExp(t([-Infinity, -Infinity])).item()).toBe(-Infinity);
        expect([...grad((x: Tensor) => ops.logSumExp(x))(t([-Infinity, -Infinity])).dataSync()]).toEqual([0, 0]);
        expect([...grad((x: Tensor) => ops.logSumExp(x))(t([-Infinity, 3])).dataSync()]).toEqual([0, 1]);
        expect([...ops.relu(t([Number.NaN, -1])).dataSync()]).toEqual([Number.NaN, 0]);
        expect([...ops.isFinite(t([Number.NaN, -Infinity, Infinity, 1])).dataSync()]).toEqual([0, 0, 0, 1]);
        expect(ops.max(t([1, Number.NaN, 2])).item()).toBeNaN();
      }));
    test('a long sum keeps its digits', () =>
      scope(() => {
        const n = 1 << 18;
        const x = tensor(new Float32Array(n).fill(0.1), { dtype, backend });
        const each = dtype === 'float32' ? Math.fround(0.1) : x.dataSync()[0];
        expectNumbers(ops.sum(x), [], [n * each], dtype === 'float32' ? 1e-6 : 1e-14);
        expectNumbers(
          ops.sum(ops.reshape(x, [n / 2, 2]), 0),
          [2],
          [(n / 2) * each, (n / 2) * each],
          dtype === 'float32' ? 1e-6 : 1e-14,
        );
      }));
    test.each([5, -1])('index %i of an axis of size 5 is refused by name', (index) =>
      scope(() => {
        const x = tensor([1, 2, 3, 4, 5], { dtype, backend });
        const wrong = ints([0, index], [2]);
        const message = `indices[1] is ${index}; expected an index of at least 0 and below 5, the size of axis 0.`;
        expect(() => ops.gather(x, wrong)).toThrow(message);
        expect(() => ops.scatterAdd([5], wrong, ops.narrow(x, 0, 0, 2))).toThrow(message);
        expect(() => ops.takeAlong(x, wrong, 0)).toThrow(message);
        expect(() => ops.putAlongAdd([5], wrong, ops.narrow(x, 0, 0, 2), 0)).toThrow(message);
      }),
    );
    test('a cast to int32 truncates, and refuses what has no int32', () =>
      scope(() => {
        expect([...ops.cast(tensor([1.75, -1.75], { dtype, backend }), 'int32').dataSync()]).toEqual([1, -1]);
        for (const bad of [Number.NaN, Infinity, 2 ** 31]) {
          // a backend that computes later says so at the read
          expect(() => ops.cast(tensor([0, bad], { dtype, backend }), 'int32').dataSync()).toThrow(
            'element 1 of a cast to int32',
          );
        }
      }));
  });

  if (dtypes.length === 2) {
    test.prop([pair(positive, positive)])(
      `${name}: float32 stays within 2e-6 of float64 over a chain of ops`,
      ([x, y]) =>
        scope(() => {
          const f = (d: FloatDType): Tensor =>
            ops.log1p(ops.div(ops.square(make(x, d, backend)), ops.add(make(y, d, backend), 0.7)));
          expectNumbers(f('float32'), f('float64').shape, f('float64').dataSync(), 2e-6);
        }),
    );
  }
  if (dtypes.includes('float64')) {
    describe(`${name} backend, gradients against central differences`, () => {
      const from = (spec: TensorSpec): Tensor => make(spec, 'float64', backend);
      const few = { numRuns: 12 };
      const small = { maxRank: 3, maxSize: 3 };
      // Both the gradient itself and, through a second check, the gradient of the gradient.
      const check = (f: (x: Tensor[]) => Tensor, specs: readonly TensorSpec[]): void => {
        scope(() => {
          const xs = specs.map(from);
          checkGradient(f, xs, { tolerance: 1e-6 });
          checkGradient(
            (y: Tensor[]) =>
              ops.concat(
                grad((z: Tensor[]) => ops.sum(ops.square(f(z))))(y).map((d) => ops.reshape(d, [d.size])),
                0,
              ),
            xs,
            { tolerance: 1e-5 },
          );
        });
      };
      for (const [op, [f, , constraints]] of Object.entries(unary)) {
        test.prop([one(constraints, shapes(small))], few)(`${op}, to second order`, (x) => check(([t]) => f(t), [x]));
      }
      for (const [op, [f, , a, b]] of Object.entries(binary)) {
        test.prop(
          [broadcastable(2, small).chain(({ parts }) => fc.tuple(tensorOf(parts[0], a), tensorOf(parts[1], b)))],
          few,
        )(`${op}, to second order`, (specs) => check(([x, y]) => f(x, y), specs));
      }
      const reducibleSmall = shapes({ ...small, minSize: 1 }).chain((shape) =>
        fc.record({ x: distinct(shape), axes: axisSubset(shape.length) }),
      );
      for (const [op, f] of Object.entries({
        sum: ops.sum,
        mean: ops.mean,
        max: ops.max,
        min: ops.min,
        logSumExp: ops.logSumExp,
        variance: ops.variance,
      })) {
        test.prop([reducibleSmall], few)(`${op}, to second order`, ({ x, axes }) => check(([t]) => f(t, axes), [x]));
      }
      const cube = fc.tuple(tensorOf([2, 3, 2]), tensorOf([2, 3, 2]));
      const picks = (): Tensor => ints([2, 0, 2, 1], [2, 2]);
      const moves: Record<string, (x: Tensor, y: Tensor) => Tensor> = {
        permute: (x) => ops.permute(x, [2, 0, 1]),
        transpose: (x) => ops.transpose(x),
        reshape: (x) => ops.reshape(x, [4, -1]),
        'squeeze and unsqueeze': (x) => ops.squeeze(ops.unsqueeze(x, 1), 1),
        expand: (x) => ops.expand(ops.unsqueeze(x, 0), [2, 2, 3, 2]),
        sumTo: (x) => ops.sumTo(x, [3, 1]),
        slice: (x) => ops.slice(x, [0, 1, 1], [2, 2, 1]),
        pad: (x) => ops.pad(x, [1, 0, 2], [0, 1, 0], 3),
        'concat and split': (x, y) => ops.concat([ops.split(x, [1, 2], 1)[1], y], 1),
        stack: (x, y) => ops.stack([x, y, x], 1),
        gather: (x) => ops.gather(x, picks(), 1),
        scatterAdd: (x) => ops.scatterAdd([2, 4, 2], ints([3, 0, 3], [3]), x, 1),
        segmentSum: (x) => ops.segmentSum(x, ints([1, 1], [2]), 3),
        takeAlong: (x) => ops.takeAlong(x, ints([2, 0, 1, 1], [2, 1, 2]), 1),
        putAlongAdd: (x) => ops.putAlongAdd([2, 2, 2], ints([0, 1, 1, 0, 1, 1, 0, 0, 1, 1, 0, 1], [2, 3, 2]), x, 1),
        where: (x, y) => ops.where(ints([1, 0], [2]), x, y),
      };
      for (const [op, f] of Object.entries(moves)) {
        test.prop([cube], few)(`${op}, to second order`, (specs) => check(([x, y]) => f(x, y), specs));
      }
      test('ties: maximum gives half to each side, max shares equally', () =>
        scope(() => {
          const two = tensor([1, 2, 2], { dtype: 'float64', backend });
          const [dx, dy] = grad(([x, y]: Tensor[]) => ops.sum(ops.maximum(x, y)))([two, ops.add(two, ops.mul(two, 0))]);
          expect([[...dx.dataSync()], [...dy.dataSync()]]).toEqual([
            [0.5, 0.5, 0.5],
            [0.5, 0.5, 0.5],
          ]);
          expect([...grad((x: Tensor) => ops.max(x))(two).dataSync()]).toEqual([0, 0.5, 0.5]);
        }));
      test('pow at 0: x^0 has no slope in x, 0^y none in y', () =>
        scope(() => {
          const zero = tensor(0, { dtype: 'float64', backend });
          expect(grad((x: Tensor) => ops.pow(x, 0))(zero).item()).toBe(0);
          expect(grad((x: Tensor) => ops.pow(x, ops.mul(zero, 1)))(zero).item()).toBe(0);
          expect(grad((y: Tensor) => ops.pow(zero, y))(tensor(2, { dtype: 'float64', backend })).item()).toBe(0);
        }));
    });
  }
}

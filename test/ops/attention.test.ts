import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { createJsBackend, tensor, zeros } from '../../src/backend/index.js';
import { causalAttention, concat, narrow } from '../../src/ops/index.js';
import { scope } from '../../src/tensor/index.js';
import { make, type TensorSpec, tensorOf } from '../arbitraries/tensor.js';
import { gap } from '../properties/derivatives.js';

const backend = createJsBackend();

interface Case {
  readonly qkv: readonly TensorSpec[];
  readonly length: number;
  readonly cut: number;
}

const cases: fc.Arbitrary<Case> = fc
  .tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 6 }))
  .chain(([heads, length, features]) =>
    fc.record({
      qkv: fc.tuple(
        tensorOf([heads, length, features]),
        tensorOf([heads, length, features]),
        tensorOf([heads, length, features]),
      ),
      length: fc.constant(length),
      cut: fc.nat({ max: length }),
    }),
  );

describe.each(['float32', 'float64'] as const)('causalAttention in %s', (dtype) => {
  test.prop([cases])(
    'does not look ahead: later keys and values do not change earlier outputs in a single bit',
    ({ qkv, length, cut }) =>
      scope(() => {
        const [q, k, v] = qkv.map((spec) => make(spec, dtype, backend));
        const future = tensor(new Float64Array(q.size).fill(1e6), { shape: q.shape, dtype, backend });
        const tampered = (x: typeof k) => concat([narrow(x, 1, 0, cut), narrow(future, 1, cut, length - cut)], 1);
        const head = (x: typeof k) => [...narrow(x, 1, 0, cut).dataSync()];
        expect(head(causalAttention(q, tampered(k), tampered(v)))).toEqual(head(causalAttention(q, k, v)));
      }),
  );

  test.prop([cases])(
    'with fewer queries than keys gives the tail of the whole (a key-value cache)',
    ({ qkv, length, cut }) =>
      scope(() => {
        const [q, k, v] = qkv.map((spec) => make(spec, dtype, backend));
        const tail = causalAttention(narrow(q, 1, cut, length - cut), k, v);
        expect([...tail.dataSync()]).toEqual([...narrow(causalAttention(q, k, v), 1, cut, length - cut).dataSync()]);
      }),
  );

  test.prop([cases])('the first output is the first value, and equal keys give running means', ({ qkv, length }) =>
    scope(() => {
      const [q, k, v] = qkv.map((spec) => make(spec, dtype, backend));
      const tolerance = dtype === 'float32' ? 1e-6 : 1e-14;
      expect(gap(narrow(causalAttention(q, k, v), 1, 0, 1).dataSync(), narrow(v, 1, 0, 1).dataSync())).toBeLessThan(
        tolerance,
      );
      const same = tensor(new Float64Array(k.size), { shape: k.shape, dtype, backend });
      const [heads, , features] = v.shape;
      const values = v.dataSync();
      const means: number[] = [];
      for (let h = 0; h < heads; h++) {
        for (let t = 0; t < length; t++) {
          for (let d = 0; d < features; d++) {
            let total = 0;
            for (let s = 0; s <= t; s++) total += values[(h * length + s) * features + d];
            means.push(total / (t + 1));
          }
        }
      }
      expect(gap(causalAttention(q, same, v).dataSync(), means)).toBeLessThan(tolerance);
    }),
  );

  test('scores of +-1e4 are stable', () => {
    const q = tensor([[1e4], [1e4]], { dtype, backend });
    const k = tensor([[1], [-1]], { dtype, backend });
    expect([...causalAttention(q, k, tensor([[3], [5]], { dtype, backend })).dataSync()]).toEqual([3, 3]);
  });
});

test('causalAttention refuses shapes that do not agree, and int32', () => {
  expect(() => causalAttention(zeros([3, 2]), zeros([2, 2]), zeros([2, 2]))).toThrow(/T_q at most T_k/);
  expect(() => causalAttention(zeros([1, 2, 2]), zeros([2, 2, 2]), zeros([2, 2, 2]))).toThrow(/equal leading axes/);
  expect(() => causalAttention(zeros([2, 3]), zeros([2, 2]), zeros([2, 2]))).toThrow(/\[2, 3\], \[2, 2\], \[2, 2\]/);
  expect(() => causalAttention(zeros([2, 2]), zeros([3, 2]), zeros([2, 2]))).toThrow(/expected/);
  expect(() => causalAttention(zeros([2]), zeros([2]), zeros([2]))).toThrow(/expected/);
  const ints = zeros([2, 2], { dtype: 'int32' });
  expect(() => causalAttention(ints, ints, ints)).toThrow(/int32/);
});

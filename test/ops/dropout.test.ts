import { fc, test } from '@fast-check/vitest';
import { expect } from 'vitest';
import { grad } from '../../src/autograd/index.js';
import { type Backend, createJsBackend, full, ones, zeros } from '../../src/backend/index.js';
import { createWasmBackend } from '../../src/backend/wasm/index.js';
import { dropout, sum } from '../../src/ops/index.js';
import { seededRandom } from '../../src/random/index.js';
import { scope, type Tensor } from '../../src/tensor/index.js';

const backend = createJsBackend();

test.prop([fc.constantFrom(0.1, 0.5, 0.9)], { numRuns: 3 })(
  'dropout keeps the expectation and zeroes the given share',
  (rate) =>
    scope(() => {
      const n = 40_000;
      const y = Array.from(dropout(full([n], 2, { dtype: 'float64', backend }), rate, seededRandom(7)).dataSync());
      const dropped = y.filter((v) => v === 0).length / n;
      const error = Math.sqrt((rate * (1 - rate)) / n);
      expect(Math.abs(dropped - rate)).toBeLessThan(5 * error);
      const mean = y.reduce((a, b) => a + b, 0) / n;
      expect(Math.abs(mean - 2)).toBeLessThan((5 * 2 * error) / (1 - rate));
      expect(new Set(y)).toEqual(new Set([0, 2 / (1 - rate)]));
    }),
);

test('one seed gives one mask, another seed another', () => {
  const draw = (seed: number): number[] => [...dropout(ones([64], { backend }), 0.5, seededRandom(seed)).dataSync()];
  expect(draw(1)).toEqual(draw(1));
  expect(draw(1)).not.toEqual(draw(2));
});

test('rate 0 is the tensor itself and draws nothing', () => {
  const random = seededRandom(3);
  const x = ones([4], { backend });
  expect(dropout(x, 0, random)).toBe(x);
  expect(random.next()).toBe(seededRandom(3).next());
});

test('the gradient is the mask', () => {
  const x = ones([32], { dtype: 'float64', backend });
  const d = grad((y: Tensor) => sum(dropout(y, 0.25, seededRandom(5))))(x).dataSync();
  expect([...d]).toEqual([...dropout(x, 0.25, seededRandom(5)).dataSync()]);
});

test.each([1, -0.1, 1.5, Number.NaN])('rate %d is refused', (rate) => {
  expect(() => dropout(zeros([2]), rate, seededRandom(0))).toThrow(/rate is/);
});

test('int32 is refused, and an empty tensor stays empty', () => {
  expect(() => dropout(zeros([2], { dtype: 'int32' }), 0.5, seededRandom(0))).toThrow(/int32/);
  expect(dropout(zeros([0, 3]), 0.5, seededRandom(0)).shape).toEqual([0, 3]);
});

test('js and wasm draw the same mask, whose neighbours and keys are not correlated', () => {
  const n = 20_000;
  const wasm = createWasmBackend();
  const mask = (on: Backend, seed: number) => [
    ...dropout(ones([n], { backend: on }), 0.5, seededRandom(seed)).dataSync(),
  ];
  const first = mask(backend, 1);
  expect(mask(wasm, 1)).toEqual(first);
  const agreement = (a: readonly number[], b: readonly number[]) => a.filter((v, i) => v === b[i]).length / a.length;
  const bound = 5 * Math.sqrt(0.25 / (n - 64));
  for (const lag of [1, 2, 3, 4, 16, 64]) {
    expect(Math.abs(agreement(first.slice(lag), first.slice(0, n - lag)) - 0.5)).toBeLessThan(bound);
  }
  for (const seed of [2, 3, 4]) expect(Math.abs(agreement(first, mask(backend, seed)) - 0.5)).toBeLessThan(bound);
});

test('the generator advances by two draws, whatever the size', () => {
  const [random, other] = [seededRandom(3), seededRandom(3)];
  dropout(ones([100], { backend }), 0.5, random);
  other.next();
  other.next();
  expect(random.next()).toBe(other.next());
});

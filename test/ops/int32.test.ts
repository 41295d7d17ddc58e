import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { arange, full, scalarLike, tensor } from '../../src/backend/index.js';
import { clip, pad } from '../../src/ops/index.js';
import { scope } from '../../src/tensor/index.js';

const [LEAST, MOST] = [-(2 ** 31), 2 ** 31 - 1];
const x = tensor(Int32Array.of(LEAST, -3, 0, 9, MOST));
const unfit = fc.oneof(
  fc.constantFrom(Number.NaN, Infinity, -Infinity, 1e12, MOST + 1, LEAST - 1),
  fc.double({ min: -1e6, max: 1e6, noNaN: true }).filter((v) => !Number.isInteger(v)),
);
const fit = fc.oneof(fc.constantFrom(LEAST, MOST, 0, -0), fc.integer());

describe('an int32 tensor never holds another number than the one given', () => {
  test.prop([unfit])('what it cannot hold is refused by name', (v) => {
    const sentence = (argument: string): string => `${argument} is ${v}; expected a 32-bit integer`;
    expect(() => tensor([1, v], { dtype: 'int32' })).toThrow(sentence('data[1]'));
    expect(() => tensor([[1], [2], [v]], { dtype: 'int32' })).toThrow(sentence('data[2]'));
    expect(() => tensor(v, { dtype: 'int32' })).toThrow(sentence('data[0]'));
    expect(() => tensor(Float64Array.of(0, v), { dtype: 'int32' })).toThrow(sentence('data[1]'));
    expect(() => full([2], v, { dtype: 'int32' })).toThrow(sentence('value'));
    expect(() => scalarLike(x, v)).toThrow(sentence('value'));
    expect(() => pad(x, [1], [1], v)).toThrow(sentence('value'));
    if (Number.isFinite(v)) {
      expect(() => clip(x, v, Infinity)).toThrow(sentence('lo'));
      expect(() => clip(x, -Infinity, v)).toThrow(sentence('hi'));
    }
  });

  test.prop([fit, fit])('what it can hold it holds', (v, w) =>
    scope(() => {
      expect([...tensor([v, w], { dtype: 'int32' }).dataSync()]).toEqual([v | 0, w | 0]);
      expect([...tensor(Float64Array.of(v), { dtype: 'int32' }).dataSync()]).toEqual([v | 0]);
      expect(full([], v, { dtype: 'int32' }).item()).toBe(v | 0);
      expect(pad(x, [1], [0], v).dataSync()[0]).toBe(v | 0);
      const [lo, hi] = [Math.min(v, w), Math.max(v, w)];
      const cut = (l: number, h: number): number[] => [...x.dataSync()].map((n) => Math.min(Math.max(n, l), h) | 0);
      expect([...clip(x, lo, hi).dataSync()]).toEqual(cut(lo, hi));
      expect([...clip(x, -Infinity, hi).dataSync()]).toEqual(cut(-Infinity, hi));
      expect([...clip(x, lo, Infinity).dataSync()]).toEqual(cut(lo, Infinity));
      expect([...clip(x, -Infinity, Infinity).dataSync()]).toEqual([...x.dataSync()]);
    }),
  );

  test('an end of infinity on the wrong side, and no number at all', () => {
    expect(() => clip(x, Infinity, Infinity)).toThrow('lo is Infinity; expected a 32-bit integer');
    expect(() => clip(x, -Infinity, -Infinity)).toThrow('hi is -Infinity; expected a 32-bit integer');
    expect(() => clip(x, Number.NaN, 3)).toThrow('lo is NaN');
    expect([...clip(tensor([-7, 7]), Infinity, Infinity).dataSync()]).toEqual([Infinity, Infinity]);
  });

  test('arange counts', () => {
    for (const n of [-1, 1.5, Number.NaN, Infinity]) expect(() => arange(n)).toThrow(`n is ${n}; expected an integer`);
    expect([...arange(0).dataSync()]).toEqual([]);
    expect([...arange(3, { dtype: 'float64' }).dataSync()]).toEqual([0, 1, 2]);
  });
});

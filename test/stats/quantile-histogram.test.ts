import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { histogram, quantile, sortedQuantile } from '../../src/stats/index.js';

const finite = fc.double({ min: -1e6, max: 1e6, noNaN: true });

describe('quantile', () => {
  test('type 7, by hand', () => {
    const values = [15, 20, 35, 40, 50];
    expect(quantile(values, 0)).toBe(15);
    expect(quantile(values, 0.05)).toBeCloseTo(16, 12); // R: quantile(c(15,20,35,40,50), .05) is 16
    expect(quantile(values, 0.3)).toBeCloseTo(23, 12);
    expect(quantile(values, 0.4)).toBeCloseTo(29, 12);
    expect(quantile(values, 1)).toBe(50);
    expect(quantile([], 0.5)).toBeNaN();
    expect(sortedQuantile([1, 2], 0.25)).toBe(1.25);
  });

  test.prop([
    fc.array(finite, { minLength: 1 }),
    fc.double({ min: 0, max: 1, noNaN: true }),
    fc.double({ min: 0, max: 1, noNaN: true }),
  ])('is monotone in p, within the values, and ignores their order', (values, p, q) => {
    const low = quantile(values, Math.min(p, q));
    expect(low).toBeLessThanOrEqual(quantile(values, Math.max(p, q)) + 1e-9);
    expect(low).toBeGreaterThanOrEqual(values.reduce((a, b) => Math.min(a, b)));
    expect(quantile([...values].reverse(), Math.min(p, q))).toBe(low);
  });

  test('wrong input', () => {
    expect(() => quantile([1], 1.1)).toThrow(/p is/);
    expect(() => quantile([1, Number.NaN], 0.5)).toThrow(/values\[1\] is NaN/);
  });
});

describe('histogram', () => {
  test('by hand', () => {
    const { edges, counts, outside } = histogram([0, 0.5, 1, 1.5, 2, 4], 4);
    expect([...edges]).toEqual([0, 1, 2, 3, 4]);
    expect([...counts]).toEqual([2, 2, 1, 1]);
    expect(outside).toBe(0);
    expect(histogram([-1, 0, 1, 2], 2, [0, 1])).toMatchObject({ outside: 2, counts: Int32Array.of(1, 1) });
    expect([...histogram([3, 3], 2).edges]).toEqual([2.5, 3, 3.5]);
    expect([...histogram([], 2).counts]).toEqual([0, 0]);
  });

  test.prop([fc.array(finite), fc.integer({ min: 1, max: 20 })])(
    'every value is in the bin whose edges hold it',
    (values, bins) => {
      const { edges, counts } = histogram(values, bins);
      counts.forEach((count, k) => {
        const isLast = k === bins - 1;
        const held = values.filter((v) => v >= edges[k]! && (v < edges[k + 1]! || (isLast && v <= edges[bins]!)));
        expect(count).toBe(held.length);
      });
      expect(counts.reduce((a, b) => a + b, 0)).toBe(values.length);
    },
  );

  test('wrong input', () => {
    expect(() => histogram([1, Infinity], 2)).toThrow(/values\[1\]/);
    expect(() => histogram([1], 0)).toThrow(/bins/);
    expect(() => histogram([1], 2, [1, 0])).toThrow(/range/);
  });
});

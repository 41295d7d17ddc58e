import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { placeLabels } from '../../src/report/place-labels.js';
import { niceTicks, paddedExtent } from '../../src/report/scale.js';

const finite = fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e12, max: 1e12 });

describe('niceTicks', () => {
  test.prop([finite, fc.double({ noNaN: true, min: 1e-9, max: 1e12 }), fc.integer({ min: 1, max: 12 })])(
    'ticks lie inside, ascend evenly by 1, 2 or 5 times a power of ten, and are not too many',
    (low, width, count) => {
      const high = low + width;
      fc.pre(width > Math.abs(low) * 1e-6);
      const { values } = niceTicks(low, high, count);
      expect(values.length).toBeLessThanOrEqual(count + 1);
      for (const v of values) {
        expect(v).toBeGreaterThanOrEqual(low - width * 1e-6);
        expect(v).toBeLessThanOrEqual(high + width * 1e-6);
      }
      if (values.length < 2) return;
      const step = (values[1] as number) - (values[0] as number);
      values.slice(1).forEach((v, i) => {
        expect((v - (values[i] as number)) / step).toBeCloseTo(1, 3);
      });
      const mantissa = step / 10 ** Math.floor(Math.log10(step * (1 + 1e-6)));
      expect([1, 2, 5].some((m) => Math.abs(mantissa - m) < 1e-3)).toBe(true);
    },
  );

  test.prop([fc.double({ noNaN: true, min: -1e3, max: 1e3 }), fc.double({ noNaN: true, min: 0.01, max: 1e3 })])(
    'labels with the stated decimals are distinct and exact',
    (low, width) => {
      const { values, decimals } = niceTicks(low, low + width, 5);
      const labels = values.map((v) => v.toFixed(decimals));
      expect(new Set(labels).size).toBe(labels.length);
      labels.forEach((label, i) => {
        expect(Number(label)).toBeCloseTo(values[i] as number, 9);
      });
    },
  );

  test('gives the expected ticks', () => {
    expect(niceTicks(0, 1, 5)).toEqual({ values: [0, 0.2, 0.4, 0.6, 0.8, 1], decimals: 1 });
    expect(niceTicks(-3, 17, 4)).toEqual({ values: [0, 5, 10, 15], decimals: 0 });
    expect(niceTicks(0.5, 0.5)).toEqual({ values: [0.5], decimals: 1 });
    expect(niceTicks(0, 5e-324).values).toEqual([0]);
    expect(niceTicks(-1.7e308, 1.7e308, 5).values.length).toBeLessThanOrEqual(6);
  });

  test('refuses ends that are not finite or in the wrong order', () => {
    expect(() => niceTicks(NaN, 1)).toThrow(/low is NaN/);
    expect(() => niceTicks(0, Infinity)).toThrow(/high is Infinity/);
    expect(() => niceTicks(2, 1)).toThrow(/low is 2, above high 1/);
  });
});

test.prop([fc.array(fc.oneof(finite, fc.constantFrom(NaN, Infinity, -Infinity)))])(
  'paddedExtent is a range around all finite values',
  (values) => {
    const [low, high] = paddedExtent(values);
    expect(low).toBeLessThan(high);
    for (const v of values.filter(Number.isFinite)) {
      expect(low).toBeLessThanOrEqual(v);
      expect(high).toBeGreaterThanOrEqual(v);
    }
  },
);

test.prop([fc.uniqueArray(fc.integer({ min: 1, max: 8 }), { minLength: 2, maxLength: 8 })])(
  'placeLabels keeps labels apart and in bounds',
  (cells) => {
    const bounds = { left: 0, right: 900, top: 0, bottom: 400 };
    const places = placeLabels(
      cells.map((c) => ({ x: c * 100, y: 200, width: 80, height: 14 })),
      [],
      bounds,
    );
    places.forEach((a, i) => {
      expect(a.left).toBeGreaterThanOrEqual(0);
      expect(a.right).toBeLessThanOrEqual(900);
      for (const b of places.slice(i + 1)) {
        expect(a.right <= b.left || b.right <= a.left || a.bottom <= b.top || b.bottom <= a.top).toBe(true);
      }
    });
  },
);

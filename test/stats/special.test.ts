import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import {
  incompleteBeta,
  logGamma,
  normalCdf,
  normalQuantile,
  studentCdf,
  studentQuantile,
} from '../../src/stats/index.js';
import golden from '../golden/stats.json' with { type: 'json' };

/** Relative where the expected value is not 0, absolute there. */
function expectClose(got: number, expected: number, tolerance: number, at: unknown): void {
  const error = expected === 0 ? Math.abs(got) : Math.abs(got / expected - 1);
  expect(error, `at ${JSON.stringify(at)}: got ${got}, expected ${expected}`).toBeLessThan(tolerance);
}

describe('special functions against mpmath', () => {
  test('logGamma', () => {
    for (const [x, y] of golden.logGamma as [number, number][]) expectClose(logGamma(x), y, 1e-13, x);
    expect(Math.abs(logGamma(1))).toBeLessThan(1e-14);
    expect(Math.abs(logGamma(2))).toBeLessThan(1e-14);
  });
  test('incompleteBeta', () => {
    for (const [x, a, b, y] of golden.incompleteBeta as [number, number, number, number][]) {
      expectClose(incompleteBeta(x, a, b), y, 1e-12, [x, a, b]);
    }
  });
  test('normalCdf and normalQuantile', () => {
    for (const [x, y] of golden.normalCdf as [number, number][]) expectClose(normalCdf(x), y, 1e-13, x);
    for (const [p, y] of golden.normalQuantile as [number, number][]) expectClose(normalQuantile(p), y, 1e-13, p);
  });
  test('studentCdf and studentQuantile', () => {
    for (const [t, df, y] of golden.studentCdf as [number, number, number][])
      expectClose(studentCdf(t, df), y, 1e-13, [t, df]);
    for (const [p, df, y] of golden.studentQuantile as [number, number, number][]) {
      expectClose(studentQuantile(p, df), y, 1e-13, [p, df]);
    }
  });
});

// away from 1/2 by more than rounding of p
const probability = fc.oneof(
  fc.double({ min: 1e-12, max: 0.49, noNaN: true }),
  fc.double({ min: 0.51, max: 0.999999, noNaN: true }),
);
const degrees = fc.oneof(fc.double({ min: 1, max: 50, noNaN: true }), fc.double({ min: 50, max: 1e7, noNaN: true }));

describe('special functions against closed forms', () => {
  test.prop([probability])('Student quantile at df = 1, 2, 4 and infinity', (p) => {
    // written with p (1 - p), exact from either side
    const a = 4 * p * (1 - p);
    const sign = p < 0.5 ? -1 : 1;
    const q = Math.min(p, 1 - p);
    expectClose(studentQuantile(p, 1), sign / Math.tan(Math.PI * q), 1e-11, p);
    expectClose(studentQuantile(p, 2), (2 * (p - 0.5)) / Math.sqrt(a / 2), 1e-12, p);
    const cosine = Math.cos(Math.acos(Math.sqrt(a)) / 3) / Math.sqrt(a);
    expect(Math.abs(studentQuantile(p, 4) ** 2 / 4 - (cosine - 1)) / cosine).toBeLessThan(1e-11);
    expect(studentQuantile(p, Infinity)).toBe(normalQuantile(p));
  });

  test.prop([probability, degrees])('the quantile inverts the distribution function', (p, df) => {
    const t = studentQuantile(p, df);
    expectClose(studentCdf(t, df), p, 1e-12, [p, df]);
    expect(studentQuantile(1 - p, df) * t).toBeLessThan(0);
  });

  test.prop([probability])('large df approaches the normal at rate 1/df', (p) => {
    const z = normalQuantile(p);
    for (const df of [1e5, 1e8]) {
      const first = z + (z ** 3 + z) / (4 * df);
      expect(Math.abs(studentQuantile(p, df) - first)).toBeLessThan((Math.abs(z) ** 5 + 20) / df ** 2 + 1e-12);
    }
  });

  test.prop([fc.double({ min: -35, max: 8, noNaN: true })])('normalQuantile inverts normalCdf', (x) => {
    const p = normalCdf(x);
    // 1 - p carries an error of 1e-16, which the density divides
    const density = Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI);
    const slack = x > 0 ? 2e-16 / density : (1e-13 * p) / density;
    expect(Math.abs(normalQuantile(p) - x)).toBeLessThan(slack + 1e-13 * Math.abs(x) + 1e-15);
  });

  test.prop([
    fc.double({ min: 0.01, max: 0.99, noNaN: true }),
    fc.double({ min: 0.1, max: 300, noNaN: true }),
    fc.double({ min: 0.1, max: 300, noNaN: true }),
  ])('I_x(a, b) = 1 - I_(1-x)(b, a), and I_x(a, b) - I_x(a + 1, b) = x^a (1-x)^b / (a B(a, b))', (x, a, b) => {
    expect(incompleteBeta(x, a, b) + incompleteBeta(1 - x, b, a)).toBeCloseTo(1, 11);
    const step = Math.exp(a * Math.log(x) + b * Math.log1p(-x) - (logGamma(a + 1) + logGamma(b) - logGamma(a + b)));
    expect(Math.abs(incompleteBeta(x, a, b) - incompleteBeta(x, a + 1, b) - step)).toBeLessThan(1e-11);
    expect(incompleteBeta(x, a, 1)).toBeCloseTo(x ** a, 12);
  });

  test.prop([fc.double({ min: 1e-3, max: 1e5, noNaN: true })])('Gamma(x + 1) = x Gamma(x)', (x) => {
    const left = logGamma(x + 1);
    expect(Math.abs(left - logGamma(x) - Math.log(x))).toBeLessThan(1e-13 * Math.max(1, Math.abs(left)));
  });
});

test('special functions: ends and wrong input', () => {
  expect(studentQuantile(0, 3)).toBe(-Infinity);
  expect(studentQuantile(1, 3)).toBe(Infinity);
  expect(studentQuantile(0.5, 3)).toBe(0);
  expect(normalQuantile(0)).toBe(-Infinity);
  expect(normalQuantile(1)).toBe(Infinity);
  expect(normalCdf(-Infinity)).toBe(0);
  expect(normalCdf(Infinity)).toBe(1);
  expect(studentCdf(-Infinity, 2)).toBe(0);
  expect(studentCdf(Infinity, 2)).toBe(1);
  expect(studentCdf(0, 2)).toBe(0.5);
  expect(incompleteBeta(0, 2, 3)).toBe(0);
  expect(incompleteBeta(1, 2, 3)).toBe(1);
  expect(studentQuantile(1e-300, 1)).toBeCloseTo(-1e300 / Math.PI, -288);
  for (const p of [-0.1, 1.1, Number.NaN]) {
    expect(() => normalQuantile(p)).toThrow(/p is/);
    expect(() => studentQuantile(p, 3)).toThrow(/p is/);
  }
  expect(() => studentQuantile(0.9, 0)).toThrow(/df is/);
  expect(() => studentCdf(Number.NaN, 2)).toThrow(/t is/);
  expect(() => normalCdf(Number.NaN)).toThrow(/x is/);
  expect(() => logGamma(0)).toThrow(/x is/);
  expect(() => incompleteBeta(1.5, 1, 1)).toThrow(/x is/);
});

import { expect } from 'vitest';

/** Equal to 1e-10 of the larger of |expected| and `scale`, the size of what was summed. */
export function expectClose(actual: number, expected: number, scale = 1, tolerance = 1e-10): void {
  const slack = tolerance * Math.max(Math.abs(expected), scale);
  if (!(Math.abs(actual - expected) <= slack)) expect.fail(`${actual} is not ${expected} to ${slack}`);
}

/** a >= b, but for rounding at the given scale. */
export function expectAtLeast(a: number, b: number, scale = 1): void {
  const slack = 1e-10 * Math.max(Math.abs(b), scale);
  if (!(a >= b - slack)) expect.fail(`${a} is below ${b}`);
}

export function expectAllClose(
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  scale = 1,
  tolerance = 1e-10,
): void {
  expect(actual.length).toBe(expected.length);
  for (let i = 0; i < actual.length; i++) expectClose(actual[i], expected[i], scale, tolerance);
}

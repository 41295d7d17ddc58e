import { invalid } from './error.js';

/** @throws PopeError unless `value` is a finite number. */
export function assertFinite(argument: string, value: number): void {
  if (typeof value !== 'number' || !Number.isFinite(value)) throw invalid(argument, value, 'a finite number');
}

/** @throws PopeError unless `value` is an integer in [min, max]. */
export function assertInteger(
  argument: string,
  value: number,
  min = Number.MIN_SAFE_INTEGER,
  max = Number.MAX_SAFE_INTEGER,
): void {
  if (!Number.isInteger(value) || value < min || value > max) {
    const range =
      max === Number.MAX_SAFE_INTEGER
        ? min === Number.MIN_SAFE_INTEGER
          ? ''
          : ` of at least ${min}`
        : ` from ${min} to ${max}`;
    throw invalid(argument, value, `an integer${range}`);
  }
}

/** @throws PopeError unless `value` is a finite number in [min, max]. */
export function assertRange(argument: string, value: number, min: number, max: number): void {
  if (typeof value !== 'number' || Number.isNaN(value) || value < min || value > max) {
    throw invalid(argument, value, max === Infinity ? `a number of at least ${min}` : `a number from ${min} to ${max}`);
  }
}

/** @throws PopeError unless `value` is one of `choices`. */
export function assertOneOf<T extends string>(
  argument: string,
  value: string,
  choices: readonly T[],
): asserts value is T {
  if (!(choices as readonly string[]).includes(value)) throw invalid(argument, value, `one of ${choices.join(', ')}`);
}

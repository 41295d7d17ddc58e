import { invalid } from '../../util/index.js';

/** Checks one value of parsed JSON and types it. @throws PopeError naming the path. */
export type Reader<T> = (value: unknown, path: string) => T;

const special: Readonly<Record<string, number>> = { NaN: Number.NaN, Infinity, '-Infinity': -Infinity };

/** A number, or NaN, Infinity and -Infinity as strings. */
export const number: Reader<number> = (value, path) => {
  if (typeof value === 'number') return value;
  if (typeof value === 'string' && Object.hasOwn(special, value)) return special[value];
  throw invalid(path, value, 'a number, or "NaN", "Infinity" or "-Infinity"');
};

export const integer: Reader<number> = (value, path) => {
  if (!Number.isSafeInteger(value)) throw invalid(path, value, 'an integer');
  return value as number;
};

export const text: Reader<string> = (value, path) => {
  if (typeof value !== 'string') throw invalid(path, value, 'a string');
  return value;
};

export const bool: Reader<boolean> = (value, path) => {
  if (typeof value !== 'boolean') throw invalid(path, value, 'true or false');
  return value;
};

export const orNull =
  <T>(of: Reader<T>): Reader<T | null> =>
  (value, path) =>
    value === null ? null : of(value, path);

export const list =
  <T>(of: Reader<T>): Reader<T[]> =>
  (value, path) => {
    if (!Array.isArray(value)) throw invalid(path, value, 'an array');
    return value.map((item, i) => of(item, `${path}[${i}]`));
  };

/** An array of numbers, of the given length where there is one. */
export const float64s =
  (length?: number): Reader<Float64Array> =>
  (value, path) => {
    const numbers = Float64Array.from(list(number)(value, path));
    if (length !== undefined && numbers.length !== length) {
      throw invalid(`${path}.length`, numbers.length, String(length));
    }
    return numbers;
  };

const entriesOf = (value: unknown, path: string): [string, unknown][] => {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw invalid(path, value, 'an object');
  return Object.entries(value);
};

/** An object of any keys. */
export const dictionary =
  <T>(of: Reader<T>): Reader<Record<string, T>> =>
  (value, path) =>
    Object.fromEntries(entriesOf(value, path).map(([key, inner]) => [key, of(inner, `${path}.${key}`)]));

/** An object of these keys; others are passed over. */
export const object =
  <T extends object>(readers: { readonly [K in keyof T]: Reader<T[K]> }): Reader<T> =>
  (value, path) => {
    const found = new Map(entriesOf(value, path));
    return Object.fromEntries(
      Object.entries<Reader<unknown>>(readers).map(([key, of]) => [key, of(found.get(key), `${path}.${key}`)]),
    ) as T;
  };

/** Plain data for JSON: typed arrays become arrays, and numbers that JSON lacks strings. */
export function writeNumbers(value: unknown): unknown {
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value);
  if (value instanceof Float64Array) return Array.from(value, writeNumbers);
  if (Array.isArray(value)) return value.map(writeNumbers);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, writeNumbers(inner)]));
}

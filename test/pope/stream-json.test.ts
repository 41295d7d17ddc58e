import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import {
  bool,
  dictionary,
  float64s,
  integer,
  list,
  number,
  object,
  orNull,
  type Reader,
  text,
  writeNumbers,
} from '../../src/pope/stream/json-reader.js';

const thereAndBack = (value: unknown): unknown => JSON.parse(JSON.stringify(writeNumbers(value)));

test.prop([fc.float64Array({ maxLength: 5 })])('any numbers survive JSON, NaN and the infinities included', (x) => {
  const back = float64s(x.length)(thereAndBack(x), 'x');
  // JSON has no -0
  expect([...back].map((v) => v + 0)).toEqual([...x].map((v) => v + 0));
  expect(back).toBeInstanceOf(Float64Array);
});

test('only numbers change on the way to JSON', () => {
  const plain = { a: null, b: 'NaN', c: true, d: [1, { e: -2.5 }], f: {} };
  expect(writeNumbers(plain)).toEqual(plain);
  expect(writeNumbers({ a: [Number.NaN, [Infinity]], b: -Infinity, c: Float64Array.of(1, Number.NaN) })).toEqual({
    a: ['NaN', ['Infinity']],
    b: '-Infinity',
    c: [1, 'NaN'],
  });
});

describe('what is read is checked, and named by its path', () => {
  const cases: readonly [string, Reader<unknown>, unknown, RegExp][] = [
    ['number', number, 'nan', /^x is "nan"; expected a number, or "NaN"/],
    ['number', number, 'toString', /^x is "toString"; expected a number/],
    ['number', number, null, /^x is null/],
    ['number', number, '1', /^x is "1"/],
    ['number', number, ['NaN'], /^x is \["NaN"\]/],
    ['integer', integer, 1.5, /^x is 1.5; expected an integer/],
    ['integer', integer, 2 ** 53, /^x is 9007199254740992/],
    ['integer', integer, '1', /^x is "1"/],
    ['text', text, 1, /^x is 1; expected a string/],
    ['bool', bool, 'true', /^x is "true"; expected true or false/],
    ['bool', bool, 0, /^x is 0/],
    ['orNull', orNull(text), undefined, /^x is undefined; expected a string/],
    ['list', list(integer), { 0: 1 }, /^x is .*; expected an array/],
    ['list', list(integer), [1, 2.5], /^x\[1\] is 2.5; expected an integer/],
    ['float64s', float64s(2), [1], /^x.length is 1; expected 2/],
    ['float64s', float64s(), [1, null], /^x\[1\] is null; expected a number/],
    ['dictionary', dictionary(integer), [1], /^x is \[1\]; expected an object/],
    ['dictionary', dictionary(integer), null, /^x is null; expected an object/],
    ['dictionary', dictionary(integer), 'ab', /^x is "ab"; expected an object/],
    ['dictionary', dictionary(integer), { a: 1, b: 'c' }, /^x\.b is "c"; expected an integer/],
    ['object', object({ a: integer, b: text }), { a: 1 }, /^x\.b is undefined; expected a string/],
    ['object', object({ a: object({ b: bool }) }), { a: { b: 2 } }, /^x\.a\.b is 2; expected true or false/],
  ];
  test.each(cases)('%s', (_, read, value, message) => {
    expect(() => read(value, 'x')).toThrow(message);
  });
  test('and passed on where it is sound; keys that nobody asked for are not', () => {
    const read = object({ a: orNull(integer), b: list(text), c: dictionary(number), d: bool, e: float64s() });
    const found = read({ a: null, b: ['x'], c: { k: 'Infinity' }, d: false, e: ['-Infinity', 2], more: 1 }, 'x');
    expect(found).toEqual({ a: null, b: ['x'], c: { k: Infinity }, d: false, e: Float64Array.of(-Infinity, 2) });
    expect(orNull(integer)(3, 'x')).toBe(3);
  });
});

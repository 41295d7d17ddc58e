import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import {
  formatBytes,
  formatCount,
  formatDuration,
  formatEstimate,
  formatFixed,
  formatInterval,
  formatNumber,
  formatPercent,
} from '../../src/report/index.js';

const anything = fc.oneof(
  fc.double(),
  fc.constantFrom(null, undefined, NaN, Infinity, -Infinity, 0, -0, 5e-324, 1.7976931348623157e308),
);
/** The number that a formatted text stands for. */
const parse = (text: string): number => Number(text.replace(/,/g, '').replace(/\u2212/g, '-'));

describe('format', () => {
  test.prop([anything, anything])('never prints NaN, Infinity, null, undefined or an empty text', (a, b) => {
    const texts = [
      ...[formatNumber, formatCount, formatPercent, formatDuration, formatBytes].map((f) => f(a)),
      formatFixed(a, 3),
      formatInterval(a, b),
      formatEstimate(a, b, b),
    ];
    for (const text of texts) {
      expect(text).not.toMatch(/nan|infinity|null|undefined/i);
      expect(text).not.toBe('');
    }
  });

  test.prop([fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e15, max: 1e15 })])(
    'formatNumber keeps three significant digits',
    (x) => {
      const back = parse(formatNumber(x));
      expect(Math.abs(back - x)).toBeLessThanOrEqual(Math.abs(x) * 0.0051 + 5e-324);
    },
  );

  test.each([
    [0.123456, '0.123'],
    [12345.6, '12,346'],
    [-0.5, '\u22120.500'],
    [3, '3'],
    [0, '0'],
    [1234567, '1.23e6'],
    [0.00001234, '1.23e\u22125'],
    [0.99999, '1.00'],
    [999999.7, '1.00e6'],
    [null, '—'],
    [NaN, '—'],
  ] as const)('formatNumber(%s) is %s', (x, text) => expect(formatNumber(x)).toBe(text));

  test.each([
    [0, '0%'],
    [1, '100%'],
    [0.55, '55.0%'],
    [0.0001, '<0.1%'],
    [0.99999, '>99.9%'],
    [-0.1, '\u221210.0%'],
    [Infinity, '—'],
  ])('formatPercent(%s) is %s', (x, text) => expect(formatPercent(x)).toBe(text));

  test.each([
    [0.34, '340 ms'],
    [0.9999, '1.0 s'],
    [12.34, '12.3 s'],
    [59.97, '1 min 0 s'],
    [125, '2 min 5 s'],
    [3599.6, '1 h 0 min'],
    [11040, '3 h 4 min'],
  ])('formatDuration(%s) is %s', (x, text) => expect(formatDuration(x)).toBe(text));

  test.each([
    [512, '512 B'],
    [999.7, '1.00 kB'],
    [1500, '1.50 kB'],
    [12_300_000, '12.3 MB'],
  ])('formatBytes(%s) is %s', (x, text) => expect(formatBytes(x)).toBe(text));

  test('intervals take the decimals of their width', () => {
    expect(formatInterval(0.8412, 0.8731)).toBe('[0.841, 0.873]');
    expect(formatEstimate(0.8571, 0.8412, 0.8731)).toBe('0.857');
    expect(formatInterval(-12, 40)).toBe('[\u221212.00, 40.00]');
    expect(formatInterval(null, 1)).toBe('—');
  });
});

import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { seriesPanels } from '../../src/report/index.js';

const finite = fc.double({ min: 1e-3, max: 1e3, noNaN: true });
const points = fc.array(
  fc.record({ x: finite, y: finite }).map(({ x, y }) => ({ x, y, lower: y / 2, upper: 2 * y })),
  { minLength: 1, maxLength: 6 },
);
const data = (some: { x: number; y: number }[], over: object = {}) => ({
  title: 'A <title> & more',
  xAxis: 'n',
  panels: [{ title: 'p', axis: 'unit', series: [{ name: 'one', points: some }], ...over }],
});

describe('series panels', () => {
  test.prop([points, fc.boolean(), fc.boolean()])(
    'draw every point and interval inside of the figure, as one well-formed SVG that names its axes',
    (some, log, scatter) => {
      const svg = seriesPanels({
        ...data([]),
        panels: [{ title: 'p', axis: 'unit', log, series: [{ name: 'one', points: some, scatter }] }],
      });
      expect(svg).toMatch(/^<svg .*<\/svg>$/s);
      expect(svg).not.toMatch(/NaN|Infinity|undefined|A <title>/);
      for (const name of ['>unit<', '>n<', '>one<']) expect(svg).toContain(name);
      // the legend's sign, and one a point
      expect(svg.match(/<circle /g)).toHaveLength(some.length + 1);
      for (const [, cx, cy] of svg.matchAll(/<circle cx="([\d.]+)" cy="([\d.]+)"/g)) {
        expect(Number(cx)).toBeLessThan(760);
        expect(Number(cy)).toBeGreaterThan(40);
      }
    },
  );

  test('what cannot be drawn is refused by name', () => {
    expect(() => seriesPanels(data([{ x: 1, y: Number.NaN }]))).toThrow(/p, one is NaN; expected a finite number/);
    expect(() => seriesPanels(data([{ x: 1, y: 0 }], { log: true }))).toThrow(/expected a number above 0/);
  });
});

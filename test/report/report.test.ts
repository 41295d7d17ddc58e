import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import {
  binWeights,
  coverageFigure,
  type EvaluationResult,
  element,
  escapeText,
  evaluationReport,
  htmlReport,
  htmlTable,
  intervalFigure,
  textTable,
  trainingCurves,
  utilityDiversityFigure,
  verdictSentence,
  warningList,
  weightHistogram,
} from '../../src/report/index.js';
import { PALETTE } from '../../src/report/palette.js';
import { displayWidth } from '../../src/report/text-width.js';
import { estimate, sampleResult } from './sample.js';
import { readXml } from './well-formed.js';

/** Texts that try to break out of markup. */
const hostile = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 30 }),
  fc.constantFrom(
    '<script>alert(1)</script>',
    '"/><b onload="x',
    "'>&lt;",
    ']]>',
    '<!--',
    '&',
    '\u0000\u001b[31m',
    '\ud800',
    '日本語 <',
  ),
);
const clean = (text: string): string => readXml(`<a>${escapeText(text)}</a>`).strings.join('');
/** XML 1.0's Char production, without the C1 controls that HTML dislikes. */
const isForbidden = (character: string): boolean => {
  const code = character.codePointAt(0) as number;
  if (code === 9 || code === 10 || code === 13) return false;
  return (
    code < 0x20 ||
    (code >= 0x7f && code <= 0x9f) ||
    (code >= 0xd800 && code <= 0xdfff) ||
    code === 0xfffe ||
    code === 0xffff
  );
};
const maybe = fc.oneof(
  fc.double({ min: -1e6, max: 1e6, noNaN: true }),
  fc.constantFrom(null, NaN, Infinity, -Infinity),
);
const interval = fc.record({ estimate: maybe, lower: maybe, upper: maybe });
const ALLOWED = new Set(['svg', 'title', 'desc', 'g', 'rect', 'line', 'circle', 'path', 'text']);

/** A figure is well-formed, has its words, no element but drawing ones, and no number that is none. */
function expectFigure(svg: string, title: string): void {
  const { names, strings } = readXml(svg);
  for (const name of names) expect(ALLOWED.has(name)).toBe(true);
  expect(names.slice(0, 3)).toEqual(['svg', 'title', 'desc']);
  expect(svg).toContain('role="img"');
  expect(strings).toContain(clean(title));
  expect(svg).not.toMatch(/="[^"]*(NaN|Infinity|undefined)[^"]*" |[ML ]NaN/);
}

describe('markup', () => {
  test.prop([hostile])('escaped text is read back as it was, but for characters that XML forbids', (value) => {
    const escaped = escapeText(value);
    expect(escaped).not.toMatch(/[<>"']/);
    const allowed = [...value].map((c) => (isForbidden(c) ? '\ufffd' : c)).join('');
    expect(readXml(element('p', { title: value }, value).markup).strings.filter((s) => s !== '')).toEqual(
      allowed === '' ? [] : [allowed, allowed],
    );
  });

  test('refuses a coordinate that is not finite', () => {
    expect(() => element('rect', { x: Number.NaN })).toThrow(/attribute x is NaN/);
  });
});

describe('figures', () => {
  test.prop([hostile, fc.array(fc.tuple(hostile, hostile, interval, maybe, fc.boolean()), { maxLength: 6 }), maybe])(
    'intervalFigure is well-formed for any names and numbers',
    (title, rows, value) => {
      const data = rows.map(([target, estimator, bounds, truth, refused]) => ({
        target,
        estimator,
        ...bounds,
        truth,
        refused,
      }));
      expectFigure(
        intervalFigure({ title, axis: title, level: 0.95, rows: data, reference: { label: title, value } }),
        title,
      );
    },
  );

  test.prop([hostile, fc.array(fc.tuple(hostile, interval, interval, maybe, maybe, fc.boolean()), { maxLength: 6 })])(
    'utilityDiversityFigure is well-formed for any names and numbers',
    (title, rows) => {
      const points = rows.map(([name, utility, diversity, u, d, refused]) => ({
        name,
        utility,
        diversity,
        truth: { utility: u, diversity: d },
        refused,
      }));
      expectFigure(utilityDiversityFigure({ title, points, utilityAxis: title, diversityAxis: title }), title);
    },
  );

  test.prop([hostile, fc.array(fc.oneof(fc.constant(0), fc.double({ min: 0, noNaN: true, noDefaultInfinity: true })))])(
    'weightHistogram counts every weight once',
    (title, weights) => {
      const bins = binWeights(weights);
      expect(bins.zeros + bins.counts.reduce((a, b) => a + b, 0)).toBe(weights.length);
      expectFigure(weightHistogram({ title, bins }), title);
    },
  );

  test('weights that are negative or not finite are refused', () => {
    expect(() => binWeights([1, -1])).toThrow(/weights\[1\] is -1/);
    expect(() => binWeights([NaN])).toThrow(/weights\[0\] is NaN/);
    expect(() => binWeights([Infinity])).toThrow(/weights\[0\] is Infinity/);
  });

  test.prop([
    hostile,
    fc.array(
      fc.tuple(
        hostile,
        fc.dictionary(hostile, fc.double({ min: 0, max: 1, noNaN: true }), { maxKeys: 3, noNullPrototype: true }),
      ),
      { maxLength: 4 },
    ),
  ])('coverageFigure is well-formed for any names', (title, series) => {
    expectFigure(coverageFigure({ title, series: series.map(([policy, shares]) => ({ policy, shares })) }), title);
  });

  test('coverageFigure refuses shares outside [0, 1]', () => {
    expect(() => coverageFigure({ title: 't', series: [{ policy: 'p', shares: { A: NaN } }] })).toThrow(
      /share of p, A is NaN/,
    );
    expect(() => coverageFigure({ title: 't', series: [{ policy: 'p', shares: { A: 2 } }] })).toThrow(
      /share of p, A is 2/,
    );
  });

  test.prop([
    hostile,
    fc.array(fc.tuple(hostile, fc.array(fc.tuple(fc.nat({ max: 1e6 }), maybe), { maxLength: 8 })), { maxLength: 5 }),
  ])('trainingCurves is well-formed, gaps and all', (title, curves) => {
    const panels = curves.map(([name, points]) => ({ title: name, axis: name, curves: [{ name, points }] }));
    expectFigure(trainingCurves({ title, panels }), title);
  });

  describe('a policy looks the same in every figure', () => {
    const value = { estimate: 0.5, lower: 0.4, upper: 0.6 };
    const none = { estimate: null, lower: null, upper: null };
    const rowsOf = (names: readonly string[]) =>
      names.map((target, i) => ({ target, estimator: 'snips', ...value, estimate: 0.4 + i / 50 }));
    const used = (svg: string): string[] => PALETTE.filter((color) => svg.includes(color));
    const [LOGGING, A, B] = PALETTE;
    const forest = (names: readonly string[], firstColor?: number): string =>
      intervalFigure({ title: 't', axis: 'x', rows: rowsOf(names), ...(firstColor !== undefined && { firstColor }) });

    test('the colour is that of its position, the first being the logging policy, drawn or not', () => {
      expect(used(forest(['logging policy', 'a', 'b']))).toEqual([LOGGING, A, B]);
      expect(used(forest(['a', 'b', 'logging policy']))).toEqual([LOGGING, A, B]);
      expect(used(forest(['a', 'b']))).toEqual([A, B]);
      expect(used(forest(['a'], 2))).toEqual([B]);
      const curves = ['a', 'b'].map((name) => ({ name, points: [[0, 1] as const, [1, 2] as const] }));
      expect(used(trainingCurves({ title: 't', panels: [{ title: 'p', axis: 'x', curves }] }))).toEqual([A, B]);
      const series = ['logging', 'a', 'b'].map((policy) => ({ policy, shares: { c: 0.5 } }));
      expect(used(coverageFigure({ title: 't', series }))).toEqual([LOGGING, A, B]);
    });

    test('a point that cannot be drawn keeps its place', () => {
      const points = [
        { name: 'logging policy', utility: value, diversity: value },
        { name: 'a', utility: none, diversity: value },
        { name: 'b', utility: value, diversity: value },
      ];
      const svg = utilityDiversityFigure({ title: 't', points, utilityAxis: 'u', diversityAxis: 'd' });
      expect(used(svg)).toEqual([LOGGING, B]);
    });

    test('no policy but the logging one has its colour, however many there are', () => {
      expect(used(forest(Array.from({ length: 30 }, (_, i) => `policy ${i}`)))).toEqual(PALETTE.slice(1));
    });

    test('what was refused is one symbol, in the plot as in the legend', () => {
      const points = ['a', 'b', 'c', 'd'].map((name) => ({ name, utility: value, diversity: value, refused: true }));
      const svg = utilityDiversityFigure({ title: 't', points, utilityAxis: 'u', diversityAxis: 'd' });
      // one circle more for the legend's sign of an estimate
      expect(svg.match(/<circle [^>]*fill="#ffffff"/g)).toHaveLength(points.length + 1);
      expect(svg.match(/<circle /g)).toHaveLength(points.length + 2);
    });

    test('labels of the scatter keep off its axes', () => {
      const point = (name: string, x: number) => ({
        name,
        utility: { estimate: x, lower: x, upper: x },
        diversity: { estimate: x, lower: x, upper: x },
      });
      // so many that some are pushed to the left edge, which is at 84
      const names = Array.from({ length: 9 }, (_, i) => `a policy of the pile, ${i}`);
      const points = [...names.map((name, i) => point(name, i / 1e4)), point('far', 1)];
      const svg = utilityDiversityFigure({ title: 't', points, utilityAxis: 'u', diversityAxis: 'd' });
      for (const name of names) {
        const x = Number(new RegExp(`<text x="([\\d.]+)"[^>]*>${name}<`).exec(svg)?.[1]);
        expect(x).toBeGreaterThanOrEqual(92);
      }
    });
  });

  test('curves of few points have a marker at each, those of many have none', () => {
    const circles = (n: number): number => {
      const points = Array.from({ length: n }, (_, i) => [i, i * i] as const);
      const panel = { title: 'p', axis: 'x', curves: [{ name: 'a', points }] };
      return trainingCurves({ title: 't', panels: [panel] }).match(/<circle /g)?.length ?? 0;
    };
    expect([circles(1), circles(5), circles(500)]).toEqual([1, 5, 0]);
  });
});

describe('tables', () => {
  const cell = fc.oneof(hostile, fc.double(), fc.constant(null));
  const table = fc.integer({ min: 1, max: 4 }).chain((n) =>
    fc.record({
      columns: fc.array(hostile, { minLength: n, maxLength: n }),
      rows: fc.array(fc.array(cell, { minLength: n, maxLength: n }), { maxLength: 5 }),
    }),
  );

  test.prop([table])('textTable has one line a row and no control characters', ({ columns, rows }) => {
    const lines = textTable(columns, rows).split('\n');
    expect(lines).toHaveLength(rows.length + 2);
    expect(lines.join('')).not.toMatch(/\p{Cc}/u);
    const width = displayWidth(lines[1] as string);
    for (const line of lines) expect(displayWidth(line)).toBeLessThanOrEqual(width);
  });

  test.prop([table])('htmlTable is well-formed and holds one cell for each', (data) => {
    const { names } = readXml(htmlTable(data).markup);
    expect(names.filter((name) => name === 'td')).toHaveLength(data.rows.length * data.columns.length);
  });

  test('aligns numbers right and wide characters by their width', () => {
    expect(
      textTable(
        ['policy', 'estimate', 'interval'],
        [
          ['pope', 0.1234, '[0.12, 0.34]'],
          ['日本', null, '—'],
        ],
      ),
    ).toBe(
      'policy  estimate      interval\n──────  ────────  ────────────\npope       0.123  [0.12, 0.34]\n日本           —             —',
    );
  });

  test('refuses a row of the wrong length', () => {
    expect(() => textTable(['a', 'b'], [[1]])).toThrow(/rows\[0\].length is 1; expected 2/);
  });
});

describe('the report', () => {
  const bins = binWeights([0, 0.5, 1, 2]);
  const point = (step: number): readonly [number, number] => [step, step / 2];
  const extras = (text: string) => ({
    title: text,
    subtitle: text,
    footer: text,
    inputHash: text,
    settings: { [`${text}k`]: text },
    weights: { pope: bins },
    truth: { pope: { utility: 0.6, diversity: null } },
    coverage: { series: [{ policy: text, shares: { [`${text}c`]: 1 } }] },
    curves: [{ title: text, axis: text, curves: [{ name: text, points: [point(0), point(1)] }] }],
    sections: [
      {
        heading: text,
        blocks: [
          { paragraphs: [text] },
          { list: [text] },
          { table: { columns: [text], rows: [[text]] }, caption: text },
        ],
      },
    ],
  });

  test.prop([hostile])('is one well-formed file without scripts, whatever the texts say', (text) => {
    const [pope] = Object.values(sampleResult.targets);
    const html = evaluationReport(
      {
        ...sampleResult,
        settings: { ...sampleResult.settings, signals: [{ name: text, transform: 'rank', weight: 2 }] },
        targets: { pope: pope!, [`${text}t`]: { ...pope!, verdict: { level: 'weak', reasons: [text] } } },
        warnings: [{ code: text, message: text }],
      },
      extras(text),
    );
    expect(html.startsWith('<!DOCTYPE html>\n<html lang="en">')).toBe(true);
    const { names } = readXml(html);
    expect(names).not.toContain('script');
    expect(names).not.toContain('b');
    expect(names.filter((name) => name === 'svg').length).toBeGreaterThanOrEqual(9);
    expect(html).not.toMatch(/(src|href)="(?!#)/);
    expect(html).toContain('<meta charset="utf-8"/>');
    expect(html).toContain('default-src &#39;none&#39;; style-src &#39;unsafe-inline&#39;');
  });

  test('says every verdict, estimate and warning, and marks the refused', () => {
    const text = readXml(evaluationReport(sampleResult)).strings.join('\n');
    for (const { verdict } of Object.values(sampleResult.targets)) expect(text).toContain(verdictSentence(verdict));
    for (const warning of warningList(sampleResult.warnings)) expect(text).toContain(warning);
    expect(text).toContain('refused: do not use');
    expect(text).toContain('[0.608, 0.652]');
  });

  test('a result of nulls and no targets still makes a report', () => {
    const none = { estimate: null, std_error: null, lower: null, upper: null };
    const [pope] = Object.values(sampleResult.targets);
    const by = { ips: none };
    const empty = { utility: none, diversity: null, value: null };
    const nothing = {
      ...pope!,
      sensitivity: null,
      variance: { utility: null, value: null },
      utility: by,
      diversity: {},
      value: by,
      versus_logging: { utility: by, diversity: {}, value: {} },
    };
    for (const targets of [{}, { x: nothing }] as EvaluationResult['targets'][]) {
      const html = evaluationReport({ ...sampleResult, logging: empty, targets, warnings: [] });
      readXml(html);
      expect(html).not.toMatch(/NaN|Infinity|undefined/);
    }
  });

  test('the same result gives the same bytes', () => {
    expect(evaluationReport(sampleResult, extras('x'))).toBe(
      evaluationReport(structuredClone(sampleResult), extras('x')),
    );
  });

  test('refuses a figure that is no figure', () => {
    for (const figure of ['<b>', '<svg a=""><script></script></svg>', '<svg onload="x"></svg>']) {
      expect(() => htmlReport({ title: 't', sections: [{ heading: 'h', blocks: [{ figure }] }] })).toThrow(
        /figure is not an SVG/,
      );
    }
  });

  test('verdicts in words', () => {
    expect(verdictSentence({ level: 'supported', reasons: [] })).toBe('The log supports this estimate.');
    expect(verdictSentence({ level: 'refused', reasons: ['k 0.9 is above 0.7.', 'ESS 3'] })).toBe(
      'The log does not support an estimate, and the numbers must not be used. Why: k 0.9 is above 0.7; ESS 3.',
    );
    expect(estimate(1, 0.5).lower).toBe(0);
  });
});

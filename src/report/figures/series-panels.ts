import { invalid } from '../../util/index.js';
import { formatNumber } from '../format.js';
import { element, type Markup } from '../markup.js';
import { colorOf, policyColors, SOFT_INK } from '../palette.js';
import { linearScale, niceTicks, paddedExtent, type Ticks } from '../scale.js';
import {
  type Box,
  type FigureText,
  figure,
  type LegendEntry,
  labeller,
  legend,
  line,
  marker,
  polyline,
  SMALL,
  text,
  WIDTH,
  xAxis,
  yAxis,
} from '../svg.js';

/** A point with its interval, where it has one. */
export interface SeriesPoint {
  readonly x: number;
  readonly y: number;
  readonly lower?: number | undefined;
  readonly upper?: number | undefined;
}

export interface SeriesPanel {
  readonly title: string;
  /** Name of the vertical axis, with its unit. */
  readonly axis: string;
  /** `scatter`: points that no line joins. */
  readonly series: readonly {
    readonly name: string;
    readonly points: readonly SeriesPoint[];
    readonly scatter?: boolean;
  }[];
  /** Powers of ten at equal distances: for positive numbers. */
  readonly log?: boolean;
  /** A horizontal line, such as the level that an interval promises. */
  readonly reference?: number;
  /** The line on which y is x: for two readings of one thing. */
  readonly diagonal?: boolean;
}

export interface SeriesPanelsData extends FigureText {
  readonly panels: readonly SeriesPanel[];
  /** Name of the horizontal axis, with its unit. */
  readonly xAxis: string;
  /** Moves the series of a panel a little apart, for curves that lie on one another at a few x. */
  readonly dodge?: boolean;
  /** What the panels' dashed lines are, for the legend. */
  readonly referenceLabel?: string;
  /** x are powers of ten: ticks are labelled by the number itself. */
  readonly xPowers?: boolean;
}

const DASHES = [undefined, '6 3', '2 3', '8 3 2 3'];
const PANEL_HEIGHT = 250;

/** Small multiples, two a row: lines with markers and intervals over one common axis. @throws PopeError for a number that cannot be drawn. */
export function seriesPanels(data: SeriesPanelsData): string {
  const points = data.panels.flatMap(({ series }) => series.flatMap(({ points }) => points));
  const domain = paddedExtent(
    points.map(({ x }) => x),
    data.dodge === true ? 0.1 : 0.05,
  );
  const names = [...new Set(data.panels.flatMap(({ series }) => series.map(({ name }) => name)))];
  const indices = policyColors(names, 0);
  const head = legend(
    [
      ...names.map((name) => entry(name, indices.get(name) ?? 0)),
      ...(data.referenceLabel === undefined
        ? []
        : [
            {
              label: data.referenceLabel,
              sign: (x: number, y: number) => line(x - 9, y, x + 9, y, SOFT_INK, 1.4, '5 4'),
            },
          ]),
    ],
    16,
    48,
    WIDTH - 16,
  );
  const top = 44 + head.height;
  const columns = data.panels.length === 1 ? 1 : 2;
  const width = WIDTH / columns;
  const panels = data.panels.map((panel, i) => {
    const left = (i % columns) * width;
    const start = top + Math.floor(i / columns) * PANEL_HEIGHT;
    const box = { left: left + 76, right: left + width - 20, top: start + 26, bottom: start + PANEL_HEIGHT - 50 };
    return drawPanel(panel, box, domain, indices, data);
  });
  return figure(
    data,
    data.description ?? describe(data),
    top + Math.ceil(data.panels.length / columns) * PANEL_HEIGHT,
    head.marks,
    ...panels,
  );
}

function drawPanel(
  panel: SeriesPanel,
  box: Box,
  domain: readonly [number, number],
  indices: ReadonlyMap<string, number>,
  { xAxis: xName, xPowers = false, dodge = false }: SeriesPanelsData,
): Markup {
  const log = panel.log === true;
  const value = (v: number, what: string): number => {
    if (!Number.isFinite(v) || (log && v <= 0))
      throw invalid(what, v, log ? 'a number above 0, for an axis of powers of ten' : 'a finite number');
    return log ? Math.log10(v) : v;
  };
  const all = panel.series.flatMap(({ name, points }) =>
    points.flatMap(({ y, lower, upper }) =>
      [y, lower ?? y, upper ?? y].map((v) => value(v, `${panel.title}, ${name}`)),
    ),
  );
  if (panel.reference !== undefined) all.push(value(panel.reference, 'reference'));
  const range = paddedExtent(all, 0.08);
  const atX = linearScale(domain, [box.left, box.right]);
  const at = linearScale(range, [box.bottom, box.top]);
  const y = (v: number): number => at(value(v, panel.title));
  const ticks: Ticks = niceTicks(range[0], range[1], 5);
  const xTicks = niceTicks(domain[0], domain[1], 6);
  const show = log ? (v: number): string => formatNumber(10 ** v, 2) : labeller(ticks);
  const marks = panel.series.map(({ name, points, scatter = false }, place) => {
    const aside = dodge ? 6 * (place - (panel.series.length - 1) / 2) : 0;
    const x = (v: number): number => atX(v) + aside;
    const i = indices.get(name) ?? 0;
    const color = colorOf(i);
    const sorted = [...points].sort((a, b) => a.x - b.x);
    return element(
      'g',
      {},
      scatter
        ? null
        : element('path', {
            d: polyline(sorted.map((p) => [x(p.x), y(p.y)] as const)),
            fill: 'none',
            stroke: color,
            'stroke-width': 1.6,
            'stroke-dasharray': DASHES[i % DASHES.length],
          }),
      ...sorted.flatMap((p): Markup[] => {
        if (p.lower === undefined || p.upper === undefined) return [];
        const [a, b, c] = [y(p.lower), y(p.upper), x(p.x)];
        return [
          line(c, a, c, b, color, 1.4),
          line(c - 4, a, c + 4, a, color, 1.4),
          line(c - 4, b, c + 4, b, color, 1.4),
        ];
      }),
      ...sorted.map((p) => marker(i, x(p.x), y(p.y), color)),
    );
  });
  return element(
    'g',
    {},
    text(box.left - 60, box.top - 10, panel.title, { size: SMALL, weight: 600, limit: box.right - box.left + 60 }),
    xAxis(box, atX, xTicks, xName, xPowers ? (v) => formatNumber(10 ** v, 2) : labeller(xTicks)),
    yAxis(box, at, ticks, panel.axis, box.left - 60, show),
    panel.diagonal === true ? diagonal(domain, range, atX, at) : null,
    panel.reference === undefined
      ? null
      : line(box.left, y(panel.reference), box.right, y(panel.reference), SOFT_INK, 1.4, '5 4'),
    ...marks,
  );
}

/** y = x, as far as both axes have it. */
function diagonal(
  domain: readonly [number, number],
  range: readonly [number, number],
  x: (v: number) => number,
  y: (v: number) => number,
): Markup | null {
  const [from, to] = [Math.max(domain[0], range[0]), Math.min(domain[1], range[1])];
  return from < to ? line(x(from), y(from), x(to), y(to), SOFT_INK, 1.4, '5 4') : null;
}

const entry = (label: string, i: number): LegendEntry => ({
  label,
  sign: (x, y) =>
    element('g', {}, line(x - 9, y, x + 9, y, colorOf(i), 1.6, DASHES[i % DASHES.length]), marker(i, x, y, colorOf(i))),
});

const describe = ({ panels, xAxis: name }: SeriesPanelsData): string =>
  panels
    .map(
      ({ title, series }) =>
        `${title} by ${name}: ${series
          .map(
            (s) => `${s.name} ${s.points.map((p) => `${formatNumber(p.y, 3)} at ${formatNumber(p.x, 3)}`).join(', ')}`,
          )
          .join('; ')}.`,
    )
    .join(' ');

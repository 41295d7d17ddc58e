import { formatFixed, formatNumber } from './format.js';
import { type Child, element, type Markup } from './markup.js';
import { GRID, INK, PAPER, SOFT_INK } from './palette.js';
import type { Ticks } from './scale.js';
import { ellipsize, pixelWidth } from './text-width.js';

/** What all figures share: the words that name them. */
export interface FigureText {
  /** Shown above the figure, and its accessible name. */
  readonly title: string;
  /** What the figure says, for those who do not see it; a default is made from the data. */
  readonly description?: string | undefined;
}

export const WIDTH = 760;
export const FONT = 13;
export const SMALL = 12;

/** Where a plot's axes run, in pixels. */
export interface Box {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

/** The whole figure: white ground of its own, so that it reads the same on a dark page and on paper. */
export function figure({ title }: FigureText, description: string, height: number, ...children: Child[]): string {
  return element(
    'svg',
    {
      xmlns: 'http://www.w3.org/2000/svg',
      viewBox: `0 0 ${WIDTH} ${Math.ceil(height)}`,
      width: WIDTH,
      height: Math.ceil(height),
      role: 'img',
      'aria-label': title,
      'font-family': 'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif',
      'font-size': FONT,
      fill: INK,
      style: 'max-width:100%;height:auto',
    },
    element('title', {}, title),
    element('desc', {}, description),
    element('rect', { x: 0, y: 0, width: WIDTH, height: Math.ceil(height), fill: PAPER }),
    text(16, 26, title, { size: 15, weight: 600, limit: WIDTH - 32 }),
    ...children,
  ).markup;
}

export interface TextOptions {
  readonly size?: number;
  readonly weight?: number;
  readonly anchor?: 'start' | 'middle' | 'end';
  readonly fill?: string;
  /** Pixels; a longer text is cut with an ellipsis and whole in a tooltip. */
  readonly limit?: number;
  readonly rotate?: number;
  /** A white outline behind the letters, where lines may run beneath. */
  readonly halo?: boolean;
}

export function text(x: number, y: number, content: string, options: TextOptions = {}): Markup {
  const { size = FONT, weight, anchor, fill, limit = Infinity, rotate, halo = false } = options;
  const shown = ellipsize(content, limit, (t) => pixelWidth(t, size));
  return element(
    'text',
    {
      x,
      y,
      'font-size': size === FONT ? undefined : size,
      'font-weight': weight,
      'text-anchor': anchor,
      fill,
      transform: rotate === undefined ? undefined : `rotate(${rotate} ${x} ${y})`,
      ...(halo ? { stroke: PAPER, 'stroke-width': 4, 'stroke-linejoin': 'round', 'paint-order': 'stroke' } : {}),
    },
    shown === content ? null : element('title', {}, content),
    shown,
  );
}

export const line = (
  x1: number,
  y1: number,
  x2: number,
  y2: number,
  stroke: string,
  width = 1,
  dash?: string,
): Markup => element('line', { x1, y1, x2, y2, stroke, 'stroke-width': width, 'stroke-dasharray': dash });

const SHAPES = ['circle', 'square', 'triangle', 'cross'] as const;

/** The i-th marker shape, so that colour alone never tells series apart. */
export function marker(index: number, x: number, y: number, color: string, hollow = false): Markup {
  const paint = { fill: hollow ? PAPER : color, stroke: color, 'stroke-width': 1.6 };
  const shape = SHAPES[Math.floor(index) % SHAPES.length];
  if (shape === 'square') return element('rect', { x: x - 4, y: y - 4, width: 8, height: 8, ...paint });
  if (shape === 'triangle') return element('path', { d: path([x, y - 5], [x + 5, y + 4], [x - 5, y + 4]), ...paint });
  if (shape === 'cross') {
    return element('path', {
      d: `M${p(x - 4, y - 4)}L${p(x + 4, y + 4)}M${p(x - 4, y + 4)}L${p(x + 4, y - 4)}`,
      ...paint,
      'stroke-width': 2.6,
    });
  }
  return element('circle', { cx: x, cy: y, r: 4.5, ...paint });
}

/** The marker of a known truth: a diamond that one can look through, so that an estimate at the same place stays visible. */
export const diamond = (x: number, y: number): Markup =>
  element('path', {
    d: path([x, y - 8], [x + 8, y], [x, y + 8], [x - 8, y]),
    fill: 'none',
    stroke: INK,
    'stroke-width': 1.6,
  });

const p = (x: number, y: number): string => `${round(x)} ${round(y)}`;
const round = (value: number): number => Math.round(value * 100) / 100;

/** A closed path through points. */
export const path = (...points: readonly (readonly [number, number])[]): string =>
  `M${points.map(([x, y]) => p(x, y)).join('L')}Z`;

/** An open path through points. */
export const polyline = (points: readonly (readonly [number, number])[]): string =>
  `M${points.map(([x, y]) => p(x, y)).join('L')}`;

/** The horizontal axis at the box's foot, with vertical grid lines and its name. */
export function xAxis(
  box: Box,
  at: (v: number) => number,
  ticks: Ticks,
  label: string,
  show = labeller(ticks),
): Markup[] {
  return [
    ...ticks.values.map((value) => line(at(value), box.top, at(value), box.bottom, GRID)),
    line(box.left, box.bottom, box.right, box.bottom, SOFT_INK),
    ...ticks.values.map((value) =>
      text(at(value), box.bottom + 17, show(value), { size: SMALL, anchor: 'middle', fill: SOFT_INK }),
    ),
    text((box.left + box.right) / 2, box.bottom + 36, label, {
      size: SMALL,
      anchor: 'middle',
      limit: box.right - box.left + 60,
    }),
  ];
}

/** The vertical axis at the box's left, with horizontal grid lines and its name, turned, at `labelX`. */
export function yAxis(
  box: Box,
  at: (v: number) => number,
  ticks: Ticks,
  label: string,
  labelX: number,
  show = labeller(ticks),
): Markup[] {
  const middle = (box.top + box.bottom) / 2;
  return [
    ...ticks.values.map((value) => line(box.left, at(value), box.right, at(value), GRID)),
    line(box.left, box.top, box.left, box.bottom, SOFT_INK),
    ...ticks.values.map((value) =>
      text(box.left - 7, at(value) + 4, show(value), { size: SMALL, anchor: 'end', fill: SOFT_INK }),
    ),
    text(labelX, middle, label, { size: SMALL, anchor: 'middle', rotate: -90, limit: box.bottom - box.top + 30 }),
  ];
}

export const labeller =
  (ticks: Ticks): ((value: number) => string) =>
  (value) =>
    ticks.decimals > 5 || Math.abs(value) >= 1e6 ? formatNumber(value, 4) : formatFixed(value, ticks.decimals);

/** One entry of a legend: how to draw its sign at (x, y), and its words. */
export interface LegendEntry {
  readonly sign: (x: number, y: number) => Child;
  readonly label: string;
}

/** Legend entries in rows from (left, top), broken where the width ends; also the height they take. */
export function legend(
  entries: readonly LegendEntry[],
  left: number,
  top: number,
  right: number,
): { marks: Markup[]; height: number } {
  const marks: Markup[] = [];
  let x = left;
  let y = top;
  for (const { sign, label } of entries) {
    const limit = Math.min(220, right - left - 24);
    const width = 24 + Math.min(limit, pixelWidth(label, SMALL)) + 16;
    if (x > left && x + width > right + 16) {
      x = left;
      y += 20;
    }
    marks.push(element('g', {}, sign(x + 8, y), text(x + 22, y + 4, label, { size: SMALL, limit })));
    x += width;
  }
  return { marks, height: entries.length === 0 ? 0 : y - top + 20 };
}

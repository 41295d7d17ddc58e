import { formatEstimate, formatInterval, formatNumber, type MaybeNumber } from '../format.js';
import { element, type Markup } from '../markup.js';
import { colorOf, GRID, INK, MUTED, policyColors, SOFT_INK } from '../palette.js';
import { linearScale, niceTicks, paddedExtent } from '../scale.js';
import {
  type Box,
  diamond,
  type FigureText,
  figure,
  type LegendEntry,
  legend,
  line,
  marker,
  path,
  SMALL,
  text,
  WIDTH,
  xAxis,
} from '../svg.js';
import { ellipsize, pixelWidth } from '../text-width.js';

/** One line of a forest plot. */
export interface IntervalRow {
  /** Rows of one target stand together under its name. */
  readonly target: string;
  readonly estimator: string;
  readonly estimate: MaybeNumber;
  readonly lower: MaybeNumber;
  readonly upper: MaybeNumber;
  /** The exact value, where it is known. */
  readonly truth?: MaybeNumber;
  /** Drawn hollow and grey, and never allowed to stretch the axis: an estimate that was refused. */
  readonly refused?: boolean;
}

export interface IntervalFigureData extends FigureText {
  readonly rows: readonly IntervalRow[];
  /** Name of the axis, with its unit. */
  readonly axis: string;
  /** Confidence level of the intervals, in (0, 1). */
  readonly level?: number | undefined;
  /** The palette's index of the first target that is not the logging policy; 1 by default, as 0 is the logging policy's. */
  readonly firstColor?: number;
  /** One colour for all: where targets are not policies that a reader meets again. */
  readonly oneColor?: boolean;
  /** What the diamonds are; "truth" by default. */
  readonly truthLabel?: string;
  /** A vertical line, such as the logging policy's own value. */
  readonly reference?: { readonly label: string; readonly value: MaybeNumber } | undefined;
}

const LINE = 23;
/** What a target takes beside its rows: its name, and the space around it. */
const HEAD = 36;
const isNumber = (value: MaybeNumber): value is number => typeof value === 'number' && Number.isFinite(value);

/** A forest plot: a row per target and estimator, with estimate, interval, and the truth where it is known. */
export function intervalFigure(data: IntervalFigureData): string {
  const colors = policyColors(
    data.rows.map(({ target }) => target),
    data.firstColor,
  );
  const targets = [...colors.keys()];
  const labelWidth = Math.min(
    190,
    Math.max(
      90,
      ...data.rows.map((r) => pixelWidth(r.estimator, SMALL) + 30),
      ...targets.map((t) => pixelWidth(t, 13.5)),
    ),
  );
  const head = legend(entries(data), 16, 48, WIDTH - 16);
  const top = 48 + head.height + 6;
  const bottom = top + targets.length * HEAD + data.rows.length * LINE + 4;
  const numbers = Math.min(230, Math.max(172, ...data.rows.map((r) => Math.ceil(pixelWidth(shownOf(r), SMALL)))));
  const box: Box = { left: 16 + labelWidth + 10, right: WIDTH - 28 - numbers, top, bottom };
  const domain = domainOf(data);
  const at = linearScale(domain, [box.left, box.right]);
  const ticks = niceTicks(domain[0], domain[1], 6);
  const marks: Markup[] = [];
  let y = top;
  targets.forEach((target, i) => {
    const name = ellipsize(target, box.right - 16, (t) => pixelWidth(t, 13.5));
    if (i > 0) marks.push(line(16, y + 2, WIDTH - 16, y + 2, GRID));
    y += 19;
    marks.push(text(16, y, name, { weight: 600, halo: true }));
    y += 15;
    for (const row of data.rows.filter((r) => r.target === target)) {
      marks.push(
        drawRow(
          row,
          y,
          box,
          at,
          row.refused === true ? MUTED : colorOf(data.oneColor === true ? 0 : (colors.get(target) ?? 0)),
        ),
      );
      y += LINE;
    }
    y += 2;
  });
  const { reference } = data;
  const description = data.description ?? describe(data);
  return figure(
    data,
    description,
    bottom + 48,
    head.marks,
    xAxis(box, at, ticks, data.axis),
    isNumber(reference?.value)
      ? line(at(reference.value), top, at(reference.value), bottom, SOFT_INK, 1.4, '5 4')
      : null,
    marks,
  );
}

function drawRow(row: IntervalRow, y: number, box: Box, at: (v: number) => number, color: string): Markup {
  const { estimate, lower, upper, truth } = row;
  const inside = (value: number): number => Math.min(box.right, Math.max(box.left, at(value)));
  const outside = (value: number): boolean => at(value) < box.left - 0.5 || at(value) > box.right + 0.5;
  const marks: Markup[] = [];
  if (isNumber(lower) && isNumber(upper)) {
    marks.push(line(inside(lower), y, inside(upper), y, color, 2.4));
    for (const [end, direction] of [
      [lower, -1],
      [upper, 1],
    ] as const) {
      const x = inside(end);
      // An interval that leaves the figure ends in an arrow head, not in a bar.
      if (at(end) < box.left - 0.5 || at(end) > box.right + 0.5) {
        const way = at(end) < box.left ? -1 : 1;
        if (way === direction)
          marks.push(
            element('path', { d: path([x + 5 * way, y], [x - 4 * way, y - 5], [x - 4 * way, y + 5]), fill: color }),
          );
      } else marks.push(line(x, y - 5, x, y + 5, color, 2));
    }
  }
  if (isNumber(estimate) && !outside(estimate)) marks.push(marker(0, at(estimate), y, color, row.refused === true));
  // On top and hollow: where they agree, the estimate shows inside the truth.
  if (isNumber(truth) && !outside(truth)) marks.push(diamond(at(truth), y));
  return element(
    'g',
    {},
    text(30, y + 4, row.estimator, { size: SMALL, fill: row.refused === true ? MUTED : INK, limit: box.left - 40 }),
    ...marks,
    text(WIDTH - 16, y + 4, shownOf(row), {
      size: SMALL,
      anchor: 'end',
      fill: row.refused === true ? MUTED : INK,
      limit: WIDTH - 28 - box.right,
    }),
  );
}

/** The row in numbers. */
const shownOf = ({ estimate, lower, upper }: IntervalRow): string =>
  isNumber(estimate)
    ? `${formatEstimate(estimate, lower, upper)}  ${formatInterval(lower, upper)}`
    : 'no finite estimate';

/** Refused rows may not stretch the axis, unless nothing else is there. */
function domainOf({ rows, reference }: IntervalFigureData): readonly [number, number] {
  const trusted = rows.filter(({ refused }) => refused !== true);
  const counted = trusted.some(({ estimate }) => isNumber(estimate)) ? trusted : rows;
  const ends = counted.flatMap(({ estimate, lower, upper }) => [estimate, lower, upper]);
  const truths = rows.map(({ truth }) => truth);
  return paddedExtent([...ends, ...truths, reference?.value].filter(isNumber), 0.06);
}

function entries({ rows, reference, level, truthLabel = 'truth' }: IntervalFigureData): LegendEntry[] {
  const interval = level === undefined ? 'interval' : `${formatNumber(level * 100)}% interval`;
  const all: LegendEntry[] = [
    { label: `estimate and ${interval}`, sign: (x, y) => [line(x - 9, y, x + 9, y, INK, 2.2), marker(0, x, y, INK)] },
  ];
  if (rows.some(({ refused }) => refused === true)) {
    all.push({
      label: 'refused: do not use',
      sign: (x, y) => [line(x - 9, y, x + 9, y, MUTED, 2.2), marker(0, x, y, MUTED, true)],
    });
  }
  if (rows.some(({ truth }) => isNumber(truth))) all.push({ label: truthLabel, sign: diamond });
  if (reference !== undefined && isNumber(reference.value)) {
    all.push({
      label: `${reference.label}: ${formatNumber(reference.value)}`,
      sign: (x, y) => line(x - 9, y, x + 9, y, SOFT_INK, 1.4, '5 4'),
    });
  }
  return all;
}

const describe = ({ rows, axis, truthLabel = 'truth' }: IntervalFigureData): string =>
  `${axis}. ${rows
    .map(
      (r) =>
        `${r.target}, ${r.estimator}: ${formatNumber(r.estimate)} ${formatInterval(r.lower, r.upper)}${isNumber(r.truth) ? `, ${truthLabel} ${formatNumber(r.truth)}` : ''}${r.refused === true ? ', refused' : ''}.`,
    )
    .join(' ')}`;

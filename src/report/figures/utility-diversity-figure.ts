import { formatInterval, formatNumber, type MaybeNumber } from '../format.js';
import { element, type Markup } from '../markup.js';
import { colorOf, INK, MUTED, policyColors, SOFT_INK } from '../palette.js';
import { placeLabels, type Rectangle } from '../place-labels.js';
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
  SMALL,
  text,
  WIDTH,
  xAxis,
  yAxis,
} from '../svg.js';
import { ellipsize, pixelWidth } from '../text-width.js';

export interface IntervalValue {
  readonly estimate: MaybeNumber;
  readonly lower: MaybeNumber;
  readonly upper: MaybeNumber;
}

export interface UtilityDiversityPoint {
  readonly name: string;
  readonly utility: IntervalValue;
  readonly diversity: IntervalValue;
  readonly truth?: { readonly utility: MaybeNumber; readonly diversity: MaybeNumber } | undefined;
  /** Drawn as a hollow grey circle, whatever its place, and never allowed to stretch the axes. */
  readonly refused?: boolean;
}

export interface UtilityDiversityData extends FigureText {
  readonly points: readonly UtilityDiversityPoint[];
  /** Names of the axes, with units. */
  readonly utilityAxis: string;
  readonly diversityAxis: string;
  readonly level?: number | undefined;
}

const isNumber = (value: MaybeNumber): value is number => typeof value === 'number' && Number.isFinite(value);
const drawable = ({ utility, diversity }: UtilityDiversityPoint): boolean =>
  isNumber(utility.estimate) && isNumber(diversity.estimate);

/** Policies in the plane of utility and diversity: both intervals as a cross, the truth as a diamond tied to its estimate. */
export function utilityDiversityFigure(data: UtilityDiversityData): string {
  const colors = policyColors(data.points.map(({ name }) => name));
  const points = data.points.filter(drawable);
  const missing = data.points.filter((point) => !drawable(point)).map(({ name }) => name);
  const head = legend(entries(data), 16, 48, WIDTH - 16);
  const top = 48 + head.height + 6;
  const box: Box = { left: 84, right: WIDTH - 24, top, bottom: top + 330 };
  const trusted = points.some(({ refused }) => refused !== true)
    ? points.filter(({ refused }) => refused !== true)
    : points;
  const domains = (['utility', 'diversity'] as const).map((axis) =>
    paddedExtent(
      [
        ...trusted.flatMap((p) => [p[axis].estimate, p[axis].lower, p[axis].upper]),
        ...points.map(({ truth }) => truth?.[axis]),
      ].filter(isNumber),
      0.08,
    ),
  ) as [readonly [number, number], readonly [number, number]];
  const x = linearScale(domains[0], [box.left, box.right]);
  const y = linearScale(domains[1], [box.bottom, box.top]);
  const clampX = (v: number): number => Math.min(box.right, Math.max(box.left, x(v)));
  const clampY = (v: number): number => Math.min(box.bottom, Math.max(box.top, y(v)));
  const obstacles: Rectangle[] = [];
  const marks: Markup[] = [];
  const anchors = points.map((point) => {
    const { utility: u, diversity: d, truth } = point;
    const index = colors.get(point.name) ?? 0;
    const color = point.refused === true ? MUTED : colorOf(index);
    const [cx, cy] = [clampX(u.estimate as number), clampY(d.estimate as number)];
    const parts: Markup[] = [];
    if (truth !== undefined && isNumber(truth.utility) && isNumber(truth.diversity)) {
      const [tx, ty] = [clampX(truth.utility), clampY(truth.diversity)];
      parts.push(line(cx, cy, tx, ty, SOFT_INK, 1, '2 3'), diamond(tx, ty));
      obstacles.push({ left: tx - 6, right: tx + 6, top: ty - 6, bottom: ty + 6 });
    }
    if (isNumber(u.lower) && isNumber(u.upper)) {
      parts.push(line(clampX(u.lower), cy, clampX(u.upper), cy, color, 1.8));
      obstacles.push({ left: clampX(u.lower), right: clampX(u.upper), top: cy - 1, bottom: cy + 1 });
    }
    if (isNumber(d.lower) && isNumber(d.upper)) {
      parts.push(line(cx, clampY(d.lower), cx, clampY(d.upper), color, 1.8));
      obstacles.push({ left: cx - 1, right: cx + 1, top: clampY(d.upper), bottom: clampY(d.lower) });
    }
    obstacles.push({ left: cx - 5, right: cx + 5, top: cy - 5, bottom: cy + 5 });
    const sign = point.refused === true ? refusedSign(cx, cy) : marker(index, cx, cy, color);
    marks.push(element('g', {}, ...parts, sign));
    return { x: cx, y: cy };
  });
  const names = points.map(({ name }) => ellipsize(name, 200, (t) => pixelWidth(t, SMALL)));
  const boxes = placeLabels(
    names.map((name, i) => ({
      ...(anchors[i] as { x: number; y: number }),
      width: pixelWidth(name, SMALL),
      height: 14,
    })),
    obstacles,
    // A label that is pushed to the edge must not run into the axis.
    { left: box.left + 8, right: box.right - 8, top: box.top + 4, bottom: box.bottom - 8 },
  );
  const labels = boxes.map((place, i) => {
    const color = points[i]?.refused === true ? MUTED : INK;
    const anchor = anchors[i] as { x: number; y: number };
    return [
      place.far
        ? line(
            anchor.x,
            anchor.y,
            Math.min(place.right, Math.max(place.left, anchor.x)),
            (place.top + place.bottom) / 2,
            MUTED,
            0.8,
          )
        : null,
      text(place.left, place.bottom - 3, names[i] as string, { size: SMALL, fill: color, halo: true }),
    ];
  });
  return figure(
    data,
    data.description ?? describe(data),
    box.bottom + 48 + (missing.length > 0 ? 22 : 0),
    head.marks,
    yAxis(box, y, niceTicks(domains[1][0], domains[1][1], 6), data.diversityAxis, 22),
    xAxis(box, x, niceTicks(domains[0][0], domains[0][1], 7), data.utilityAxis),
    marks,
    ...labels,
    missing.length > 0
      ? text(16, box.bottom + 60, `Without a finite estimate, not drawn: ${missing.join(', ')}`, {
          size: SMALL,
          limit: WIDTH - 32,
        })
      : null,
  );
}

/** One symbol for all that was refused, in the plot and in the legend. */
const refusedSign = (x: number, y: number): Markup => marker(0, x, y, MUTED, true);

function entries({ points, level }: UtilityDiversityData): LegendEntry[] {
  const interval = level === undefined ? 'intervals' : `${formatNumber(level * 100)}% intervals`;
  const all: LegendEntry[] = [
    {
      label: `estimate and its two ${interval}`,
      sign: (x, y) => [line(x - 8, y, x + 8, y, INK, 1.8), line(x, y - 8, x, y + 8, INK, 1.8), marker(0, x, y, INK)],
    },
  ];
  if (points.some(({ truth }) => truth !== undefined)) all.push({ label: 'truth', sign: diamond });
  if (points.some(({ refused }) => refused === true)) all.push({ label: 'refused: do not use', sign: refusedSign });
  return all;
}

const describe = ({ points, utilityAxis, diversityAxis }: UtilityDiversityData): string =>
  `${diversityAxis} against ${utilityAxis}. ${points
    .map(
      ({ name, utility: u, diversity: d }) =>
        `${name}: utility ${formatNumber(u.estimate)} ${formatInterval(u.lower, u.upper)}, diversity ${formatNumber(d.estimate)} ${formatInterval(d.lower, d.upper)}.`,
    )
    .join(' ')}`;

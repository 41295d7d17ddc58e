import { formatNumber } from '../format.js';
import { element, type Markup } from '../markup.js';
import { colorOf, policyColors } from '../palette.js';
import { linearScale, niceTicks, paddedExtent } from '../scale.js';
import {
  type Box,
  type FigureText,
  figure,
  type LegendEntry,
  legend,
  line,
  polyline,
  SMALL,
  text,
  WIDTH,
  xAxis,
  yAxis,
} from '../svg.js';

export interface Curve {
  readonly name: string;
  /** [step, value]; a value that is null or not finite breaks the line. */
  readonly points: readonly (readonly [number, number | null])[];
}

/** One small figure: curves over the same quantity. */
export interface CurvePanel {
  readonly title: string;
  /** Name of the vertical axis, with its unit. */
  readonly axis: string;
  readonly curves: readonly Curve[];
}

export interface TrainingCurvesData extends FigureText {
  readonly panels: readonly CurvePanel[];
  /** Name of the horizontal axis; "training step" by default. */
  readonly stepAxis?: string;
  /** The palette's index of the first curve that is not the logging policy's; 1 by default, as in figures with that one. */
  readonly firstColor?: number;
}

/** By the palette's index; the first policy after the logging one is solid. */
const DASHES = ['8 3 2 3', undefined, '6 3', '2 3'];
const PANEL_HEIGHT = 232;
/** With more points than this on a line, markers hide it. */
const MOST_MARKERS = 40;

/** Small multiples, two a row, over one common axis of steps. */
export function trainingCurves(data: TrainingCurvesData): string {
  const steps = data.panels.flatMap(({ curves }) => curves.flatMap(({ points }) => points.map(([step]) => step)));
  const domain = paddedExtent(steps, 0.02);
  const shared = policyColors(
    data.panels.flatMap(({ curves }) => curves.map(({ name }) => name)),
    data.firstColor,
  );
  // One legend for all: a name has the same colour and dash in every panel.
  const head =
    shared.size > 1
      ? legend(
          [...shared].map(([name, i]) => entry(name, i)),
          16,
          48,
          WIDTH - 16,
        )
      : { marks: [], height: 0 };
  const top = 44 + head.height;
  const half = WIDTH / 2;
  const panels = data.panels.map((panel, i) => {
    const left = (i % 2) * half;
    const start = top + Math.floor(i / 2) * PANEL_HEIGHT;
    return drawPanel(
      panel,
      { left: left + 76, right: left + half - 20, top: start + 26, bottom: start + PANEL_HEIGHT - 46 },
      domain,
      shared,
      data.stepAxis ?? 'training step',
    );
  });
  return figure(
    data,
    data.description ?? describe(data),
    top + Math.ceil(data.panels.length / 2) * PANEL_HEIGHT,
    head.marks,
    ...panels,
  );
}

function drawPanel(
  panel: CurvePanel,
  box: Box,
  domain: readonly [number, number],
  indices: ReadonlyMap<string, number>,
  stepAxis: string,
): Markup {
  const values = panel.curves.flatMap(({ points }) => points.map(([, value]) => value)).filter((v) => v !== null);
  const range = paddedExtent(values, 0.06);
  const x = linearScale(domain, [box.left, box.right]);
  const y = linearScale(range, [box.bottom, box.top]);
  const lines = panel.curves.map(({ name, points }) => {
    const i = indices.get(name) ?? 0;
    return runs(points).map((run) => {
      const dots = run.length > MOST_MARKERS ? [] : run;
      return [
        run.length === 1
          ? null
          : element('path', {
              d: polyline(run.map(([step, value]) => [x(step), y(value)])),
              fill: 'none',
              stroke: colorOf(i),
              'stroke-width': 1.8,
              'stroke-dasharray': DASHES[i % DASHES.length],
              'stroke-linejoin': 'round',
            }),
        dots.map(([step, value]) => element('circle', { cx: x(step), cy: y(value), r: 2.4, fill: colorOf(i) })),
      ];
    });
  });
  return element(
    'g',
    {},
    text(box.left, box.top - 10, panel.title, { weight: 600, limit: box.right - box.left }),
    yAxis(box, y, niceTicks(range[0], range[1], 5), panel.axis, box.left - 60),
    xAxis(box, x, niceTicks(domain[0], domain[1], 5), stepAxis),
    ...lines,
    values.some(Number.isFinite)
      ? null
      : text((box.left + box.right) / 2, (box.top + box.bottom) / 2, 'no finite values', {
          size: SMALL,
          anchor: 'middle',
        }),
  );
}

/** The stretches of a curve without gaps. */
function runs(points: Curve['points']): (readonly [number, number])[][] {
  const all: (readonly [number, number])[][] = [[]];
  for (const [step, value] of points) {
    if (Number.isFinite(step) && value !== null && Number.isFinite(value)) all.at(-1)?.push([step, value]);
    else if (all.at(-1)?.length !== 0) all.push([]);
  }
  return all.filter(({ length }) => length > 0);
}

const entry = (name: string, i: number): LegendEntry => ({
  label: name,
  sign: (x, y) => line(x - 9, y, x + 9, y, colorOf(i), 2, DASHES[i % DASHES.length]),
});

const describe = ({ panels }: TrainingCurvesData): string =>
  panels
    .map(({ title, axis, curves }) => {
      const ends = curves.map(({ name, points }) => {
        const finite = points.filter(([, value]) => value !== null && Number.isFinite(value));
        return finite.length === 0
          ? `${name} has no finite values`
          : `${name} goes from ${formatNumber(finite[0]?.[1])} to ${formatNumber(finite.at(-1)?.[1])}`;
      });
      return `${title} (${axis}): ${ends.join(', ')}.`;
    })
    .join(' ');

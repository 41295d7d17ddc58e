import { invalid } from '../../util/index.js';
import { formatPercent } from '../format.js';
import { element, type Markup } from '../markup.js';
import { colorOf, GRID, INK, policyColors } from '../palette.js';
import { linearScale, niceTicks } from '../scale.js';
import { type Box, type FigureText, figure, type LegendEntry, legend, line, text, WIDTH, xAxis } from '../svg.js';
import { pixelWidth } from '../text-width.js';

/** How much probability a policy gives to each opinion class. */
export interface CoverageSeries {
  /** The policy: "logging" before, a trained one after. */
  readonly policy: string;
  /** Class name -> probability in [0, 1]; a class left out has none. */
  readonly shares: Readonly<Record<string, number>>;
}

export interface CoverageData extends FigureText {
  readonly series: readonly CoverageSeries[];
  /** The preference distribution m(c|x), marked in each class where given. */
  readonly preference?: Readonly<Record<string, number>> | undefined;
}

const BAR = 13;

/**
 * Horizontal bars: for each opinion class, its share under each policy in turn.
 * @throws PopeError where a share is not in [0, 1].
 */
export function coverageFigure(data: CoverageData): string {
  const { series, preference } = data;
  for (const { policy, shares } of series)
    for (const [name, share] of Object.entries(shares)) assertShare(`${policy}, ${name}`, share);
  for (const [name, share] of Object.entries(preference ?? {})) assertShare(`preference, ${name}`, share);
  const classes = [
    ...new Set([...series.flatMap(({ shares }) => Object.keys(shares)), ...Object.keys(preference ?? {})]),
  ].sort();
  const colors = policyColors(series.map(({ policy }) => policy));
  const fillOf = (policy: string): string => colorOf(colors.get(policy) ?? 0);
  const head = legend(entries(data, fillOf), 16, 48, WIDTH - 16);
  const top = 48 + head.height + 4;
  const groupHeight = series.length * BAR + 14;
  const labelWidth = Math.min(190, Math.max(60, ...classes.map((name) => pixelWidth(name, 13))));
  const box: Box = {
    left: 16 + labelWidth + 12,
    right: WIDTH - 70,
    top,
    bottom: top + classes.length * groupHeight + 2,
  };
  const most = Math.max(
    0.05,
    ...series.flatMap(({ shares }) => Object.values(shares)),
    ...Object.values(preference ?? {}),
  );
  const ticks = niceTicks(0, most, 5);
  const x = linearScale([0, most], [box.left, box.right]);
  const groups = classes.map((name, c): Markup => {
    const start = top + c * groupHeight + 7;
    const wanted = preference !== undefined && Object.hasOwn(preference, name) ? preference[name] : undefined;
    return element(
      'g',
      {},
      c > 0 ? line(16, start - 7, box.right, start - 7, GRID) : null,
      text(16 + labelWidth, start + (series.length * BAR) / 2 + 4, name, { anchor: 'end', limit: labelWidth }),
      ...series.map(({ policy, shares }, s) => {
        const width = x(shareOf(shares, name)) - x(0);
        return element('rect', { x: x(0), y: start + s * BAR + 1, width, height: BAR - 2, fill: fillOf(policy) });
      }),
      wanted === undefined
        ? null
        : line(x(wanted), start - 4, x(wanted), start + series.length * BAR + 4, INK, 2, '3 2'),
      // Over the line, so that it does not cross the figures.
      ...series.map(({ shares }, s) => {
        const share = shareOf(shares, name);
        return text(x(share) + 5, start + (s + 1) * BAR - 3, formatPercent(share), { size: 11, halo: true });
      }),
    );
  });
  return figure(
    data,
    data.description ?? describe(data, classes),
    box.bottom + 46,
    head.marks,
    xAxis(box, x, ticks, 'share of the probability of responses (%)', (v) =>
      formatPercent(v, ticks.decimals > 2 ? ticks.decimals - 2 : 0),
    ),
    ...groups,
  );
}

const shareOf = (shares: Readonly<Record<string, number>>, name: string): number =>
  Object.hasOwn(shares, name) ? (shares[name] as number) : 0;

function entries({ series, preference }: CoverageData, fillOf: (policy: string) => string): LegendEntry[] {
  const bars = series.map(
    ({ policy }): LegendEntry => ({
      label: policy,
      sign: (x, y) => element('rect', { x: x - 7, y: y - 6, width: 14, height: 12, fill: fillOf(policy) }),
    }),
  );
  if (preference === undefined) return bars;
  return [...bars, { label: 'wanted share', sign: (x, y) => line(x, y - 8, x, y + 8, INK, 2, '3 2') }];
}

function assertShare(path: string, share: number): void {
  if (!(share >= 0 && share <= 1 + 1e-9)) throw invalid(`share of ${path}`, share, 'a number from 0 to 1');
}

const describe = ({ series }: CoverageData, classes: readonly string[]): string =>
  `Share of the probability by opinion class. ${series
    .map(
      ({ policy, shares }) =>
        `${policy}: ${classes.map((name) => `${name} ${formatPercent(shareOf(shares, name))}`).join(', ')}.`,
    )
    .join(' ')}`;

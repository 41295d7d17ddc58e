import { formatCount, formatNumber, formatPercent } from '../format.js';
import { element } from '../markup.js';
import { colorOf, INK, SOFT_INK } from '../palette.js';
import { linearScale, niceTicks, paddedExtent, type Ticks } from '../scale.js';
import { type Box, type FigureText, figure, line, SMALL, text, WIDTH, xAxis, yAxis } from '../svg.js';
import type { WeightBins } from '../weight-bins.js';

export interface WeightHistogramData extends FigureText {
  readonly bins: WeightBins;
}

/** Importance weights of all responses on a logarithmic axis, with the weight 1 marked and the zero weights named. */
export function weightHistogram(data: WeightHistogramData): string {
  const { edges, counts, zeros, total } = data.bins;
  const zeroWords = `${formatPercent(total === 0 ? 0 : zeros / total)} of ${formatCount(total)} weights are zero${zeros > 0 ? ' (not drawn)' : ''}`;
  if (counts.length === 0) {
    const words =
      total === 0 ? 'There are no weights.' : 'Every weight is zero: the target never says what was logged.';
    return figure(data, data.description ?? words, 80, text(16, 54, words));
  }
  const box: Box = { left: 76, right: WIDTH - 24, top: 66, bottom: 250 };
  // The weight 1 is always in sight: it is what the weights should average to.
  const domain = paddedExtent([edges[0] as number, edges.at(-1) as number, 0], 0.03);
  const x = linearScale(domain, [box.left, box.right]);
  const most = Math.max(...counts);
  const countTicks = niceTicks(0, most, Math.min(5, most));
  const y = linearScale([0, Math.max(most, countTicks.values.at(-1) as number)], [box.bottom, box.top]);
  const ticks = decadeTicks(domain);
  const bars = counts.map((count, i) => {
    const [left, right] = [x(edges[i] as number), x(edges[i + 1] as number)];
    if (count === 0) return null;
    // At least one pixel, as a single huge weight is what one looks for here.
    const height = Math.max(1.5, box.bottom - y(count));
    return element('rect', {
      x: left + 0.5,
      y: box.bottom - height,
      width: Math.max(0.5, right - left - 1),
      height,
      fill: colorOf(0),
    });
  });
  return figure(
    data,
    data.description ??
      `Histogram of ${formatCount(total - zeros)} positive weights from ${power(edges[0] as number)} to ${power(edges.at(-1) as number)}; ${zeroWords}.`,
    304,
    text(16, 48, zeroWords, { size: SMALL, fill: SOFT_INK }),
    yAxis(box, y, countTicks, 'responses (count)', 20),
    xAxis(box, x, ticks, 'importance weight, pi(y|x) / pi0(y|x) (no unit, logarithmic axis)', power),
    ...bars,
    line(x(0), box.top - 4, x(0), box.bottom, INK, 1.4, '5 4'),
    text(x(0), box.top - 8, 'weight 1', { size: SMALL, anchor: 'middle' }),
  );
}

/** Whole decades where there are three or more; 1, 2, 5 between them where there are fewer; within one, even steps. */
function decadeTicks([low, high]: readonly [number, number]): Ticks {
  if (high - low < 1) {
    const { values } = niceTicks(10 ** low, 10 ** high, 6);
    return { values: values.filter((value) => value > 0).map(Math.log10), decimals: 2 };
  }
  const step = high - low < 3 ? 1 : Math.ceil((high - low) / 8);
  const values: number[] = [];
  for (let k = Math.floor(low / step) * step; k <= high; k += step) {
    values.push(k || 0);
    if (high - low < 3) values.push(k + Math.log10(2), k + Math.log10(5));
  }
  return { values: values.filter((value) => value >= low && value <= high), decimals: 1 };
}

/** 10 to the exponent, without needless zeros: 0.01, 0.2, 1, 1e−30. */
function power(exponent: number): string {
  if (exponent < -4 || exponent >= 6) return formatNumber(10 ** exponent, Number.isInteger(exponent) ? 1 : 2);
  return formatNumber(10 ** exponent, 3)
    .replace(/(\.\d*?)0+$/, '$1')
    .replace(/\.$/, '');
}

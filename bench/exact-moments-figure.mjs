import { fromSource } from './from-source.mjs';

const { colorOf, element, figure, legend, line, linearScale, marker, polyline, text, WIDTH, xAxis, yAxis } =
  await fromSource('src/report/svg.ts', 'src/report/scale.ts', 'src/report/palette.ts', 'src/report/markup.ts');

const shownByDivergence = ['ips', 'clipped at 2', 'dr', 'snips', 'dros at 3', 'dm'];
const DASHES = [undefined, '8 3', '2 3', '8 3 2 3', '5 2', '12 3'];
const decimal = (value) => String(Number(value.toPrecision(1)));

/** Ticks at 1, 2 and 5 times powers of ten, on a logarithmic axis that holds all values. */
function logAxis(values, span) {
  const low = Math.log10(Math.min(...values));
  const high = Math.log10(Math.max(...values));
  const domain = [low - 0.06 * (high - low), high + 0.06 * (high - low)];
  const steps = [-3, -2, -1, 0, 1].flatMap((k) => [1, 2, 5].map((f) => Math.log10(f * 10 ** k)));
  const ticks = { values: steps.filter((v) => v >= domain[0] && v <= domain[1]), decimals: 2 };
  const scale = linearScale(domain, span);
  return { ticks, scale, at: (value) => scale(Math.log10(value)) };
}

/** A panel of lines { name, values }, one value for each x; series keep their colour, dash and marker by `index`. */
function panel(box, { title, xs, xTicks, xLabel, lines, yValues }) {
  const margin = 0.03 * (xs.at(-1) - xs[0]);
  const x = linearScale([xs[0] - margin, xs.at(-1) + margin], [box.left, box.right]);
  const y = logAxis(yValues, [box.bottom, box.top]);
  const curves = lines.map(({ index, values }) => [
    element('path', {
      d: polyline(values.map((value, i) => [x(xs[i]), y.at(value)])),
      fill: 'none',
      stroke: colorOf(index),
      'stroke-width': 1.8,
      'stroke-dasharray': DASHES[index % DASHES.length],
    }),
    ...values.map((value, i) => marker(index, x(xs[i]), y.at(value), colorOf(index), index > 3)),
  ]);
  return element(
    'g',
    {},
    text(box.left, box.top - 10, title, { weight: 600, limit: box.right - box.left }),
    yAxis(box, y.scale, y.ticks, 'RMSE (reward units, log scale)', box.left - 48, (v) => decimal(10 ** v)),
    xAxis(box, x, xTicks, xLabel),
    ...curves,
  );
}

const sign = (index) => (x, y) =>
  element('g', {}, line(x - 12, y, x + 8, y, colorOf(index), 2, DASHES[index % DASHES.length]), marker(index, x - 2, y, colorOf(index), index > 3));

export function exactMomentsFigure({ rounds, divergences, byDivergence, slateRounds, bySlate }) {
  const first = shownByDivergence.map((name, index) => ({
    name,
    index,
    values: byDivergence.find((row) => row.name === name).moments.map(({ rmse }) => rmse),
  }));
  const slatePanels = bySlate.slice(0, 2).map(({ name, rows }) => ({
    name,
    lines: rows.map(({ name, moments }, index) => ({ name, index, values: moments.map(({ rmse }) => rmse) })),
  }));
  const slateValues = slatePanels.flatMap(({ lines }) => lines.flatMap(({ values }) => values));
  const entries = (lines) => lines.map(({ name, index }) => ({ label: name, sign: sign(index) }));

  const head = legend(entries(first), 76, 52, WIDTH - 20);
  const top = 52 + head.height + 26;
  const upper = { left: 76, right: WIDTH - 20, top, bottom: top + 270 };
  const second = legend(entries(slatePanels[0].lines), 76, upper.bottom + 68, WIDTH - 20);
  const lowerTop = upper.bottom + 68 + second.height + 26;
  const half = WIDTH / 2;
  const divergenceTicks = { values: [0, 0.5, 1, 1.5, 2], decimals: 1 };
  return figure(
    { title: 'Exact error of estimators as the target leaves the log, and as slates grow' },
    `Root mean squared error by exact enumeration. Logs of ${rounds} rounds: ${first.map(({ name, values }) => `${name} from ${values[0].toFixed(2)} at ${divergences[0]} to ${values.at(-1).toFixed(2)} at ${divergences.at(-1)} nats`).join(', ')}. Logs of ${slateRounds} rounds, slates of 1 to 4: ${slatePanels.map(({ name, lines }) => `reward ${name}: ${lines.map((l) => `${l.name} from ${l.values[0].toFixed(2)} to ${l.values.at(-1).toFixed(2)}`).join(', ')}`).join('; ')}.`,
    lowerTop + 210 + 50,
    head.marks,
    panel(upper, {
      title: `Logs of ${rounds} rounds, one response each`,
      xs: divergences,
      xTicks: divergenceTicks,
      xLabel: 'KL divergence of the target from the logging policy (nats)',
      lines: first,
      yValues: first.flatMap(({ values }) => values),
    }),
    second.marks,
    ...slatePanels.map(({ name, lines }, i) =>
      panel(
        { left: i * half + 76, right: (i + 1) * half - 20, top: lowerTop, bottom: lowerTop + 210 },
        {
          title: `${slateRounds} rounds, reward: ${name}`,
          xs: [1, 2, 3, 4],
          xTicks: { values: [1, 2, 3, 4], decimals: 0 },
          xLabel: 'responses in a slate',
          lines,
          yValues: slateValues,
        },
      ),
    ),
  );
}

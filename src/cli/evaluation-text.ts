import { dim, green, red, yellow } from 'yoctocolors';
import type { EstimateEntry, EvaluationResult, TargetResult } from '../pope/index.js';
import { formatCount, formatEstimate, formatInterval, formatNumber, formatPercent, textTable, verdictSentence } from '../report/index.js';

const components = ['utility', 'diversity', 'value'] as const;
const colours = { supported: green, weak: yellow, refused: red } as const;

/**
 * An evaluation for people: the log and settings, the logging policy, then each target with its estimates, weights and
 * verdict. The numbers of a refused target are there, each line marked refused.
 */
export function evaluationText(result: EvaluationResult, { colour }: { readonly colour: boolean }): string {
  const targets = Object.entries(result.targets);
  return [head(result), logging(result), ...targets.map(([name, target]) => targetText(name, target, colour))].join('\n\n');
}

function head({ log, settings }: EvaluationResult): string {
  const signals = settings.signals.map(({ name, transform, weight }) => {
    const scale = weight === 1 ? '' : ` x ${formatNumber(weight)}`;
    return `${name}${transform === 'identity' ? '' : ` (${transform})`}${scale}`;
  });
  const skipped = log.skipped === 0 ? '' : `, ${formatCount(log.skipped)} skipped`;
  return [
    `${formatCount(log.rounds)} rounds${skipped}, ${formatCount(log.responses)} responses (${formatNumber(log.mean_slate)} a round), propensities ${log.propensity}`,
    `utility: ${signals.join(' + ')}; value = utility + ${formatNumber(settings.tau)} x diversity (${settings.diversity}); ${formatPercent(settings.level, 1)} intervals (${settings.interval})`,
  ].join('\n');
}

function logging({ logging: own }: EvaluationResult): string {
  const rows = components.flatMap((c) => {
    const e = own[c];
    return e === null ? [] : [[c, formatEstimate(e.estimate, e.lower, e.upper), formatInterval(e.lower, e.upper)]];
  });
  return `logging policy\n${textTable(['component', { header: 'estimate', align: 'right' }, 'interval'], rows)}`;
}

function targetText(name: string, target: TargetResult, colour: boolean): string {
  const { level } = target.verdict;
  const refused = level === 'refused';
  const paint = (text: string): string => (colour ? colours[level](text) : text);
  const rows = components.flatMap((c) =>
    Object.entries(target[c]).map(([key, e]) => [c, key, ...cells(e), versus(target.versus_logging[c][key]), refused ? 'refused' : '']),
  );
  const table = textTable(
    ['component', 'estimator', { header: 'estimate', align: 'right' }, 'interval', 'versus logging', ''],
    rows,
  );
  const lines = [
    `target ${name}: ${paint(level)}`,
    rows.length === 0 ? 'no estimator has its inputs' : table,
    weights(target.diagnostics),
    verdictSentence(target.verdict),
  ];
  return (refused && colour ? lines.map((line, i) => (i === 1 ? dim(line) : line)) : lines).join('\n');
}

const cells = (e: EstimateEntry | undefined): [string, string] => [
  formatEstimate(e?.estimate, e?.lower, e?.upper),
  formatInterval(e?.lower, e?.upper),
];

function versus(e: EstimateEntry | undefined): string {
  const [estimate, interval] = cells(e);
  return e === undefined ? '' : `${estimate} ${interval}`;
}

function weights(d: TargetResult['diagnostics']): string {
  return (
    `weights: mean ${formatNumber(d.mean_weight)}, effective sample size ${formatNumber(d.effective_sample_size, 4)}, ` +
    `largest ${formatPercent(d.max_weight_share)} of the sum, tail index ${formatNumber(d.pareto_k)}, zero ${formatPercent(d.zero_weight_share)}`
  );
}

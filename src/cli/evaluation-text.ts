import { dim, green, red, yellow } from 'yoctocolors';
import { type EstimateEntry, type EvaluationResult, type TargetResult, verdictFor } from '../pope/index.js';
import {
  formatCount,
  formatEstimate,
  formatInterval,
  formatNumber,
  formatPercent,
  groupsTable,
  textTable,
  verdictSentence,
} from '../report/index.js';

type Component = keyof EvaluationResult['logging'];
const components: readonly Component[] = ['utility', 'diversity', 'value'];
const colours = { supported: green, weak: yellow, refused: red } as const;

/**
 * An evaluation for people: the log and settings, the logging policy, then each target with its estimates, weights and
 * verdict. The numbers of a refused target are there, each line marked refused.
 */
export function evaluationText(result: EvaluationResult, { colour }: { readonly colour: boolean }): string {
  // Without a diversity the value is the utility over again.
  const kinds = result.settings.diversity === 'none' ? components.slice(0, 1) : components;
  const targets = Object.entries(result.targets).map(([name, target]) => targetText(name, target, kinds, colour));
  return [head(result), logging(result, kinds), ...targets].join('\n\n');
}

function head({ log, settings }: EvaluationResult): string {
  const signals = settings.signals.map(({ name, transform, weight }) => {
    const scale = weight === 1 ? '' : ` x ${formatNumber(weight)}`;
    return `${name}${transform === 'identity' ? '' : ` (${transform})`}${scale}`;
  });
  const value =
    settings.diversity === 'none'
      ? 'no diversity'
      : `value = utility + ${formatNumber(settings.tau)} x diversity (${settings.diversity}${settings['bias_corrected'] === true ? ', bias taken off' : ''})`;
  const seen = settings['examination'];
  const positions = Array.isArray(seen)
    ? [
        `feedback divided by the chance that its display position is seen: ${seen.map((p) => formatNumber(p)).join(', ')}`,
      ]
    : [];
  const skipped = log.skipped === 0 ? '' : `, ${formatCount(log.skipped)} skipped`;
  return [
    `${formatCount(log.rounds)} rounds${skipped}, ${formatCount(log.responses)} responses (${formatNumber(log.mean_slate)} a round), propensities ${log.propensity}`,
    `utility: ${signals.join(' + ')}; ${value}; ${formatNumber(settings.level * 100, 4)}% intervals (${settings.interval})`,
    ...positions,
  ].join('\n');
}

function logging({ logging: own }: EvaluationResult, kinds: readonly Component[]): string {
  const rows = kinds.flatMap((c) => {
    const e = own[c];
    return e === null ? [] : [[c, ...cells(e)]];
  });
  return `logging policy\n${textTable(['component', { header: 'estimate', align: 'right' }, 'interval'], rows)}`;
}

function targetText(name: string, target: TargetResult, kinds: readonly Component[], colour: boolean): string {
  const { level } = target.verdict;
  const joint = target.joint_verdict;
  const paint = (text: string): string => (colour ? colours[level](text) : text);
  const estimates = kinds.flatMap((c) => Object.entries(target[c]).map(([key, e]) => ({ c, key, e })));
  const refusedAt = ({ key }: { readonly key: string }): boolean => verdictFor(target, key).level === 'refused';
  const marked = estimates.some(refusedAt);
  const rows = estimates.map((at) => [
    at.c,
    at.key,
    ...cells(at.e),
    versus(target.versus_logging[at.c][at.key]),
    ...(marked ? [refusedAt(at) ? 'refused' : ''] : []),
  ]);
  const columns = [
    'component',
    'estimator',
    { header: 'estimate', align: 'right' as const },
    'interval',
    'versus logging',
    ...(marked ? [''] : []),
  ];
  const table = rows.length === 0 ? 'no estimator has its inputs' : textTable(columns, rows);
  const lines = [
    `target ${name}: ${paint(level)}`,
    estimates.every(refusedAt) && colour ? dim(table) : table,
    weights(target.diagnostics),
    ...verdictLines(target.verdict, target),
  ];
  if (joint !== undefined && joint.level !== 'supported' && estimates.some(({ key }) => key === 'joint_ips')) {
    lines.push(`joint_ips, on the products of whole slates: ${joint.level}`, ...verdictLines(joint).slice(1));
  }
  for (const [key, { parameter, selected, reason }] of Object.entries(target.tuning ?? {})) {
    lines.push(`${key}: ${parameter} ${formatNumber(selected)}, chosen on the log; ${reason}`);
  }
  const groups = target.groups === undefined ? null : groupsTable(target.groups);
  if (groups !== null) lines.push(groups.title, textTable(groups.table.columns, groups.table.rows), groups.worst);
  return lines.join('\n');
}

/** The verdict in words, one reason a line; the rows of the largest weights, which many reasons name, once at the end. */
function verdictLines({ level, reasons }: TargetResult['verdict'], target?: TargetResult): string[] {
  let worst = '';
  const bullets = reasons.map(
    (reason) =>
      `  - ${reason.replace(WORST, (_, rows: string, mild = '') => {
        worst = rows;
        return mild;
      })}`,
  );
  return [
    verdictSentence({ level, reasons: [] }, target),
    ...bullets,
    ...(worst === '' ? [] : [`  largest weights: ${worst}`]),
  ];
}

const WORST = /; largest weights: (.*?)( \(weak\))?$/s;

const cells = (e: EstimateEntry | undefined): [string, string] => [
  formatEstimate(e?.estimate, e?.lower, e?.upper),
  bounds(e),
];

/** One-sided methods leave one end open. */
function bounds(e: EstimateEntry | undefined): string {
  if (e !== undefined && e.lower !== null && e.upper === null) return `[${formatNumber(e.lower)}, ∞)`;
  return formatInterval(e?.lower, e?.upper);
}

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

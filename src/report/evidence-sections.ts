import {
  type CoverageSeries,
  type CurvePanel,
  coverageFigure,
  trainingCurves,
  weightHistogram,
} from './figures/index.js';
import { formatCount, formatInterval, formatNumber, formatPercent } from './format.js';
import type { Block, Section } from './html.js';
import type { EvaluationResult, Quantities, TargetResult } from './result.js';
import type { WeightBins } from './weight-bins.js';

export interface EvaluationExtras {
  /** Target name -> its weights, counted by `binWeights`. */
  readonly weights?: Readonly<Record<string, WeightBins>>;
  /** Policy name ("logging" for the logging policy) -> exact values, where they are known. */
  readonly truth?: Readonly<Record<string, Partial<Quantities<number | null>>>>;
  readonly coverage?: {
    readonly caption?: string;
    readonly series: readonly CoverageSeries[];
    readonly preference?: Readonly<Record<string, number>>;
  };
  readonly curves?: readonly CurvePanel[];
  /** Hash of the input's bytes, with the algorithm's name. */
  readonly inputHash?: string;
  /** Further lines for the table of settings. */
  readonly settings?: Readonly<Record<string, string>>;
}

/** How the weights behave: what the verdict judges. */
export function weightsSection(targets: readonly [string, TargetResult][], extras: EvaluationExtras): Section | null {
  if (targets.length === 0) return null;
  const histograms = targets.flatMap(([name]): Block[] => {
    const bins = extras.weights?.[name];
    return bins === undefined ? [] : [{ figure: weightHistogram({ title: `Importance weights of ${name}`, bins }) }];
  });
  const rows = targets.map(([name, { diagnostics: d }]) => [
    name,
    formatNumber(d.mean_weight),
    formatNumber(d.effective_sample_size),
    formatPercent(d.max_weight_share),
    formatNumber(d.pareto_k),
    formatPercent(d.zero_weight_share),
  ]);
  const columns = [
    'target',
    'mean weight',
    'effective sample size',
    'largest weight share',
    'Pareto k',
    'zero weights',
  ];
  const caption =
    'The mean weight should be near 1; a Pareto k near 0.7 or above means that single rounds decide the estimate (the verdict names its limit, which depends on the number of weights).';
  return { heading: 'Weights', blocks: [...histograms, { table: { columns, rows }, caption }] };
}

/** How the policies share their probability among opinions. */
export function coverageSection({ coverage: data }: EvaluationExtras): Section | null {
  if (data === undefined || data.series.length === 0) return null;
  return {
    heading: 'Opinion coverage',
    blocks: [
      { figure: coverageFigure({ title: 'Share of each opinion class, by policy', ...data }), caption: data.caption },
    ],
  };
}

/** How training went. */
export function curvesSection({ curves: panels }: EvaluationExtras): Section | null {
  if (panels === undefined || panels.length === 0) return null;
  return {
    heading: 'Training',
    blocks: [
      {
        figure: trainingCurves({ title: 'Training curves', panels }),
        caption: 'Figures of held-out rounds at the start and at the logged steps; lines join them.',
      },
    ],
  };
}

/** Sensitivity to wrong propensities, and the variance that no method escapes. */
export function robustnessSection(targets: readonly [string, TargetResult][]): Section | null {
  if (targets.length === 0) return null;
  const eta = targets.flatMap(([name, { sensitivity: s }]) =>
    (s?.eta ?? []).map((value, i) => [
      name,
      formatNumber(value),
      formatInterval(s?.utility[i]?.lower, s?.utility[i]?.upper),
      formatNumber(s?.tipping_point),
    ]),
  );
  const variance = targets.flatMap(([name, target]) =>
    (['utility', 'value'] as const).map((kind) => {
      const v = target.variance[kind];
      return [name, kind, ...[v?.estimate, v?.lower_bound, v?.z, v?.kl, v?.chi2].map((x) => formatNumber(x))];
    }),
  );
  const etaTable = { columns: ['target', 'eta', 'utility between', 'tipping point'], rows: eta };
  const varianceTable = {
    columns: ['target', 'of', 'variance of a round', 'lower bound', 'z', 'KL', 'chi-squared'],
    rows: variance,
  };
  return {
    heading: 'How far to trust it',
    blocks: [
      ...(eta.length === 0
        ? []
        : [
            {
              table: etaTable,
              caption:
                'Range of the utility if each log-propensity were off by at most eta; the tipping point is the smallest eta at which the difference from the logging policy may be zero (a dash: it may be so already).',
            },
          ]),
      {
        table: varianceTable,
        caption:
          'Plug-in variance of one round and its lower bound from the divergence of the target from the logging policy.',
      },
    ],
  };
}

/** What is needed to do it again. */
export function settingsSection({ log, settings: s, version }: EvaluationResult, extras: EvaluationExtras): Section {
  const signals = s.signals.map((signal) =>
    typeof signal === 'string'
      ? signal
      : [signal.name, signal.transform, signal.weight].filter((part) => part !== undefined).join(':'),
  );
  const rows: [string, string][] = [
    ['version', version],
    ...(extras.inputHash === undefined ? [] : ([['input hash', extras.inputHash]] as [string, string][])),
    ['rounds', formatCount(log.rounds)],
    ['responses', `${formatCount(log.responses)} (mean slate ${formatNumber(log.mean_slate)})`],
    ['rounds skipped', formatCount(log.skipped)],
    ['propensities', log.propensity],
    ['signals', signals.join(', ') || 'none'],
    ['diversity', s.diversity],
    ['tau', formatNumber(s.tau)],
    ['intervals', `${s.interval}, level ${formatNumber(s.level)}`],
    ['seed', String(s.seed)],
    ...(Array.isArray(s['examination'])
      ? ([['chance that a position is seen', s['examination'].join(', ')]] as [string, string][])
      : []),
    ...(s['bias_corrected'] === true
      ? ([['bias of estimated class probabilities', 'taken off to second order']] as [string, string][])
      : []),
    ...(s['tune'] === true
      ? ([['hyper-parameters', 'chosen on the log for each target (tuning in the JSON)']] as [string, string][])
      : []),
    ...Object.entries(extras.settings ?? {}),
  ];
  return {
    heading: 'Settings',
    blocks: [{ table: { columns: [{ header: 'setting' }, { header: 'value', align: 'left' }], rows } }],
  };
}

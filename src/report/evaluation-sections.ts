import {
  type CoverageSeries,
  type CurvePanel,
  coverageFigure,
  type IntervalRow,
  intervalFigure,
  trainingCurves,
  utilityDiversityFigure,
  weightHistogram,
} from './figures/index.js';
import {
  formatCount,
  formatEstimate,
  formatInterval,
  formatNumber,
  formatPercent,
  type MaybeNumber,
} from './format.js';
import type { Block, Section } from './html.js';
import type { EstimateResult, EstimatesByEstimator, EvaluationResult, Quantities, TargetResult } from './result.js';
import { verdictSentence, warningList } from './verdict.js';
import type { WeightBins } from './weight-bins.js';

export interface EvaluationExtras {
  /** Target name -> its weights, counted by `binWeights`. */
  readonly weights?: Readonly<Record<string, WeightBins>>;
  /** Policy name ("logging" for the logging policy) -> exact values, where they are known. */
  readonly truth?: Readonly<Record<string, Partial<Quantities<number | null>>>>;
  readonly coverage?: {
    readonly series: readonly CoverageSeries[];
    readonly preference?: Readonly<Record<string, number>>;
  };
  readonly curves?: readonly CurvePanel[];
  /** Hash of the input's bytes, with the algorithm's name. */
  readonly inputHash?: string;
  /** Further lines for the table of settings. */
  readonly settings?: Readonly<Record<string, string>>;
}

type Kind = keyof Quantities<unknown>;
const KINDS: readonly Kind[] = ['utility', 'diversity', 'value'];
const LOGGING = 'logging';

/** The sections of an evaluation: verdicts first, then pictures, tables, and what is needed to do it again. */
export function evaluationSections(result: EvaluationResult, extras: EvaluationExtras): Section[] {
  const targets = Object.entries(result.targets);
  const sections: (Section | null)[] = [
    verdicts(result, targets),
    estimates(result, targets, extras),
    differences(result, targets),
    plane(result, targets, extras),
    weights(targets, extras),
    coverage(extras),
    curves(extras),
    robustness(targets),
    settings(result, extras),
  ];
  return sections.filter((section) => section !== null && section.blocks.length > 0) as Section[];
}

function verdicts({ warnings, log }: EvaluationResult, targets: readonly [string, TargetResult][]): Section {
  const notes = targets.map(
    ([name, { verdict }]): Block => ({
      note: `${name}: ${verdict.level}. ${verdictSentence(verdict)}`,
      tone: verdict.level,
    }),
  );
  const fitted: Block[] =
    log.propensity === 'fitted'
      ? [
          {
            note: 'The logging propensities were fitted, not recorded: every estimate below rests on that fit.',
            tone: 'weak',
          },
        ]
      : [];
  const warned: Block[] = warnings.length === 0 ? [] : [{ paragraphs: ['Warnings:'] }, { list: warningList(warnings) }];
  const none: Block[] =
    targets.length === 0 ? [{ paragraphs: ['There is no target policy: only the logging policy is evaluated.'] }] : [];
  return { heading: 'Verdict', blocks: [...fitted, ...none, ...notes, ...warned] };
}

function estimates(
  result: EvaluationResult,
  targets: readonly [string, TargetResult][],
  { truth }: EvaluationExtras,
): Section {
  const blocks = KINDS.flatMap((kind): Block[] => {
    const own = result.logging[kind];
    const rows: IntervalRow[] = [
      { target: 'logging policy', estimator: 'own mean', ...bounds(own), truth: truth?.[LOGGING]?.[kind] },
      ...targets.flatMap(([name, target]) => rowsOf(name, target, target[kind], truth?.[name]?.[kind])),
    ];
    if (!rows.some(({ estimate }) => estimate !== null)) return [];
    const reference = { label: 'logging policy', value: own.estimate };
    const title = `${capital(kind)} of each policy`;
    return [
      {
        figure: intervalFigure({
          title,
          rows,
          axis: `${kind} per round (reward units)`,
          level: result.settings.level,
          reference,
        }),
      },
      { table: tableOf(rows) },
    ];
  });
  return { heading: 'Estimates', blocks };
}

function differences(result: EvaluationResult, targets: readonly [string, TargetResult][]): Section {
  const blocks = KINDS.flatMap((kind): Block[] => {
    const rows = targets.flatMap(([name, target]) => rowsOf(name, target, target.versus_logging[kind]));
    if (!rows.some(({ estimate }) => estimate !== null)) return [];
    const title = `${capital(kind)}: difference from the logging policy`;
    const reference = { label: 'no difference', value: 0 };
    return [
      {
        figure: intervalFigure({
          title,
          rows,
          axis: `difference in ${kind} per round (reward units)`,
          level: result.settings.level,
          reference,
        }),
      },
    ];
  });
  return { heading: 'Against the logging policy', blocks };
}

function plane(
  result: EvaluationResult,
  targets: readonly [string, TargetResult][],
  { truth }: EvaluationExtras,
): Section | null {
  const known = (name: string): { utility: MaybeNumber; diversity: MaybeNumber } | undefined => {
    const exact = truth?.[name];
    return exact === undefined ? undefined : { utility: exact.utility, diversity: exact.diversity };
  };
  const estimator = ['snips', 'ips', ...targets.flatMap(([, target]) => Object.keys(target.utility))].find((key) =>
    targets.every(([, { utility, diversity }]) => utility[key] !== undefined && diversity[key] !== undefined),
  );
  if (estimator === undefined || targets.length === 0) return null;
  const points = targets.map(([name, { utility, diversity, verdict }]) => ({
    name,
    utility: bounds(utility[estimator]),
    diversity: bounds(diversity[estimator]),
    truth: known(name),
    refused: verdict.level === 'refused',
  }));
  const own = {
    name: 'logging policy',
    utility: bounds(result.logging.utility),
    diversity: bounds(result.logging.diversity),
    truth: known(LOGGING),
  };
  const svg = utilityDiversityFigure({
    title: 'Utility against diversity',
    points: [own, ...points],
    utilityAxis: `utility per round (reward units, by ${estimator})`,
    diversityAxis: `diversity per round (by ${estimator})`,
    level: result.settings.level,
  });
  return { heading: 'Utility against diversity', blocks: [{ figure: svg }] };
}

function weights(targets: readonly [string, TargetResult][], extras: EvaluationExtras): Section | null {
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
    'The mean weight should be near 1; a Pareto k above 0.7 means that single rounds decide the estimate.';
  return { heading: 'Weights', blocks: [...histograms, { table: { columns, rows }, caption }] };
}

function coverage({ coverage: data }: EvaluationExtras): Section | null {
  if (data === undefined || data.series.length === 0) return null;
  return {
    heading: 'Opinion coverage',
    blocks: [{ figure: coverageFigure({ title: 'Share of each opinion class, by policy', ...data }) }],
  };
}

function curves({ curves: panels }: EvaluationExtras): Section | null {
  if (panels === undefined || panels.length === 0) return null;
  return { heading: 'Training', blocks: [{ figure: trainingCurves({ title: 'Training curves', panels }) }] };
}

function robustness(targets: readonly [string, TargetResult][]): Section | null {
  if (targets.length === 0) return null;
  const eta = targets.flatMap(([name, { sensitivity: s }]) =>
    s.eta.map((value, i) => [
      name,
      formatNumber(value),
      formatInterval(s.utility[i]?.lower, s.utility[i]?.upper),
      formatNumber(s.tipping_point),
    ]),
  );
  const variance = targets.flatMap(([name, target]) =>
    (['utility', 'value'] as const).map((kind) => {
      const { estimate, lower_bound, z, kl, chi2 } = target.variance[kind];
      return [name, kind, ...[estimate, lower_bound, z, kl, chi2].map((x) => formatNumber(x))];
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

function settings({ log, settings: s, version }: EvaluationResult, extras: EvaluationExtras): Section {
  const signals = s.signals.map((signal) => (typeof signal === 'string' ? signal : JSON.stringify(signal)));
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
    ...Object.entries(extras.settings ?? {}),
  ];
  return {
    heading: 'Settings',
    blocks: [{ table: { columns: [{ header: 'setting' }, { header: 'value', align: 'left' }], rows } }],
  };
}

const capital = (word: string): string => word.slice(0, 1).toUpperCase() + word.slice(1);

function bounds(e: Partial<EstimateResult> | undefined): {
  estimate: number | null;
  lower: number | null;
  upper: number | null;
} {
  return { estimate: e?.estimate ?? null, lower: e?.lower ?? null, upper: e?.upper ?? null };
}

const rowsOf = (
  name: string,
  { verdict }: TargetResult,
  by: EstimatesByEstimator | undefined,
  truth?: MaybeNumber,
): IntervalRow[] =>
  Object.entries(by ?? {}).map(([estimator, e]) => ({
    target: name,
    estimator,
    ...bounds(e),
    truth,
    refused: verdict.level === 'refused',
  }));

function tableOf(rows: readonly IntervalRow[]): { columns: string[]; rows: string[][] } {
  const exact = rows.some(({ truth }) => typeof truth === 'number');
  const cells = rows.map(({ target, estimator, estimate, lower, upper, truth, refused }) => [
    target,
    estimator,
    formatEstimate(estimate, lower, upper),
    formatInterval(lower, upper),
    ...(exact ? [formatEstimate(truth, lower, upper)] : []),
    refused === true ? 'refused' : '',
  ]);
  return { columns: ['policy', 'estimator', 'estimate', 'interval', ...(exact ? ['truth'] : []), ''], rows: cells };
}

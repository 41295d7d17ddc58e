import { verdictFor } from '../pope/index.js';
import {
  coverageSection,
  curvesSection,
  type EvaluationExtras,
  robustnessSection,
  settingsSection,
  weightsSection,
} from './evidence-sections.js';
import { type IntervalRow, intervalFigure, utilityDiversityFigure } from './figures/index.js';
import { formatEstimate, formatInterval, type MaybeNumber } from './format.js';
import { groupsSection } from './groups-table.js';
import type { Block, Section } from './html.js';
import type { EstimateResult, EstimatesByEstimator, EvaluationResult, Quantities, TargetResult } from './result.js';
import { verdictSentence, warningList } from './verdict.js';

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
    groupsSection(targets),
    plane(result, targets, extras),
    weightsSection(targets, extras),
    coverageSection(extras),
    curvesSection(extras),
    robustnessSection(targets),
    settingsSection(result, extras),
  ];
  return sections.filter((section) => section !== null && section.blocks.length > 0) as Section[];
}

function verdicts({ warnings, log }: EvaluationResult, targets: readonly [string, TargetResult][]): Section {
  const notes = targets.flatMap(([name, target]): Block[] => {
    const { verdict, joint_verdict } = target;
    const own: Block = { note: `${name}: ${verdict.level}. ${verdictSentence(verdict, target)}`, tone: verdict.level };
    if (joint_verdict === undefined || joint_verdict.level === 'supported') return [own];
    const joint = `${name}, joint_ips (products of whole slates): ${joint_verdict.level}.`;
    return [own, { note: `${joint} ${verdictSentence(joint_verdict)}`, tone: joint_verdict.level }];
  });
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
    const reference = { label: 'logging policy', value: own?.estimate };
    const title = `${capital(kind)} of each policy`;
    return [
      {
        figure: intervalFigure({
          title,
          rows,
          axis: `${kind} per round (${unitOf(kind)})`,
          level: result.settings.level,
          reference,
        }),
      },
      { table: tableOf(rows) },
    ];
  });
  return { heading: 'Estimates', blocks };
}

const unitOf = (kind: Kind): string =>
  ({ utility: 'reward units', diversity: 'nats', value: 'reward units + tau x nats' })[kind];

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
          axis: `difference in ${kind} per round (${unitOf(kind)})`,
          level: result.settings.level,
          reference,
          // The first colour is the logging policy's.
          firstColor: 1,
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
  const points = targets.map(([name, target]) => ({
    name,
    utility: bounds(target.utility[estimator]),
    diversity: bounds(target.diversity[estimator]),
    truth: known(name),
    refused: verdictFor(target, estimator).level === 'refused',
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

const capital = (word: string): string => word.slice(0, 1).toUpperCase() + word.slice(1);

function bounds(e: EstimateResult | null | undefined): {
  estimate: number | null;
  lower: number | null;
  upper: number | null;
} {
  return { estimate: e?.estimate ?? null, lower: e?.lower ?? null, upper: e?.upper ?? null };
}

const rowsOf = (
  name: string,
  target: TargetResult,
  by: EstimatesByEstimator | undefined,
  truth?: MaybeNumber,
): IntervalRow[] =>
  Object.entries(by ?? {}).map(([estimator, e]) => ({
    target: name,
    estimator,
    ...bounds(e),
    truth,
    refused: verdictFor(target, estimator).level === 'refused',
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

import { diagnose, type Log, type Warning } from '../ope/index.js';
import { assertInteger, invalid } from '../util/index.js';
import type { Settings } from './evaluate-settings.js';
import { type EvaluationRows, evaluationRows, takeRows } from './evaluation-rows.js';
import { type Entries, noEntries, type PendingFigure, targetFigures } from './figures.js';
import type { ScoredPolicy } from './log-diversity.js';
import { type PolicyTerms, pairedTerms, policyTerms } from './policy-terms.js';
import type { EstimatesByKey, GroupResult, GroupsResult, WorstGroup } from './result.js';
import { unitOfResponse } from './target-parts.js';
import { responseVerdict } from './target-verdict.js';
import type { TunedParameters } from './tune.js';

/** The rows of one group of raters: the same log, with that group's feedback in the place of everybody's. */
export interface GroupRows {
  readonly name: string;
  readonly rows: EvaluationRows;
}

/**
 * The groups of raters that a log knows (T22), each with the rounds that it rated. A group that lacks one of the signals
 * has no utility and is left out, with a warning.
 */
export function groupRows(log: Log, settings: Settings, warnings: Warning[]): GroupRows[] {
  const groups: GroupRows[] = [];
  for (const [name, feedback] of log.groupFeedback) {
    const lacking = settings.signals.find(
      (signal) => feedback.get(signal.name)?.some((f) => !Number.isNaN(f)) !== true,
    );
    if (lacking !== undefined) {
      warnings.push({
        code: 'group_without_signal',
        message: `group ${name} has no feedback for ${lacking.name} and is left out of the groups.`,
      });
      continue;
    }
    const rows = evaluationRows({ ...log, feedback }, settings.signals, { examination: settings.examination });
    groups.push({ name, rows });
  }
  return groups;
}

// #region T22
/**
 * The level of each of G intervals that hold together with probability `level` (Bonferroni): 1 - (1 - level)/G.
 * @param level above 0 and below 1. @param groups G, an integer of at least 1. @throws PopeError where one is not.
 * @id T22
 */
export function simultaneousLevel(level: number, groups: number): number {
  if (!(level > 0 && level < 1)) throw invalid('level', level, 'a number above 0 and below 1');
  assertInteger('groups', groups, 1);
  return 1 - (1 - level) / groups;
}
// #endregion T22

/** What has to be filled in once the group's figures have their intervals. */
export interface PendingGroup {
  readonly name: string;
  readonly rows: EvaluationRows;
  readonly figures: readonly PendingFigure[];
  readonly finish: () => GroupResult;
}

/** Utility and value of one target among one group's rounds, and their paired differences from the logging policy. */
export function pendingGroup(
  { name, rows }: GroupRows,
  target: string,
  policy: ScoredPolicy,
  settings: Settings & { readonly tuned?: TunedParameters | undefined },
  warnings: Warning[],
): PendingGroup {
  // one rated response a round has no entropy of a slate
  const bare = settings.diversity === 'slate' && rows.responseIndex.length === rows.roundIndex.length;
  const use = bare ? { ...settings, diversity: 'none' as const } : settings;
  const logging = policyTerms(
    rows,
    { logProb: rows.log.logPropensity! },
    { ...use, estimators: ['ips', 'joint_ips'] },
    new Float64Array(rows.responseIndex.length),
  );
  const logProb = takeRows(rows, policy.logProb);
  const logRatio = logProb.map((p, m) => p - rows.logPropensity[m]);
  const own = policyTerms(rows, policy, use, logRatio, target);
  const paired = pairedTerms(rows, policy, use, logRatio, target, own);
  const kept = (of: PolicyTerms): PolicyTerms => (bare ? { ...of, terms: { ...of.terms, value: {} } } : of);
  const entries: { own: Entries; versus: Entries } = { own: noEntries(), versus: noEntries() };
  const figures = targetFigures(
    `${target}, group ${name}`,
    { own: kept({ ...own, terms: { ...own.terms, diversity: {} } }), paired: kept(paired), logging },
    entries,
    rows,
    warnings,
    settings,
  );
  return {
    name,
    rows,
    figures,
    finish: () => {
      const diagnostics = diagnose(logRatio, unitOfResponse(rows), rows.units);
      return {
        rounds: rows.roundIndex.length,
        responses: rows.responseIndex.length,
        effective_sample_size: diagnostics.effectiveSampleSize,
        verdict: responseVerdict(rows, logRatio, diagnostics, settings),
        utility: entries.own.utility,
        value: entries.own.value,
        versus_logging: { utility: entries.versus.utility, value: entries.versus.value },
      };
    },
  };
}

/** All groups of one target with the worst of them by every figure. */
export function groupsResult(level: number, groups: Readonly<Record<string, GroupResult>>): GroupsResult {
  const worst = (of: (group: GroupResult) => EstimatesByKey): Record<string, WorstGroup> => {
    // a group may lack an estimator, which then has no worst group, whatever the order of groups
    const keys = new Set(Object.values(groups).flatMap((group) => Object.keys(of(group))));
    return Object.fromEntries([...keys].map((key) => [key, worstGroup(groups, (group) => of(group)[key])]));
  };
  return {
    level,
    groups,
    worst: {
      utility: worst((g) => g.utility),
      value: worst((g) => g.value),
      versus_logging: { utility: worst((g) => g.versus_logging.utility), value: worst((g) => g.versus_logging.value) },
    },
  };
}

/**
 * The group with the smallest estimate, and an interval for the smallest of the true values: simultaneous intervals hold
 * for all groups at once, so the minimum lies between the smallest lower and the smallest upper end. The smallest
 * estimate itself is below the smallest value on average. A group without an estimate could be the worst: then null.
 */
function worstGroup(
  groups: Readonly<Record<string, GroupResult>>,
  entryOf: (group: GroupResult) => EstimatesByKey[string],
): WorstGroup {
  const entries = Object.entries(groups).map(([name, group]) => ({ name, entry: entryOf(group) }));
  const smallest = (values: readonly (number | null | undefined)[]): number | null =>
    values.some((v) => v == null) ? null : Math.min(...(values as number[]));
  const estimate = smallest(entries.map(({ entry }) => entry?.estimate));
  const found = entries.find(({ entry }) => estimate !== null && entry?.estimate === estimate);
  return {
    group: found?.name ?? null,
    estimate,
    lower: smallest(entries.map(({ entry }) => entry?.lower)),
    upper: smallest(entries.map(({ entry }) => entry?.upper)),
  };
}

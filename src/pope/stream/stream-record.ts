import type { Log, Warning } from '../../ope/index.js';
import { PopeError } from '../../util/index.js';
import { evaluationRows } from '../evaluation-rows.js';
import type { ScoredPolicy } from '../log-diversity.js';
import { ownTerms } from '../policy-terms.js';
import type { Component } from '../result.js';
import { utilityReward } from '../utility.js';
import { clusterNames, mergeClusters } from './cluster-names.js';
import { type FigureRecord, figureRecord, mergeFigures } from './figure-record.js';
import type { StreamSettings } from './stream-settings.js';
import {
  byComponent,
  mergeMaps,
  mergeRanges,
  mergeTargets,
  partTerms,
  type Range,
  rangeOf,
  type TargetRecord,
  targetRecord,
} from './target-record.js';

/** A warning that parts of the log brought along, and how many did. */
export interface PartWarning {
  readonly message: string;
  readonly parts: number;
}

/** What a part of a log adds to an evaluation: all that the result is made of, constant in size (T17). */
export interface StreamRecord {
  readonly parts: number;
  /** Rounds read, used, skipped as bad, and left out without feedback. */
  readonly read: number;
  readonly rounds: number;
  readonly skipped: number;
  readonly dropped: number;
  readonly responses: number;
  readonly units: number;
  readonly clustered: boolean;
  /** Names of the clusters seen, to find one that two parts share; null beyond `clusterLimit`. */
  readonly clusters: readonly string[] | null;
  readonly fitted: boolean;
  /** Signals of which some response had a number. */
  readonly signals: readonly string[];
  /** Parts with predicted rewards on all rounds, and with predicted values of each target. */
  readonly rewardParts: number;
  readonly valueParts: Readonly<Record<string, number>>;
  readonly utilityRange: Range;
  readonly warnings: Readonly<Record<string, PartWarning>>;
  readonly logging: Readonly<Record<Component, FigureRecord | null>>;
  readonly targets: Readonly<Record<string, TargetRecord>>;
}

/** The record of no rounds: the identity of `mergeRecords`. */
export const emptyRecord: StreamRecord = {
  parts: 0,
  read: 0,
  rounds: 0,
  skipped: 0,
  dropped: 0,
  responses: 0,
  units: 0,
  clustered: false,
  clusters: [],
  fitted: false,
  signals: [],
  rewardParts: 0,
  valueParts: {},
  utilityRange: [Infinity, -Infinity],
  warnings: {},
  logging: { utility: null, diversity: null, value: null },
  targets: {},
};

/**
 * The record of one part of a log, and of targets that it does not carry itself.
 * @throws PopeError where the part lacks propensities, or an option does not fit it.
 */
export function recordOf(
  part: Log,
  targets: Readonly<Record<string, ScoredPolicy>>,
  settings: StreamSettings,
): StreamRecord {
  if (settings.interval === 'log-smoothing' && part.clusters !== null) {
    throw new PopeError(
      'the log has clusters, whose mean size log-smoothing needs beforehand; expected interval t in a stream.',
      { argument: 'interval' },
    );
  }
  const log = withSignals(part, settings);
  const signals = settings.signals.map(({ name }) => name).filter((name) => part.feedback.has(name));
  const head = {
    ...emptyRecord,
    parts: 1,
    read: log.rounds,
    skipped: log.skipped,
    fitted: log.propensity === 'fitted',
    signals,
    rewardParts: log.predictedReward === null ? 0 : 1,
    valueParts: Object.fromEntries([...log.predictedValue.keys()].map((name) => [name, 1])),
    warnings: partWarnings(log.warnings),
  };
  // a part without any feedback is none of the whole log's business
  if (utilityReward(log, settings.signals).every(Number.isNaN)) return { ...head, dropped: log.rounds };
  const rows = evaluationRows(log, settings.signals, { examination: settings.examination });
  const logging = partTerms(
    rows,
    { logProb: log.logPropensity! },
    { ...settings, estimators: ['ips', 'joint_ips'] },
    new Float64Array(rows.responseIndex.length),
  ).terms;
  const policies = new Map(Object.entries(targets));
  for (const [name, logProb] of log.targetLogProb) if (!policies.has(name)) policies.set(name, { logProb });
  return {
    ...head,
    rounds: rows.roundIndex.length,
    dropped: rows.droppedRounds,
    responses: rows.responseIndex.length,
    units: rows.units,
    clustered: rows.clustered,
    clusters: clusterNames(log, rows.roundIndex),
    utilityRange: rangeOf(rows.utility),
    logging: byComponent((c) => {
      const terms = ownTerms(logging[c]);
      return terms === undefined ? null : figureRecord(terms, rows, { logScale: 0, lambda: settings.intervalLambda });
    }),
    targets: Object.fromEntries(
      [...policies].map(([name, policy]) => [name, targetRecord(rows, name, policy, logging, settings)]),
    ),
  };
}

// #region T17
/**
 * The record of two parts of a log together: commutative and associative to rounding, `emptyRecord` its identity. So any
 * split of a log into parts of whole units, in any order and merged in any tree, gives one and the same result.
 * @throws PopeError where a cluster is in both.
 * @id T17
 */
export function mergeRecords(x: StreamRecord, y: StreamRecord): StreamRecord {
  return {
    parts: x.parts + y.parts,
    read: x.read + y.read,
    rounds: x.rounds + y.rounds,
    skipped: x.skipped + y.skipped,
    dropped: x.dropped + y.dropped,
    responses: x.responses + y.responses,
    units: x.units + y.units,
    clustered: x.clustered || y.clustered,
    clusters: mergeClusters(x.clusters, y.clusters),
    fitted: x.fitted || y.fitted,
    signals: [...new Set([...x.signals, ...y.signals])].sort(),
    rewardParts: x.rewardParts + y.rewardParts,
    valueParts: mergeMaps(x.valueParts, y.valueParts, (a, b) => a + b),
    utilityRange: mergeRanges(x.utilityRange, y.utilityRange),
    warnings: mergeMaps(x.warnings, y.warnings, mergeWarnings),
    logging: byComponent((c) => {
      const [a, b] = [x.logging[c], y.logging[c]];
      return a && b ? mergeFigures(a, b) : (a ?? b);
    }),
    targets: mergeMaps(x.targets, y.targets, mergeTargets),
  };
}
// #endregion T17

/** The smaller message, so that no order of parts matters. */
const mergeWarnings = (x: PartWarning, y: PartWarning): PartWarning => ({
  message: [x.message, y.message].sort()[0],
  parts: x.parts + y.parts,
});

const partWarnings = (warnings: readonly Warning[]): Record<string, PartWarning> =>
  Object.fromEntries(warnings.map(({ code, message }) => [code, { message, parts: 1 }]));

/** A signal that no response of this part has may be on those of another: here it is missing. */
function withSignals(log: Log, { signals }: StreamSettings): Log {
  const lacking = signals.filter(({ name }) => !log.feedback.has(name));
  if (lacking.length === 0) return log;
  const feedback = new Map(log.feedback);
  for (const { name } of lacking) feedback.set(name, new Float64Array(log.responseCount).fill(Number.NaN));
  return { ...log, feedback };
}

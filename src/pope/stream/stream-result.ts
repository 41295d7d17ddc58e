import { judge, type Warning } from '../../ope/index.js';
import { tailOfLargest } from '../../stats/index.js';
import { version } from '../../version.js';
import { settingsRecord } from '../evaluate-settings.js';
import { evaluationWarnings, logWideWarnings } from '../evaluation-warnings.js';
import type { LogDiversity } from '../log-diversity.js';
import type { EstimatesByKey, EvaluationResult, TargetResult, VerdictResult } from '../result.js';
import { diagnosticsResult } from '../target-parts.js';
import { worseOf } from '../target-verdict.js';
import { assertWhole } from './assert-whole.js';
import { clusterLimit } from './cluster-names.js';
import { covariances } from './covariances.js';
import { figureEntries } from './figure-entries.js';
import type { StreamRecord } from './stream-record.js';
import type { StreamSettings } from './stream-settings.js';
import type { TargetRecord } from './target-record.js';
import { varianceResult } from './variance-record.js';
import { diagnosticsOf, type WeightRecord } from './weight-record.js';
import { partialPredictions } from './whole-keys.js';

/**
 * The result of a record: that of `evaluate` on the whole log, but for what needs all rounds at once, which is null or
 * left out and named in the warning `not_streamed`.
 * @throws PopeError where there was no feedback, a signal or target is missing, or an estimator lacks its inputs.
 */
export function streamResult(record: StreamRecord, settings: StreamSettings): EvaluationResult {
  assertWhole(record, settings);
  const warnings: Warning[] = [...carriedWarnings(record), ...partialPredictions(record)];
  const entries = figureEntries(record, settings, warnings);
  const targets = Object.entries(record.targets).map(([name, target]): [string, TargetResult] => [
    name,
    {
      ...entries.targets[name],
      ...targetParts(name, target, entries.targets[name].utility, record, settings, warnings),
    },
  ]);
  const policies = targets.length;
  const wide = {
    droppedRounds: record.dropped,
    clustered: record.clustered,
    units: record.units,
    log: { propensity: record.fitted ? ('fitted' as const) : ('logged' as const) },
  };
  warnings.push(...logWideWarnings(wide, policies, settings.diversity), notStreamed(record, settings));
  return {
    version,
    log: {
      rounds: record.rounds,
      responses: record.responses,
      skipped: record.skipped,
      mean_slate: record.responses / record.rounds,
      propensity: record.fitted ? 'fitted' : 'logged',
    },
    settings: settingsRecord(settings),
    logging: entries.logging,
    targets: Object.fromEntries(targets),
    warnings,
  };
}

/** All of a target's result beside its figures. */
function targetParts(
  name: string,
  target: TargetRecord,
  utility: EstimatesByKey,
  record: StreamRecord,
  settings: StreamSettings,
  warnings: Warning[],
) {
  const diagnostics = diagnosticsOf(target.responses, record.units);
  const rewarded = target.rewarded && tailOfLargest(target.rewarded);
  const nameOf = (weights: WeightRecord) => (k: number) =>
    `round ${weights.largest[k].id} (log-ratio ${weights.largest[k].logRatio.toFixed(2)})`;
  const single: VerdictResult = judge(diagnostics, {
    count: target.responses.count,
    tails: rewarded ? { 'weight times reward': rewarded.k } : {},
    limits: settings.limits,
    nameOf: nameOf(target.responses),
  });
  const joint = record.responses > record.rounds ? diagnosticsOf(target.slates, record.units) : null;
  const slates =
    joint &&
    judge(joint, {
      count: target.slates.count,
      unit: 'slates',
      limits: settings.limits,
      nameOf: nameOf(target.slates),
    });
  const onlyJoint = Object.keys(utility).every((key) => key === 'joint_ips');
  const diversity: LogDiversity = target.diversityRange
    ? { form: 'response', reward: Float64Array.from(target.diversityRange) }
    : { form: 'none' };
  const rows = { responseIndex: { length: record.responses }, utility: Float64Array.from(record.utilityRange) };
  warnings.push(...evaluationWarnings(name, diagnostics, rows, diversity, settings.tau));
  if (diagnostics.shortened || rewarded?.shortened || joint?.shortened) {
    warnings.push({
      code: 'tail_shortened',
      message: `${name}: the tail index rests on the ${settings.tailCapacity - 1} largest weights, fewer than 3 sqrt(n): it is of a tail further out, and noisier.`,
    });
  }
  return {
    diagnostics: { ...diagnosticsResult(diagnostics), ...(joint && { joint: diagnosticsResult(joint) }) },
    verdict: slates && onlyJoint ? worseOf(single, slates) : single,
    ...(slates && { joint_verdict: slates }),
    sensitivity: null,
    variance: byVariance(target, record.rounds),
    value_variance: covariances(target, record.rounds, settings.tau),
  };
}

const byVariance = ({ variance }: TargetRecord, rounds: number): TargetResult['variance'] => ({
  utility: variance.utility && varianceResult(variance.utility, rounds),
  value: variance.value && varianceResult(variance.value, rounds),
});

/** What the parts brought along. Of a part's few rounds or placeholders only the whole log can tell. */
function carriedWarnings(record: StreamRecord): Warning[] {
  const warnings: Warning[] = [];
  for (const [code, { message, parts }] of Object.entries(record.warnings).sort(([a], [b]) => (a < b ? -1 : 1))) {
    if (code === 'few_rounds') {
      if (record.read >= 30) continue;
      const count = record.read === 1 ? 'there is only 1 round' : `there are only ${record.read} rounds`;
      warnings.push({ code: 'few_rounds', message: `${count}; intervals need about 30 or more to be trusted.` });
    } else if (code === 'placeholder_propensity') {
      if (parts === record.parts) warnings.push({ code, message });
    } else {
      const of = parts === 1 ? '' : ` (One of ${parts} parts of the log with such a warning.)`;
      warnings.push({ code, message: `${message}${of}` });
    }
  }
  return warnings;
}

function notStreamed(record: StreamRecord, { leftOut }: StreamSettings): Warning {
  const estimators = leftOut.length === 0 ? '' : `, the estimators ${leftOut.join(', ')}`;
  const clusters =
    record.clustered && record.clusters === null
      ? ` More than ${clusterLimit} clusters: it was not checked that each is in one part.`
      : '';
  return {
    code: 'not_streamed',
    message: `The log was read in ${record.parts} ${record.parts === 1 ? 'part' : 'parts'}: sensitivity, groups of raters${estimators} need the whole log and are left out; duplicate ids were looked for within each part alone.${clusters}`,
  };
}

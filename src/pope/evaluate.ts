import { diagnose, type Log, largestLogRatio, type Warning } from '../ope/index.js';
import { PopeError } from '../util/index.js';
import { version } from '../version.js';
import { type EvaluateOptions, settingsOf, settingsRecord } from './evaluate-settings.js';
import { evaluationRows, takeRows } from './evaluation-rows.js';
import { evaluationWarnings, logWideWarnings } from './evaluation-warnings.js';
import { finishFigures, noEntries, type PendingFigure, targetFigures } from './figures.js';
import { groupsByTarget } from './groups-by-target.js';
import { plugInOfDiversity, type ScoredPolicy } from './log-diversity.js';
import { plugInOf } from './plug-in.js';
import { ownTerms, pairedTerms, policyTerms, predictionColumns } from './policy-terms.js';
import { type Component, components, type EstimateEntry, type EvaluationResult, type TargetResult } from './result.js';
import {
  diagnosticsResult,
  jointWeights,
  sensitivityOf,
  unitOfResponse,
  valueVariances,
  varianceOf,
} from './target-parts.js';
import { responseVerdict, slateVerdict, worseOf } from './target-verdict.js';
import { tuneTarget } from './tune.js';

/**
 * Off-policy evaluation of every target on a log: estimates of utility, diversity and value with intervals, their paired
 * differences from the logging policy, diagnostics, verdict, sensitivity and variance.
 * @throws PopeError where the log lacks propensities or a signal, or an option is outside of its domain.
 */
export function evaluate(log: Log, options: EvaluateOptions): EvaluationResult {
  const settings = settingsOf(options);
  const rows = evaluationRows(log, options.signals, { examination: settings.examination });
  const warnings: Warning[] = [...log.warnings];
  const figures: PendingFigure[] = [];

  const logging = policyTerms(
    rows,
    { logProb: log.logPropensity! },
    { ...settings, estimators: ['ips', 'joint_ips'] },
    new Float64Array(rows.responseIndex.length),
  );
  const ownPlugIn = plugInOfDiversity(logging.diversity);
  const own: Record<Component, EstimateEntry | null> = { utility: null, diversity: null, value: null };
  for (const c of components) {
    const terms = ownTerms(logging.terms[c]);
    const put = (entry: EstimateEntry): void => {
      own[c] = entry;
    };
    const plugIn = plugInOf(c, settings.tau, ownPlugIn);
    if (terms !== undefined) figures.push({ path: `logging.${c}`, terms, isDifference: false, plugIn, put });
  }

  const policies = new Map<string, ScoredPolicy>(Object.entries(options.targets ?? {}));
  for (const [name, logProb] of log.targetLogProb) if (!policies.has(name)) policies.set(name, { logProb });
  const estimated = [...policies].map(([name, policy]) => {
    const logProb = takeRows(rows, policy.logProb);
    const logRatio = logProb.map((p, m) => p - rows.logPropensity[m]);
    // NaN and Infinity are refused here, before any estimator sees them
    largestLogRatio(logRatio);
    const tuning =
      settings.tune && settings.local
        ? tuneTarget(rows, logRatio, predictionColumns(rows, name), settings)
        : { tuned: {}, report: {} };
    const use = { ...settings, tuned: tuning.tuned };
    const found = policyTerms(rows, policy, use, logRatio, name);
    const entries = { own: noEntries(), versus: noEntries() };
    const paired = pairedTerms(rows, policy, use, logRatio, name, found);
    figures.push(...targetFigures(name, { own: found, paired, logging }, entries, rows, warnings, use));
    return { name, logRatio, found, entries, tuning };
  });
  for (const key of options.estimators ?? []) {
    const used = estimated.some(({ found }) => components.some((c) => found.terms[c][key] !== undefined));
    if (used || estimated.length === 0) continue;
    throw new PopeError(
      `estimator ${key} lacks its inputs: model-based ones need predicted_value.TARGET and predicted_reward on every response, log_smoothing a utility of at least 0, and all but joint_ips a utility that is local (not rank or share).`,
      { argument: 'estimators', got: key },
    );
  }
  finishFigures(figures, settings, rows, warnings);
  const tunedOf = new Map(estimated.map(({ name, tuning }) => [name, tuning.tuned]));
  const groups = groupsByTarget(log, policies, settings, tunedOf, warnings);

  const targets = estimated.map(({ name, logRatio, found, entries, tuning }): [string, TargetResult] => {
    const diagnostics = diagnose(logRatio, unitOfResponse(rows), rows.units);
    const joint = jointWeights(rows, logRatio);
    const single = responseVerdict(rows, logRatio, diagnostics, settings);
    const slates = joint && slateVerdict(rows, joint, settings.limits);
    const plugIn = plugInOfDiversity(found.diversity);
    // where nothing but joint estimates is there, they are what the verdict is about
    const onlyJoint = Object.keys(entries.own.utility).every((key) => key === 'joint_ips');
    warnings.push(
      ...evaluationWarnings(
        name,
        diagnostics,
        rows,
        found.diversity,
        settings.tau,
        smallestError(entries.own.diversity),
      ),
    );
    return [
      name,
      {
        ...entries.own,
        versus_logging: entries.versus,
        ...(plugIn && {
          diversity_bias: plugIn.bias,
          ...(plugIn.removed !== undefined && { diversity_bias_removed: plugIn.removed }),
          diversity_bias_unknown: plugIn.unknown,
        }),
        diagnostics: {
          ...diagnosticsResult(diagnostics),
          ...(joint && { joint: diagnosticsResult(joint.diagnostics) }),
        },
        verdict: slates && onlyJoint ? worseOf(single, slates) : single,
        ...(slates && { joint_verdict: slates }),
        sensitivity: sensitivityOf(
          rows,
          logRatio,
          own.utility?.estimate ?? null,
          entries.versus.utility['snips'],
          settings,
        ),
        variance: varianceOf(rows, logRatio, found.diversity, settings),
        value_variance: valueVariances(found.terms, rows, settings.tau),
        ...(settings.tune && { tuning: tuning.report }),
        ...(groups.has(name) && { groups: groups.get(name)! }),
      },
    ];
  });
  warnings.push(...logWideWarnings(rows, policies.size, settings.diversity, settings.biasCorrected));
  if (estimated.some(({ tuning }) => Object.keys(tuning.tuned).length > 0)) {
    warnings.push({
      code: 'tuned_on_log',
      message:
        'Hyper-parameters were chosen on the same log: the utility by those estimators may be biased by as much as its error, and has no interval. Read the report of the choice beside ips.',
    });
  }
  return {
    version,
    log: {
      rounds: rows.roundIndex.length,
      responses: rows.responseIndex.length,
      skipped: log.skipped,
      mean_slate: rows.responseIndex.length / rows.roundIndex.length,
      propensity: log.propensity === 'fitted' ? 'fitted' : 'logged',
    },
    settings: settingsRecord(settings),
    logging: own,
    ...(ownPlugIn && {
      logging_diversity_bias: ownPlugIn.bias,
      ...(ownPlugIn.removed !== undefined && { logging_diversity_bias_removed: ownPlugIn.removed }),
    }),
    targets: Object.fromEntries(targets),
    warnings,
  };
}

const smallestError = (entries: Readonly<Record<string, EstimateEntry>>): number =>
  Object.values(entries).reduce((least, { std_error }) => Math.min(least, std_error ?? Infinity), Infinity);

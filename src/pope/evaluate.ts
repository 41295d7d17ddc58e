import { defaultLimits, diagnose, type Log, largestLogRatio, type VerdictLimits, type Warning } from '../ope/index.js';
import { seededRandom } from '../random/index.js';
import { combineTerms, type Interval, type IntervalMethod, type RoundTermArrays } from '../stats/index.js';
import { assertRange, invalid, PopeError } from '../util/index.js';
import { version } from '../version.js';
import type { DiversityKind } from './diversity.js';
import {
  defaultEstimatorParameters,
  type EstimatorKey,
  type EstimatorParameters,
  estimatorKeys,
} from './estimator-keys.js';
import { type EvaluationRows, evaluationRows, takeRows } from './evaluation-rows.js';
import { evaluationWarnings } from './evaluation-warnings.js';
import { type Figure, figureIntervals } from './figure-intervals.js';
import type { ScoredPolicy } from './log-diversity.js';
import { ownTerms, policyTerms } from './policy-terms.js';
import { components, type EstimateEntry, type EvaluationResult, type TargetResult } from './result.js';
import { diagnosticsResult, jointWeights, sensitivityOf, unitOfResponse, varianceOf } from './target-parts.js';
import { targetVerdict } from './target-verdict.js';
import { isLocal, type Signal } from './utility.js';

export interface EvaluateOptions {
  readonly signals: readonly Signal[];
  /** Weight of the diversity; default 1. */
  readonly tau?: number;
  /** Default surprisal, the paper's. */
  readonly diversity?: DiversityKind;
  /** Default all that have their inputs. */
  readonly estimators?: readonly EstimatorKey[];
  readonly interval?: IntervalMethod;
  readonly level?: number;
  readonly resamples?: number;
  readonly seed?: number;
  readonly parameters?: Partial<EstimatorParameters>;
  /** Declared range of a round's term, for bernstein, hoeffding and betting. */
  readonly rewardRange?: readonly [number, number];
  readonly limits?: VerdictLimits;
  /** Policies beyond the targets that the log carries. */
  readonly targets?: Readonly<Record<string, ScoredPolicy>>;
}

/**
 * Off-policy evaluation of every target on a log: estimates of utility, diversity and value with intervals, their paired
 * differences from the logging policy, diagnostics, verdict, sensitivity and variance.
 * @throws PopeError where the log lacks propensities or a signal, or an option is outside of its domain.
 * @id D6
 */
export function evaluate(log: Log, options: EvaluateOptions): EvaluationResult {
  const settings = withDefaults(options);
  const rows = evaluationRows(log, options.signals);
  const warnings: Warning[] = [...log.warnings];
  const logging = policyTerms(
    rows,
    { logProb: log.logPropensity! },
    { ...settings, estimators: ['ips', 'joint_ips'] },
    new Float64Array(rows.responseIndex.length),
  );
  const all: Figure[] = [];
  const beyond: string[] = [];
  const collect = (path: string, terms: RoundTermArrays): void =>
    void all.push({ path, terms, isDifference: path.startsWith('versus/') });

  for (const c of components) {
    const terms = ownTerms(logging.terms[c]);
    if (terms !== undefined) collect(`logging/${c}`, terms);
  }
  const scored = new Map<string, ScoredPolicy>(Object.entries(options.targets ?? {}));
  for (const [name, logProb] of log.targetLogProb) if (!scored.has(name)) scored.set(name, { logProb });
  if (scored.size === 0)
    warnings.push({
      code: 'no_target',
      message: 'The log carries no target and none was given: only the logging policy was evaluated.',
    });

  const perTarget = [...scored].map(([name, policy]) => {
    const logProb = takeRows(rows, policy.logProb);
    const logRatio = logProb.map((p, m) => (p === -Infinity ? -Infinity : p - rows.logPropensity[m]));
    largestLogRatio(logRatio);
    const found = policyTerms(rows, policy, settings, logRatio, name);
    for (const c of components) {
      for (const [key, terms] of Object.entries(found.terms[c])) {
        const reason = unusable(terms, rows);
        if (reason !== null) {
          warnings.push({ code: 'overflow', message: `${name}: ${c}.${key} is beyond float64 ${reason}; it is null.` });
          beyond.push(`targets/${name}/${c}/${key}`);
          continue;
        }
        collect(`targets/${name}/${c}/${key}`, terms);
        const reference = ownTerms(logging.terms[c]);
        if (reference !== undefined) collect(`versus/${name}/${c}/${key}`, combineTerms(terms, reference, -1));
      }
    }
    return { name, logRatio, found };
  });

  const clusterOptions = rows.clustered ? { clusterOf: rows.unitOfRound, clusters: rows.units } : {};
  const { intervals: computed, without } = figureIntervals(settings.interval, all, {
    level: settings.level,
    resamples: settings.resamples,
    random: seededRandom(settings.seed),
    range: settings.rewardRange,
    ...clusterOptions,
  });
  if (without.length > 0) {
    const message = `${settings.interval} has no interval for ${without.length} of ${all.length} figures, whose bounds are null; the first, ${without[0].path}: ${without[0].reason}`;
    warnings.push({ code: 'no_interval', message });
  }
  const undefinedFigures = all.filter((_, i) => !Number.isFinite(computed[i].estimate));
  if (undefinedFigures.length > 0) {
    warnings.push({
      code: 'undefined_estimate',
      message: `${undefinedFigures.length} figures have no finite estimate (all weights 0, or sums beyond float64) and are null; the first: ${undefinedFigures[0].path.replaceAll('/', '.')}.`,
    });
  }
  const entries = new Map(all.map(({ path }, i) => [path, entry(computed[i])]));
  for (const path of beyond) entries.set(path, { estimate: null, std_error: null, lower: null, upper: null });
  const under = (prefix: string): Record<string, EstimateEntry> =>
    Object.fromEntries(
      [...entries].filter(([path]) => path.startsWith(prefix)).map(([path, e]) => [path.slice(prefix.length), e]),
    );

  const targets: Record<string, TargetResult> = {};
  for (const { name, logRatio, found } of perTarget) {
    const diagnostics = diagnose(logRatio, unitOfResponse(rows), rows.units);
    const joint = jointWeights(rows, logRatio);
    const judgesSlates = !settings.local || found.diversity.form === 'slate';
    const verdict = targetVerdict(rows, logRatio, diagnostics, joint, {
      limits: settings.limits,
      local: settings.local,
      judgesSlates,
    });
    const versusUtility = entries.get(`versus/${name}/utility/snips`);
    targets[name] = {
      utility: under(`targets/${name}/utility/`),
      diversity: under(`targets/${name}/diversity/`),
      value: under(`targets/${name}/value/`),
      versus_logging: {
        utility: under(`versus/${name}/utility/`),
        diversity: under(`versus/${name}/diversity/`),
        value: under(`versus/${name}/value/`),
      },
      diagnostics: { ...diagnosticsResult(diagnostics), ...(joint && { joint: diagnosticsResult(joint.diagnostics) }) },
      verdict,
      sensitivity: sensitivityOf(
        rows,
        logRatio,
        entries.get('logging/utility')?.estimate ?? null,
        versusUtility,
        settings,
      ),
      variance: varianceOf(rows, logRatio, found.diversity, settings),
    };
    warnings.push(...evaluationWarnings(name, diagnostics, rows, found.diversity, settings.tau));
  }
  if (rows.droppedRounds > 0) {
    warnings.push({
      code: 'missing_feedback',
      message: `${rows.droppedRounds} rounds have no feedback for the chosen signals and were left out.`,
    });
  }
  const pooled = [...scored.values()].some(({ classLogProb }) => classLogProb === undefined);
  if (settings.diversity === 'distribution' || (settings.diversity === 'coverage' && pooled)) {
    warnings.push({
      code: 'estimated_classes',
      message: `The class probabilities behind diversity "${settings.diversity}" are estimated from the same log and taken as known: its intervals are too short. Candidates make them exact.`,
    });
  }
  if (log.propensity === 'fitted') {
    warnings.push({
      code: 'estimated_propensity',
      message: 'The propensities were fitted, not logged: intervals do not include the error of that fit.',
    });
  }
  if (rows.clustered && rows.units < 30) {
    warnings.push({
      code: 'few_clusters',
      message: `There are ${rows.units} clusters: intervals over fewer than 30 are too short.`,
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
    settings: {
      tau: settings.tau,
      diversity: settings.diversity,
      signals: options.signals.map(({ name, transform, weight }) => ({ name, transform, weight })),
      level: settings.level,
      interval: settings.interval,
      seed: settings.seed,
      ...settings.parameters,
      verdict_limits: limitsRecord(settings.limits),
    },
    logging: {
      utility: entries.get('logging/utility') ?? null,
      diversity: entries.get('logging/diversity') ?? null,
      value: entries.get('logging/value') ?? null,
    },
    targets,
    warnings,
  };
}

/** The limits of the verdict by the names of the command line: [refuse, weak]. */
const limitsRecord = (limits: VerdictLimits) => ({
  ess: [limits.effectiveSampleSize.refuse, limits.effectiveSampleSize.weak],
  ess_share: [limits.effectiveShare.refuse, limits.effectiveShare.weak],
  max_weight_share: [limits.maxWeightShare.refuse, limits.maxWeightShare.weak],
  pareto_k: [limits.paretoK.refuse],
  mean_weight_errors: [limits.meanWeightErrors.refuse, limits.meanWeightErrors.weak],
});

/** The options with their defaults filled in and checked. */
function withDefaults(options: EvaluateOptions) {
  const tau = options.tau ?? 1;
  assertRange('tau', tau, 0, 1e6);
  const level = options.level ?? 0.95;
  if (!(level > 0 && level < 1)) throw invalid('level', level, 'a number above 0 and below 1');
  if ((options.interval === 'bernstein' || options.interval === 'hoeffding') && !options.rewardRange) {
    throw new PopeError(
      `interval ${options.interval} has no rewardRange; expected the range [lo, hi] that a round's term cannot leave.`,
      { argument: 'rewardRange' },
    );
  }
  return {
    tau,
    level,
    local: isLocal(options.signals),
    diversity: options.diversity ?? ('surprisal' as DiversityKind),
    estimators: options.estimators ?? (estimatorKeys as readonly EstimatorKey[]),
    interval: options.interval ?? ('t' as IntervalMethod),
    resamples: options.resamples ?? 2000,
    seed: options.seed ?? 0,
    parameters: { ...defaultEstimatorParameters, ...options.parameters },
    rewardRange: options.rewardRange ?? null,
    limits: options.limits ?? defaultLimits,
  };
}

/** Which round made the terms leave float64; null where all are finite. */
function unusable(terms: RoundTermArrays, rows: EvaluationRows): string | null {
  for (const column of [terms.numerator, terms.denominator, terms.baseline]) {
    const bad = column?.findIndex((v) => !Number.isFinite(v)) ?? -1;
    if (bad >= 0) return `in round ${rows.log.ids[rows.roundIndex[bad]]}`;
  }
  return null;
}

const finiteOrNull = (x: number): number | null => (Number.isFinite(x) ? x : null);

const entry = ({ estimate, stdError, lower, upper }: Interval): EstimateEntry => ({
  estimate: finiteOrNull(estimate),
  std_error: finiteOrNull(stdError),
  lower: finiteOrNull(lower),
  upper: finiteOrNull(upper),
});

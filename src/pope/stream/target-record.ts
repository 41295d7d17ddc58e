import { largestLogRatio } from '../../ope/index.js';
import {
  combineTerms,
  type LargestLogs,
  largestLogs,
  mergeLargestLogs,
  type RoundTermArrays,
} from '../../stats/index.js';
import { PopeError } from '../../util/index.js';
import { keyedEstimators, logShape } from '../estimator-keys.js';
import { type EvaluationRows, takeRows } from '../evaluation-rows.js';
import { smallestRewards } from '../figures.js';
import { guaranteeOf } from '../guarantee.js';
import type { LogDiversity, ScoredPolicy } from '../log-diversity.js';
import { ownTerms, policyTerms, type TermsByKey } from '../policy-terms.js';
import { type Component, components } from '../result.js';
import { unitOfResponse } from '../target-parts.js';
import { type FigureRecord, figureRecord, mergeFigures } from './figure-record.js';
import type { StreamSettings } from './stream-settings.js';
import { mergeVariances, type VarianceRecord, varianceRecord } from './variance-record.js';
import { mergeWeights, type WeightRecord, weightRecord } from './weight-record.js';

export type FiguresByKey = Readonly<Record<string, FigureRecord>>;
export type Range = readonly [low: number, high: number];

/** What a part of a log adds to the evaluation of one target. */
export interface TargetRecord {
  readonly rounds: number;
  readonly own: Readonly<Record<Component, FiguresByKey>>;
  /** Paired differences from the logging policy. */
  readonly versus: Readonly<Record<Component, FiguresByKey>>;
  /** Utility plus diversity, by estimator: their covariance (T5). */
  readonly together: FiguresByKey;
  readonly responses: WeightRecord;
  /** Products over slates. */
  readonly slates: WeightRecord;
  /** The largest of weight times reward; none where the utility is not local. */
  readonly rewarded: LargestLogs | null;
  readonly diversityRange: Range | null;
  readonly variance: { readonly utility: VarianceRecord | null; readonly value: VarianceRecord | null };
}

/** The terms of one policy on a part of a log: those of `policyTerms`, also where no slate of the part has an entropy. */
export function partTerms(
  rows: EvaluationRows,
  policy: ScoredPolicy,
  settings: StreamSettings,
  logRatio: Float64Array,
  target?: string,
): { terms: Record<Component, TermsByKey>; diversity: LogDiversity } {
  const bare = settings.diversity === 'slate' && rows.responseIndex.length === rows.roundIndex.length;
  if (!bare) return policyTerms(rows, policy, settings, logRatio, target);
  const { terms } = policyTerms(rows, policy, { ...settings, diversity: 'none' }, logRatio, target);
  const joint = terms.utility['joint_ips'];
  const reward = new Float64Array(rows.roundIndex.length);
  const diversity: LogDiversity = { form: 'slate', reward };
  if (joint === undefined) return { terms: { ...terms, value: {}, diversity: {} }, diversity };
  const nothing = { numerator: reward, denominator: null, baseline: null };
  return { terms: { ...terms, value: { joint_ips: joint }, diversity: { joint_ips: nothing } }, diversity };
}

export function targetRecord(
  rows: EvaluationRows,
  name: string,
  policy: ScoredPolicy,
  logging: Readonly<Record<Component, TermsByKey>>,
  settings: StreamSettings,
): TargetRecord {
  const logProb = takeRows(rows, policy.logProb);
  const logRatio = logProb.map((p, m) => p - rows.logPropensity[m]);
  // NaN and Infinity are refused here, before any estimator sees them
  const scale = { logScale: largestLogRatio(logRatio), lambda: settings.intervalLambda };
  const { terms, diversity } = partTerms(rows, policy, settings, logRatio, name);
  assertOneScale(terms, rows, settings);
  const least = smallestRewards(rows, diversity, settings.tau);
  // pessimism is for rewards of at least 0, also where a slate's sum hides a negative one
  const floorOf = (c: Component, key: string): number => (guaranteeOf(key, 0) === 'lower' ? least[c] : Infinity);
  // without a diversity the value's terms are the utility's: what is summed once need not be again
  const recordOf = remember((t: RoundTermArrays, floor: number) => figureRecord(t, rows, { ...scale, floor }));
  const lessOf = remember((t: RoundTermArrays, reference: RoundTermArrays) => combineTerms(t, reference, -1));
  const own = byComponent((c) => mapKeys(terms[c], (t, key) => recordOf(t, floorOf(c, key))));
  const usable = (c: Component, key: string): boolean => own[c][key]?.overflow === null;
  const versus = byComponent((c) => {
    const reference = ownTerms(logging[c]);
    if (reference === undefined) return {};
    const sound = Object.entries(terms[c]).filter(([key]) => usable(c, key));
    return mapKeys(Object.fromEntries(sound), (t, key) => recordOf(lessOf(t, reference), floorOf(c, key)));
  });
  const both = Object.entries(terms.utility).filter(([key]) => usable('utility', key) && usable('diversity', key));
  const together = mapKeys(Object.fromEntries(both), (t, key) =>
    figureRecord(combineTerms(t, terms.diversity[key]), rows, scale),
  );
  const { tailCapacity: capacity, local, tau } = settings;
  const idOf = (round: number): string => rows.log.ids[rows.roundIndex[round]];
  const responses = weightRecord(logRatio, unitOfResponse(rows), rows.units, (m) => idOf(rows.roundOf[m]), capacity);
  const varianceWith = (reward: Float64Array): VarianceRecord | null =>
    local ? varianceRecord(logRatio, reward, rows.slateWeight) : null;
  const utility = varianceWith(rows.utility);
  const pooled = diversity.form === 'response' ? diversity.reward : null;
  return {
    rounds: rows.roundIndex.length,
    own,
    versus,
    together,
    responses,
    slates:
      logRatio.length === rows.roundIndex.length
        ? responses
        : weightRecord(jointLogRatios(rows, logRatio), rows.unitOfRound, rows.units, idOf, capacity),
    rewarded: local
      ? largestLogs(
          logRatio.map((l, m) => l + Math.log(Math.abs(rows.utility[m]))),
          capacity,
        )
      : null,
    diversityRange: pooled && rangeOf(pooled),
    variance: {
      utility,
      value:
        pooled !== null
          ? varianceWith(rows.utility.map((u, m) => u + tau * pooled[m]))
          : diversity.form === 'none'
            ? utility
            : null,
    },
  };
}

export function mergeTargets(x: TargetRecord, y: TargetRecord): TargetRecord {
  const responses = mergeWeights(x.responses, y.responses);
  return {
    rounds: x.rounds + y.rounds,
    own: byComponent((c) => mergeMaps(x.own[c], y.own[c], mergeFigures)),
    versus: byComponent((c) => mergeMaps(x.versus[c], y.versus[c], mergeFigures)),
    together: mergeMaps(x.together, y.together, mergeFigures),
    responses,
    slates: x.slates === x.responses && y.slates === y.responses ? responses : mergeWeights(x.slates, y.slates),
    rewarded: x.rewarded && y.rewarded && mergeLargestLogs(x.rewarded, y.rewarded),
    diversityRange: x.diversityRange && y.diversityRange && mergeRanges(x.diversityRange, y.diversityRange),
    variance: {
      utility: x.variance.utility && y.variance.utility && mergeVariances(x.variance.utility, y.variance.utility),
      value: x.variance.value && y.variance.value && mergeVariances(x.variance.value, y.variance.value),
    },
  };
}

export const mergeRanges = (x: Range, y: Range): Range => [Math.min(x[0], y[0]), Math.max(x[1], y[1])];

export function rangeOf(values: Float64Array): Range {
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return [low, high];
}

/** The entries of both, merged where both have one. */
export function mergeMaps<T>(
  x: Readonly<Record<string, T>>,
  y: Readonly<Record<string, T>>,
  merge: (x: T, y: T) => T,
): Record<string, T> {
  const merged = new Map(Object.entries(x));
  for (const [key, value] of Object.entries(y)) {
    const known = merged.get(key);
    merged.set(key, known === undefined ? value : merge(known, value));
  }
  return Object.fromEntries(merged);
}

export const byComponent = <T>(of: (component: Component) => T): Record<Component, T> => ({
  utility: of('utility'),
  diversity: of('diversity'),
  value: of('value'),
});

const mapKeys = <T, U>(map: Readonly<Record<string, T>>, of: (value: T, key: string) => U): Record<string, U> =>
  Object.fromEntries(Object.entries(map).map(([key, value]) => [key, of(value, key)]));

/** The same function, which computes once for the same arguments. */
function remember<A, B, T>(of: (a: A, b: B) => T): (a: A, b: B) => T {
  const known = new Map<A, Map<B, T>>();
  return (a, b) => {
    const own = known.get(a) ?? new Map<B, T>();
    known.set(a, own);
    const found = own.get(b) ?? of(a, b);
    own.set(b, found);
    return found;
  };
}

/** log rho(S), [N]. */
function jointLogRatios(rows: EvaluationRows, logRatio: Float64Array): Float64Array {
  const joint = new Float64Array(rows.roundIndex.length);
  logRatio.forEach((l, m) => {
    joint[rows.roundOf[m]] += l;
  });
  return joint;
}

/** Estimators whose weights are relative to the largest of the log (`scaledWeight`): parts can be put on one scale. */
const selfNormalised: readonly (string | null)[] = ['snips', 'sndr'];

/** @throws PopeError where an estimator is a ratio of another kind, whose parts would not add up. */
export function assertOneScale(
  terms: Record<Component, TermsByKey>,
  rows: EvaluationRows,
  { parameters, seed }: StreamSettings,
): void {
  const keyed = keyedEstimators(parameters, logShape(rows, seed));
  for (const c of components) {
    for (const [key, { denominator }] of Object.entries(terms[c])) {
      const partner = keyed[key as keyof typeof keyed].diversity;
      if (denominator === null || selfNormalised.includes(key) || selfNormalised.includes(partner)) continue;
      throw new PopeError(
        `estimator ${key} is a ratio that cannot be put together from parts; expected estimators that can be streamed.`,
        { argument: 'estimators', got: key },
      );
    }
  }
}

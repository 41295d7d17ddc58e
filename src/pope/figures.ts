import type { Warning } from '../ope/index.js';
import { seededRandom } from '../random/index.js';
import { combineTerms, firstNotFinite, type Interval, type RoundTermArrays } from '../stats/index.js';
import type { Settings } from './evaluate-settings.js';
import type { EvaluationRows } from './evaluation-rows.js';
import { fastestResampler } from './fastest-resampler.js';
import { type Figure, figureIntervals } from './figure-intervals.js';
import { guaranteeOf } from './guarantee.js';
import { type LogDiversity, plugInOfDiversity } from './log-diversity.js';
import { plugInOf } from './plug-in.js';
import { ownTerms, type PolicyTerms } from './policy-terms.js';
import { type Component, components, type EstimateEntry } from './result.js';
import type { TunedParameters } from './tune.js';

/** Entries by component and estimator, filled in as figures get their intervals. */
export type Entries = Record<Component, Record<string, EstimateEntry>>;

/** A number to come, and where its entry goes. */
export interface PendingFigure extends Figure {
  readonly put: (entry: EstimateEntry) => void;
  /** Was its hyper-parameter chosen on this log? Its bias is then of the size of its error, and no interval holds. */
  readonly chosen?: boolean;
}

export const noEntries = (): Entries => ({ utility: {}, diversity: {}, value: {} });

const nothing: EstimateEntry = { estimate: null, std_error: null, lower: null, upper: null };

/** The figures of one target and of its paired differences from the logging policy; what left float64 is null at once. */
export function targetFigures(
  name: string,
  policies: {
    readonly own: PolicyTerms;
    /** The target as the difference needs it. */
    readonly paired: PolicyTerms;
    readonly logging: PolicyTerms;
  },
  into: { readonly own: Entries; readonly versus: Entries },
  rows: EvaluationRows,
  warnings: Warning[],
  { tau, tuned = {} }: { readonly tau: number; readonly tuned?: TunedParameters | undefined },
): PendingFigure[] {
  const { own: target, paired, logging } = policies;
  const [ofTarget, ofPaired, ofLogging] = [target, paired, logging].map(({ diversity }) =>
    plugInOfDiversity(diversity),
  );
  const smallestReward = smallestRewards(rows, target.diversity, tau);
  const figures: PendingFigure[] = [];
  for (const c of components) {
    const reference = ownTerms(logging.terms[c]);
    const [plugIn, both] = [plugInOf(c, tau, ofTarget), plugInOf(c, tau, ofPaired, ofLogging)];
    for (const [key, own] of Object.entries(target.terms[c])) {
      const reason = unusable(own, rows);
      if (reason !== null) {
        warnings.push({ code: 'overflow', message: `${name}: ${c}.${key} is beyond float64 ${reason}; it is null.` });
        into.own[c][key] = nothing;
        continue;
      }
      const put = (entries: Entries) => (entry: EstimateEntry) => {
        entries[c][key] = entry;
      };
      const guarantee = guaranteeOf(key, smallestReward[c]);
      const chosen = c === 'utility' && key in tuned;
      figures.push({
        path: `${name}: ${c}.${key}`,
        terms: own,
        isDifference: false,
        guarantee,
        plugIn,
        chosen,
        put: put(into.own),
      });
      if (reference === undefined) continue;
      const difference = combineTerms(paired.terms[c][key], reference, -1);
      figures.push({
        path: `${name}: versus_logging.${c}.${key}`,
        terms: difference,
        isDifference: true,
        guarantee,
        plugIn: both,
        chosen,
        put: put(into.versus),
      });
    }
  }
  return figures;
}

/** Computes all intervals together, so that bootstraps share their resamples, and hands each entry to its place. */
export function finishFigures(
  figures: readonly PendingFigure[],
  settings: Settings,
  rows: EvaluationRows,
  warnings: Warning[],
): void {
  const { intervals, without } = figureIntervals(settings.interval, figures, {
    level: settings.level,
    resamples: settings.resamples,
    random: seededRandom(settings.seed),
    resampler: fastestResampler,
    range: settings.rewardRange,
    ...(settings.parameters.lambda !== null && { lambda: settings.parameters.lambda }),
    ...(rows.clustered && { clusterOf: rows.unitOfRound, clusters: rows.units }),
  });
  for (const [i, { put, chosen }] of figures.entries()) {
    const entry = entryOf(intervals[i]);
    put(chosen ? { ...entry, lower: null, upper: null } : entry);
  }
  if (without.length > 0) {
    const message = `${settings.interval} has no interval for ${without.length} of ${figures.length} figures, whose bounds are null; the first, ${without[0].path}: ${without[0].reason}`;
    warnings.push({ code: 'no_interval', message });
  }
  const undefinedFigures = figures.filter((_, i) => !Number.isFinite(intervals[i].estimate));
  if (undefinedFigures.length > 0) {
    const message = `${undefinedFigures.length} figures have no finite estimate (all weights 0, or sums beyond float64) and are null; the first, ${undefinedFigures[0].path}.`;
    warnings.push({ code: 'undefined_estimate', message });
  }
}

/** Which round made the terms leave float64; null where all are finite. */
function unusable(terms: RoundTermArrays, rows: EvaluationRows): string | null {
  for (const column of [terms.numerator, terms.denominator, terms.baseline]) {
    const bad = column ? firstNotFinite(column) : -1;
    if (bad >= 0) return `in round ${rows.log.ids[rows.roundIndex[bad]]}`;
  }
  return null;
}

const finiteOrNull = (x: number): number | null => (Number.isFinite(x) ? x : null);

const entryOf = ({ estimate, stdError, lower, upper }: Interval): EstimateEntry => ({
  estimate: finiteOrNull(estimate),
  std_error: finiteOrNull(stdError),
  lower: finiteOrNull(lower),
  upper: finiteOrNull(upper),
});

/** The smallest reward of each component that a target's estimates weigh. */
export function smallestRewards(rows: EvaluationRows, diversity: LogDiversity, tau: number): Record<Component, number> {
  const least = (x: Float64Array): number => x.reduce((low, v) => Math.min(low, v), Infinity);
  const u = least(rows.utility);
  const d = diversity.form === 'none' ? 0 : least(diversity.reward);
  return { utility: u, diversity: d, value: tau === 0 ? u : Math.min(u, d) };
}

import { slope } from '../ope/index.js';
import { clusterSums, type RoundTermArrays } from '../stats/index.js';
import { PopeError } from '../util/index.js';
import { type EstimatorKey, type EstimatorParameters, keyedEstimators, logShape } from './estimator-keys.js';
import type { EvaluationRows } from './evaluation-rows.js';
import type { TuningResult } from './result.js';
import { rowTerms } from './row-terms.js';

/** Parameters of single estimators in the place of the evaluation's. */
export type TunedParameters = Partial<Record<EstimatorKey, EstimatorParameters>>;

interface Knob {
  readonly key: EstimatorKey;
  readonly parameter: keyof EstimatorParameters;
  /** From a value that leaves the weights as they are, or nearly, to one that holds them hard. */
  readonly ends: (largestWeight: number) => readonly [number, number];
}

const knobs: readonly Knob[] = [
  { key: 'clipped_ips', parameter: 'clip', ends: (top) => [top, 1] },
  { key: 'switch_dr', parameter: 'switch', ends: (top) => [top, 1] },
  { key: 'dros', parameter: 'shrink', ends: (top) => [100 * top * top, 1] },
  { key: 'log_smoothing', parameter: 'lambda', ends: (top) => [0.01 / top, 1] },
  { key: 'implicit_exploration', parameter: 'lambda', ends: (top) => [0.01 / top, 1] },
];

const gridSize = 12;

/** A geometric grid between two positive ends, both included. */
export const geometricGrid = ([from, to]: readonly [number, number], size = gridSize): number[] =>
  Array.from({ length: size }, (_, i) => from * (to / from) ** (i / (size - 1)));

/**
 * Chooses the hyper-parameters of a target's estimators by SLOPE on its utility: for each, the narrowest value on a grid
 * of twelve between (nearly) untouched and hard-held weights that agrees with every wider one. Estimators whose inputs are
 * missing, or whose terms leave float64, keep the evaluation's parameters.
 */
export function tuneTarget(
  rows: EvaluationRows,
  logRatio: Float64Array,
  columns: { readonly predictedReward?: Float64Array; readonly predictedValue?: Float64Array },
  settings: {
    readonly parameters: EstimatorParameters;
    readonly estimators: readonly EstimatorKey[];
    readonly level: number;
    readonly seed: number;
  },
): { tuned: TunedParameters; report: Record<string, TuningResult> } {
  const tuned: TunedParameters = {};
  const report: Record<string, TuningResult> = {};
  // a little above the largest weight, whose logarithm may round to less than its log-ratio
  const top = Math.exp(logRatio.reduce((most, l) => Math.max(most, l), 0)) * (1 + 1e-12);
  // the grid of dros reaches a hundred times its square
  if (!Number.isFinite(100 * top * top)) return { tuned, report };
  const shape = logShape(rows, settings.seed);
  for (const { key, parameter, ends } of knobs) {
    if (!settings.estimators.includes(key)) continue;
    const make = (value: number) => ({ ...settings.parameters, [parameter]: value });
    try {
      const candidates = geometricGrid(ends(top)).map((value) => {
        const { estimator } = keyedEstimators(make(value), shape)[key];
        const terms: RoundTermArrays = rowTerms(estimator, rows, logRatio, { reward: rows.utility, ...columns });
        // rounds of one cluster are dependent: widths are over whole clusters
        return { value, terms: rows.clustered ? clusterSums(terms, rows.unitOfRound, rows.units) : terms };
      });
      const { selected, reason, rows: tried } = slope(candidates, { delta: (1 - settings.level) / 2 });
      tuned[key] = make(selected.value);
      report[key] = { parameter, selected: selected.value, reason, candidates: tried };
    } catch (error) {
      // one round, no model, rewards that the estimator refuses, or terms beyond float64: nothing to choose by
      if (!(error instanceof PopeError)) throw error;
    }
  }
  return { tuned, report };
}

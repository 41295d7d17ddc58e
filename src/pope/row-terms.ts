import { tensor } from '../backend/index.js';
import type { Estimator, EstimatorInput } from '../ope/index.js';
import type { RoundTermArrays } from '../stats/index.js';
import { scope } from '../tensor/index.js';
import type { EvaluationRows } from './evaluation-rows.js';

/** Runs an estimator in float64 on the rows; the same function that training differentiates. */
export function rowTerms(
  estimator: Estimator,
  rows: EvaluationRows,
  logRatio: Float64Array,
  columns: {
    readonly reward: Float64Array;
    readonly slateReward?: Float64Array;
    readonly predictedReward?: Float64Array;
    readonly predictedValue?: Float64Array;
  },
): RoundTermArrays {
  return scope(() => {
    const input: EstimatorInput = {
      rounds: rows.roundIndex.length,
      logRatio: tensor(logRatio),
      reward: tensor(columns.reward),
      slateWeight: tensor(rows.slateWeight),
      roundOf: tensor(rows.roundOf),
      ...(columns.slateReward && { slateReward: tensor(columns.slateReward) }),
      ...(columns.predictedReward && { predictedReward: tensor(columns.predictedReward) }),
      ...(columns.predictedValue && { predictedValue: tensor(columns.predictedValue) }),
    };
    const { numerator, denominator, baseline } = estimator(input);
    const read = (x: typeof numerator | null): Float64Array | null =>
      x === null ? null : (x.dataSync() as Float64Array);
    return { numerator: read(numerator)!, denominator: read(denominator), baseline: read(baseline) };
  });
}

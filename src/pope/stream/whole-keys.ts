import type { Warning } from '../../ope/index.js';
import { type EstimatorKey, estimatorKeys, keyedEstimators } from '../estimator-keys.js';
import type { StreamRecord } from './stream-record.js';
import type { StreamSettings } from './stream-settings.js';

/**
 * The estimators whose predictions are on every part of the log: as in `evaluate`, one that some rounds lack the inputs of
 * is left out, whether these have feedback or not.
 */
export function wholeKeys(record: StreamRecord, { parameters }: StreamSettings, target: string): EstimatorKey[] {
  const keyed = keyedEstimators(parameters, { rounds: record.rounds, foldOf: new Int32Array(0), folds: 1 });
  const hasValues = record.valueParts[target] === record.parts;
  const hasRewards = record.rewardParts === record.parts;
  return estimatorKeys.filter((key) => {
    const { model } = keyed[key];
    return model === 'none' || (hasValues && (model === 'value' || hasRewards));
  });
}

/** The warning that predictions are on some parts alone; none where a part already said so of its own rounds. */
export function partialPredictions(record: StreamRecord): Warning[] {
  const partial = [record.rewardParts, ...Object.values(record.valueParts)].some((k) => k > 0 && k < record.parts);
  if (!partial || record.warnings['partial_predictions'] !== undefined) return [];
  const message = 'predictions are missing on some parts of the log; estimators that need them are left out.';
  return [{ code: 'partial_predictions', message }];
}

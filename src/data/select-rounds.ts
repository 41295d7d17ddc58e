import type { Log } from '../ope/log.js';
import { assertInteger, invalid, PopeError } from '../util/index.js';

/**
 * The log of the given rounds, in the given order. Candidates, `skipped` and warnings stay.
 * indices: distinct integers from 0 to rounds - 1, at least one.
 * @throws PopeError where an index is out of range or given twice, or there is none.
 */
export function selectRounds(log: Log, indices: ArrayLike<number>): Log {
  if (indices.length === 0) throw invalid('indices', [], 'at least one round');
  const taken = new Uint8Array(log.rounds);
  const offsets = new Int32Array(indices.length + 1);
  for (let k = 0; k < indices.length; k++) {
    const i = indices[k];
    assertInteger(`indices[${k}]`, i, 0, log.rounds - 1);
    if (taken[i]++ > 0)
      throw new PopeError(`indices[${k}] is ${i} for the second time; expected distinct rounds.`, {
        argument: 'indices',
      });
    offsets[k + 1] = offsets[k] + log.offsets[i + 1] - log.offsets[i];
  }
  const flat = new Int32Array(offsets[indices.length]);
  for (let k = 0, to = 0; k < indices.length; k++) {
    for (let j = log.offsets[indices[k]]; j < log.offsets[indices[k] + 1]; j++) flat[to++] = j;
  }
  const rounds = Int32Array.from(indices);
  return {
    ...log,
    rounds: rounds.length,
    responseCount: flat.length,
    offsets,
    ids: pick(log.ids, rounds),
    prompts: pick(log.prompts, rounds),
    responses: pick(log.responses, flat),
    logPropensity: log.logPropensity && take(log.logPropensity, flat),
    targetLogProb: takeAll(log.targetLogProb, flat),
    feedback: takeAll(log.feedback, flat),
    opinions: log.opinions && pick(log.opinions, flat),
    predictedReward: log.predictedReward && take(log.predictedReward, flat),
    predictedValue: takeAll(log.predictedValue, rounds),
    opinionDistributions: log.opinionDistributions && pick(log.opinionDistributions, rounds),
    positions: log.positions && Int32Array.from(flat, (j) => log.positions?.[j] ?? 0),
    groupFeedback: new Map([...log.groupFeedback].map(([group, signals]) => [group, takeAll(signals, flat)])),
    sampling: log.sampling && pick(log.sampling, rounds),
    clusters: log.clusters && pick(log.clusters, rounds),
  };
}

function pick<T>(values: readonly T[], indices: Int32Array): T[] {
  return Array.from(indices, (i) => values[i]);
}

function take(values: Float64Array, indices: Int32Array): Float64Array {
  return Float64Array.from(indices, (i) => values[i]);
}

function takeAll(columns: ReadonlyMap<string, Float64Array>, indices: Int32Array): Map<string, Float64Array> {
  return new Map([...columns].map(([name, values]) => [name, take(values, indices)]));
}

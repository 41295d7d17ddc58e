import type { Log } from '../ope/log.js';
import type { ResponseRecord, RoundRecord } from './record.js';

/**
 * The log as records in the shape of interface.md section 1: reading them back gives the same columns.
 * Missing values are left out; -Infinity of a target is null.
 */
export function logToRecords(log: Log): RoundRecord[] {
  return log.ids.map((id, i) => {
    const round: RoundRecord = { id, prompt: log.prompts[i], responses: [] };
    const responses: ResponseRecord[] = [];
    for (let j = log.offsets[i]; j < log.offsets[i + 1]; j++) responses.push(responseRecord(log, j));
    round.responses = responses;
    const predicted = at(log.predictedValue, i);
    if (predicted !== undefined) round.predicted_value = predicted;
    const distribution = log.opinionDistributions?.[i];
    if (distribution !== undefined) round.opinion_distribution = { ...distribution };
    const sampling = log.sampling?.[i];
    if (sampling !== undefined) round.sampling = sampling;
    if (log.propensity === 'fitted') round.propensity_source = 'fitted';
    const cluster = log.clusters?.[i];
    if (cluster !== undefined) round.cluster = cluster;
    return round;
  });
}

function responseRecord(log: Log, j: number): ResponseRecord {
  const response: ResponseRecord = { text: log.responses[j] };
  if (log.logPropensity !== null) response.log_propensity = log.logPropensity[j];
  if (log.targetLogProb.size > 0) {
    const byName = [...log.targetLogProb].map(([name, column]) => [name, column[j] === -Infinity ? null : column[j]]);
    response.target_log_prob = Object.fromEntries(byName) as Record<string, number | null>;
  }
  const feedback = at(log.feedback, j);
  if (feedback !== undefined) response.feedback = feedback;
  const opinion = log.opinions?.[j];
  if (opinion !== undefined) response.opinion = opinion;
  if (log.predictedReward !== null) response.predicted_reward = log.predictedReward[j];
  const position = log.positions?.[j] ?? 0;
  if (position > 0) response.position = position;
  const groups = [...log.groupFeedback]
    .map(([group, signals]) => [group, at(signals, j)] as const)
    .filter(([, signals]) => signals !== undefined);
  if (groups.length > 0) response.group_feedback = Object.fromEntries(groups) as Record<string, Record<string, number>>;
  return response;
}

/** The values at one position by name; undefined where all are missing. */
function at(columns: ReadonlyMap<string, Float64Array>, index: number): Record<string, number> | undefined {
  const present = [...columns].filter(([, column]) => !Number.isNaN(column[index]));
  return present.length === 0 ? undefined : Object.fromEntries(present.map(([name, column]) => [name, column[index]]));
}

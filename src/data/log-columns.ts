import { type Log, promptKey, type Warning } from '../ope/log.js';
import { type Candidates, candidateOf } from './candidates.js';
import { type Column, columnNamed, emptyColumn, finishColumn, finishColumns, push, put } from './columns.js';
import type { Place } from './place.js';
import type { ResponseRecord, RoundRecord } from './record.js';

/** Where the rounds from number `first` on came from, up to the next source. */
export interface LogSource extends Pick<Place, 'file' | 'unit'> {
  readonly first: number;
}

/** The columns of a log as they grow, one round after another. */
export interface LogColumns {
  readonly sources: LogSource[];
  readonly ids: string[];
  readonly prompts: RoundRecord['prompt'][];
  readonly responses: string[];
  readonly ends: Column;
  readonly lines: Column;
  readonly rows: (readonly number[])[];
  readonly logPropensity: Column;
  propensities: number;
  readonly targets: Map<string, Column>;
  readonly feedback: Map<string, Column>;
  readonly groups: Map<string, Map<string, Column>>;
  readonly opinions: (string | undefined)[];
  readonly predictedReward: Column;
  readonly predictedValue: Map<string, Column>;
  readonly distributions: (Readonly<Record<string, number>> | undefined)[];
  readonly positions: Column;
  readonly sampling: (Readonly<Record<string, unknown>> | undefined)[];
  /** Some round says that its propensities were fitted, not logged. */
  fitted: boolean;
  readonly clusters: (string | undefined)[];
}

export function emptyLogColumns(): LogColumns {
  return {
    sources: [],
    ids: [],
    prompts: [],
    responses: [],
    ends: emptyColumn(),
    lines: emptyColumn(),
    rows: [],
    logPropensity: emptyColumn(),
    propensities: 0,
    targets: new Map(),
    feedback: new Map(),
    groups: new Map(),
    opinions: [],
    predictedReward: emptyColumn(),
    predictedValue: new Map(),
    distributions: [],
    positions: emptyColumn(),
    sampling: [],
    fitted: false,
    clusters: [],
  };
}

export function appendRound(
  columns: LogColumns,
  round: RoundRecord,
  id: string,
  place: Place,
  candidates: Candidates | undefined,
): void {
  const i = columns.ids.length;
  columns.ids.push(id);
  columns.prompts.push(round.prompt);
  push(columns.lines, place.line);
  if (place.rows !== undefined) columns.rows[i] = place.rows;
  const space = candidates?.get(promptKey(round.prompt));
  for (const response of round.responses) {
    appendResponse(columns, response, space && candidateOf(space, response.text)?.opinion);
  }
  push(columns.ends, columns.responses.length);
  const { predicted_value, opinion_distribution, sampling, cluster } = round;
  if (predicted_value != null) {
    for (const name of Object.keys(predicted_value))
      put(columnNamed(columns.predictedValue, name), i, predicted_value[name]);
  }
  // No prototype, so that looking up a class named "constructor" finds a share or nothing.
  columns.distributions.push(
    opinion_distribution == null ? undefined : Object.assign(Object.create(null), opinion_distribution),
  );
  columns.sampling.push(sampling ?? undefined);
  if (round.propensity_source === 'fitted') columns.fitted = true;
  columns.clusters.push(cluster ?? undefined);
}

function appendResponse(columns: LogColumns, response: ResponseRecord, knownOpinion: string | undefined): void {
  const j = columns.responses.length;
  columns.responses.push(response.text);
  const logPropensity = readLogPropensity(response);
  push(columns.logPropensity, logPropensity);
  if (!Number.isNaN(logPropensity)) columns.propensities++;
  const target = response.target_log_prob;
  if (target === null || typeof target === 'number')
    put(columnNamed(columns.targets, 'target'), j, target ?? -Infinity);
  else if (target !== undefined) {
    for (const name of Object.keys(target)) put(columnNamed(columns.targets, name), j, target[name] ?? -Infinity);
  }
  putAll(columns.feedback, response.feedback, j);
  const groups = response.group_feedback;
  if (groups != null) {
    for (const group of Object.keys(groups)) {
      let signals = columns.groups.get(group);
      if (signals === undefined) columns.groups.set(group, (signals = new Map()));
      putAll(signals, groups[group], j);
    }
  }
  columns.opinions.push(response.opinion ?? knownOpinion);
  push(columns.predictedReward, response.predicted_reward ?? NaN);
  push(columns.positions, response.position ?? 0);
}

function readLogPropensity({ log_propensity, propensity }: ResponseRecord): number {
  if (typeof log_propensity === 'number') return log_propensity;
  if (log_propensity != null) return log_propensity.reduce((sum, token) => sum + token, 0);
  return propensity == null ? NaN : Math.log(propensity);
}

function putAll(columns: Map<string, Column>, values: ResponseRecord['feedback'], j: number): void {
  if (values == null) return;
  for (const name of Object.keys(values)) {
    const value = values[name];
    // A signal that is null everywhere is no signal: it gets no column.
    if (value != null) put(columnNamed(columns, name), j, value);
  }
}

export function finishLog(columns: LogColumns, candidates: Log['candidates']): Log {
  const rounds = columns.ids.length;
  const responseCount = columns.responses.length;
  const offsets = new Int32Array(rounds + 1);
  offsets.set(columns.ends.data.subarray(0, rounds), 1);
  const warnings: Warning[] = [];
  const predictedReward = finishColumn(columns.predictedReward, responseCount);
  const unpredicted = predictedReward.reduce((count, value) => count + (Number.isNaN(value) ? 1 : 0), 0);
  if (unpredicted > 0 && unpredicted < responseCount) {
    const message = `predicted_reward is missing on ${unpredicted} of ${responseCount} responses; estimators that need it are left out.`;
    warnings.push({ code: 'partial_predictions', message });
  }
  const predictedValue = finishColumns(columns.predictedValue, rounds);
  for (const [name, values] of predictedValue) {
    if (!values.some((value) => Number.isNaN(value))) continue;
    predictedValue.delete(name);
    const message = `predicted_value.${name} is missing on some rounds; estimators that need it are left out.`;
    warnings.push({ code: 'partial_predictions', message });
  }
  const positions = Int32Array.from(finishColumn(columns.positions, responseCount));
  return {
    rounds,
    responseCount,
    offsets,
    ids: columns.ids,
    prompts: columns.prompts,
    responses: columns.responses,
    logPropensity: columns.propensities === 0 ? null : finishColumn(columns.logPropensity, responseCount),
    propensity: columns.propensities === 0 ? 'none' : columns.fitted ? 'fitted' : 'logged',
    targetLogProb: finishColumns(columns.targets, responseCount),
    feedback: finishColumns(columns.feedback, responseCount),
    opinions: orNull(columns.opinions),
    predictedReward: unpredicted > 0 ? null : predictedReward,
    predictedValue,
    opinionDistributions: orNull(columns.distributions),
    positions: positions.some((position) => position > 0) ? positions : null,
    groupFeedback: finishGroups(columns.groups, responseCount),
    sampling: orNull(columns.sampling),
    clusters: finishClusters(columns.clusters, columns.ids),
    candidates,
    skipped: 0,
    warnings,
  };
}

function finishGroups(groups: LogColumns['groups'], length: number): Log['groupFeedback'] {
  const named = [...groups].filter(([, signals]) => signals.size > 0);
  return new Map(named.map(([group, signals]) => [group, finishColumns(signals, length)]));
}

function orNull<T>(values: readonly (T | undefined)[]): readonly (T | undefined)[] | null {
  return values.some((value) => value !== undefined) ? values : null;
}

/** In a log with clusters a round without one stands alone, under a name that no other cluster has. */
function finishClusters(clusters: readonly (string | undefined)[], ids: readonly string[]): readonly string[] | null {
  const names = new Set(clusters.filter((name) => name !== undefined));
  if (names.size === 0) return null;
  return clusters.map((name, i) => {
    let alone = name ?? `round ${ids[i]}`;
    while (name === undefined && names.has(alone)) alone += "'";
    names.add(alone);
    return alone;
  });
}

import { type Log, type Prompt, requirePropensity } from '../ope/index.js';
import { clusterIndex } from '../stats/index.js';
import { PopeError } from '../util/index.js';
import { positionWeights } from './position.js';
import { isLocal, type Signal, utilityReward } from './utility.js';

/** The rows of a log that an evaluation uses: responses with feedback, in rounds that have at least one. */
export interface EvaluationRows {
  readonly log: Log;
  /** Indices of the used rounds in the log, length N. */
  readonly roundIndex: Int32Array;
  /** Indices of their responses with feedback in the log, length M. */
  readonly responseIndex: Int32Array;
  /** Round of each response, 0 .. N - 1. */
  readonly roundOf: Int32Array;
  /** Length N + 1: the responses of round i are the rows offsets[i] .. offsets[i + 1] - 1. */
  readonly offsets: Int32Array;
  /** w_j: equal among the responses of a round that have feedback. */
  readonly slateWeight: Float64Array;
  readonly utility: Float64Array;
  readonly logPropensity: Float64Array;
  /** Independent unit (cluster or round) of each round, and their number. */
  readonly unitOfRound: Int32Array;
  readonly units: number;
  readonly clustered: boolean;
  readonly droppedRounds: number;
  /** Was feedback divided by the chance that its position is seen? */
  readonly corrected: boolean;
}

export interface RowOptions {
  /** Rows of a log without propensities (for fitting pi0): `logPropensity` is then all NaN. Default false. */
  readonly withoutPropensity?: boolean;
  /** theta_k, how often display position k is seen: feedback is divided by it (T21). Null or absent: every position is. */
  readonly examination?: readonly number[] | null;
}

/**
 * Takes the rows with feedback: a missing number is missing, never 0. A response without feedback leaves its slate and
 * the others share its weight; a round without any leaves the evaluation. With `signals` null every response stays.
 * @throws PopeError where the log has no propensities or no feedback at all.
 */
export function evaluationRows(log: Log, signals: readonly Signal[] | null, options: RowOptions = {}): EvaluationRows {
  const propensity = options.withoutPropensity ? log.logPropensity : requirePropensity(log);
  const u = signals === null ? new Float64Array(log.responseCount) : utilityReward(log, signals);
  if (options.examination) {
    if (signals !== null && !isLocal(signals)) {
      throw new PopeError(
        'signals has a rank or share, which the position correction does not apply to; expected identity or log1p.',
        { argument: 'signals' },
      );
    }
    positionWeights(log, options.examination).forEach((weight, j) => {
      u[j] *= weight;
    });
  }
  const rounds: number[] = [];
  const responses: number[] = [];
  const roundOf: number[] = [];
  const offsets: number[] = [0];
  const slateWeight: number[] = [];
  for (let i = 0; i < log.rounds; i++) {
    let present = 0;
    for (let j = log.offsets[i]; j < log.offsets[i + 1]; j++) if (!Number.isNaN(u[j])) present++;
    if (present === 0) continue;
    for (let j = log.offsets[i]; j < log.offsets[i + 1]; j++) {
      if (Number.isNaN(u[j])) continue;
      responses.push(j);
      roundOf.push(rounds.length);
      slateWeight.push(1 / present);
    }
    rounds.push(i);
    offsets.push(responses.length);
  }
  if (rounds.length === 0) {
    throw new PopeError(
      `no response has a number for ${(signals ?? []).map((s) => s.name).join(', ')}; expected feedback on at least one.`,
      {
        argument: 'signals',
      },
    );
  }
  const clusters = log.clusters;
  const named = clusters === null ? null : clusterIndex(rounds.map((i) => clusters[i]));
  return {
    log,
    roundIndex: Int32Array.from(rounds),
    responseIndex: Int32Array.from(responses),
    roundOf: Int32Array.from(roundOf),
    offsets: Int32Array.from(offsets),
    slateWeight: Float64Array.from(slateWeight),
    utility: taken(u, responses),
    logPropensity: propensity ? taken(propensity, responses) : new Float64Array(responses.length).fill(Number.NaN),
    unitOfRound: named?.clusterOf ?? Int32Array.from(rounds, (_, i) => i),
    units: named?.clusters ?? rounds.length,
    clustered: named !== null,
    droppedRounds: log.rounds - rounds.length,
    corrected: Boolean(options.examination),
  };
}

/** A per-response column of the log, restricted to the rows. */
export const takeRows = (rows: EvaluationRows, column: ArrayLike<number>): Float64Array =>
  taken(column, rows.responseIndex);

/** Entries at these places; a loop, since `from` walks an iterator. */
function taken(column: ArrayLike<number>, places: ArrayLike<number>): Float64Array {
  const values = new Float64Array(places.length);
  for (let k = 0; k < places.length; k++) values[k] = column[places[k]];
  return values;
}

/** What training reads of a few rounds, in the order given: contexts and responses, weights and rewards. */
export interface Batch {
  readonly rounds: number;
  readonly prompts: readonly Prompt[];
  readonly responses: readonly string[];
  readonly roundOf: Int32Array;
  readonly slateWeight: Float64Array;
  readonly utility: Float64Array;
  readonly logPropensity: Float64Array;
}

/** The rows of some rounds (positions among the rows' rounds) as a batch. */
export function batchOf(rows: EvaluationRows, rounds: ArrayLike<number>): Batch {
  const { picked, columns } = pickRounds(rows, rounds);
  return {
    rounds: rounds.length,
    prompts: picked.map((m) => rows.log.prompts[rows.roundIndex[rows.roundOf[m]]]),
    responses: picked.map((m) => rows.log.responses[rows.responseIndex[m]]),
    ...columns,
  };
}

/** The rows of some rounds, as rows of their own: folds, training and held-out parts. */
export function selectRows(rows: EvaluationRows, rounds: ArrayLike<number>): EvaluationRows {
  const { picked, offsets, columns } = pickRounds(rows, rounds);
  const units = new Map<number, number>();
  const unitOfRound = Int32Array.from(rounds, (i) => {
    const unit = rows.unitOfRound[i];
    if (!units.has(unit)) units.set(unit, units.size);
    return units.get(unit)!;
  });
  return {
    ...rows,
    ...columns,
    offsets,
    roundIndex: Int32Array.from(rounds, (i) => rows.roundIndex[i]),
    responseIndex: Int32Array.from(picked, (m) => rows.responseIndex[m]),
    unitOfRound,
    units: units.size,
  };
}

/** All rounds of the rows as one batch. */
export const wholeBatch = (rows: EvaluationRows): Batch =>
  batchOf(
    rows,
    rows.roundIndex.map((_, i) => i),
  );

/** The rows of some rounds in the order given, and the columns that batches and selections both take of them. */
function pickRounds(rows: EvaluationRows, rounds: ArrayLike<number>) {
  const picked: number[] = [];
  const roundOf: number[] = [];
  const offsets = new Int32Array(rounds.length + 1);
  for (let b = 0; b < rounds.length; b++) {
    for (let m = rows.offsets[rounds[b]]; m < rows.offsets[rounds[b] + 1]; m++) {
      picked.push(m);
      roundOf.push(b);
    }
    offsets[b + 1] = picked.length;
  }
  const columns = {
    roundOf: Int32Array.from(roundOf),
    slateWeight: taken(rows.slateWeight, picked),
    utility: taken(rows.utility, picked),
    logPropensity: taken(rows.logPropensity, picked),
  };
  return { picked, offsets, columns };
}

import { invalid, PopeError } from '../util/index.js';

/** A context x: a text, or a record of features (contextual bandit). */
export type Prompt = string | Readonly<Record<string, unknown>>;

/** One member of a finite response space. */
export interface Candidate {
  readonly text: string;
  readonly opinion?: string | undefined;
}

/**
 * A checked log in columns: N rounds, M responses. The responses of round i are the flat positions
 * `offsets[i] <= j < offsets[i + 1]`; every per-response column has length M and every per-round column length N.
 * NaN in a feedback column means missing (never zero); -Infinity in `targetLogProb` is legal (the target never says it).
 */
export interface Log {
  readonly rounds: number;
  readonly responseCount: number;
  /** Length N + 1, from 0 to M, strictly increasing. */
  readonly offsets: Int32Array;
  /** Length N, unique. */
  readonly ids: readonly string[];
  /** Length N. */
  readonly prompts: readonly Prompt[];
  /** Length M: the response texts y. */
  readonly responses: readonly string[];
  /** Length M: log pi0(y|x) in nats, at most 0; null where the log carries none and pi0 was not fitted. */
  readonly logPropensity: Float64Array | null;
  /** Where the propensities come from: carried by the log, or fitted by us (estimates must then be labelled). */
  readonly propensity: 'logged' | 'fitted' | 'none';
  /** Per target name, length M: log pi(y|x), at most 0, -Infinity allowed. */
  readonly targetLogProb: ReadonlyMap<string, Float64Array>;
  /** Per signal name, length M; NaN where missing. */
  readonly feedback: ReadonlyMap<string, Float64Array>;
  /** Length M: opinion class c(y), undefined where not given; null where no response has one. */
  readonly opinions: readonly (string | undefined)[] | null;
  /** Length M: q(x, y); null where any is missing. */
  readonly predictedReward: Float64Array | null;
  /** Per target name, length N: E_{y ~ pi} q(x, y). */
  readonly predictedValue: ReadonlyMap<string, Float64Array>;
  /** Length N: preference distribution m(c|x); null where no round has one. */
  readonly opinionDistributions: readonly (Readonly<Record<string, number>> | undefined)[] | null;
  /** Length M: display position (1-based), 0 where missing; null where none is given. */
  readonly positions: Int32Array | null;
  /** Per group of raters, per signal, length M; NaN where missing. */
  readonly groupFeedback: ReadonlyMap<string, ReadonlyMap<string, Float64Array>>;
  /** Length N: how the logger sampled; null where no round says. */
  readonly sampling: readonly (Readonly<Record<string, unknown>> | undefined)[] | null;
  /** Length N: name of the dependent group of rounds; null where no round has one (then every round stands alone). */
  readonly clusters: readonly string[] | null;
  /** Finite response spaces by prompt key (see `promptKey`); null where responses are open-ended. */
  readonly candidates: ReadonlyMap<string, readonly Candidate[]> | null;
  /** Rounds dropped at reading (--on-error skip). */
  readonly skipped: number;
  /** Stable code and sentence of what was suspicious but not refused. */
  readonly warnings: readonly Warning[];
}

/** Something a reader of the result must know. Codes are stable (interface.md section 3). */
export interface Warning {
  readonly code: string;
  readonly message: string;
}

/** The key under which a prompt's candidates and pooled statistics are kept: the text itself, or JSON with sorted keys. */
export function promptKey(prompt: Prompt): string {
  return typeof prompt === 'string' ? prompt : JSON.stringify(sortKeys(prompt));
}

function sortKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortKeys);
  if (value !== null && typeof value === 'object') {
    return Object.fromEntries(
      Object.entries(value)
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([k, v]) => [k, sortKeys(v)]),
    );
  }
  return value;
}

/** The round of every response, length M, as int32 indices for gather and scatterAdd. */
export function roundOfResponse(log: Pick<Log, 'offsets' | 'rounds' | 'responseCount'>): Int32Array {
  const roundOf = new Int32Array(log.responseCount);
  for (let i = 0; i < log.rounds; i++) roundOf.fill(i, log.offsets[i], log.offsets[i + 1]);
  return roundOf;
}

/** The id of the round to which a response belongs: for sentences about it. */
export function roundIdOf(log: Pick<Log, 'offsets' | 'ids'>, response: number): string {
  let round = 0;
  while (log.offsets[round + 1] <= response) round++;
  return log.ids[round];
}

/**
 * One feedback signal, length M, NaN where missing.
 * @throws PopeError where the log has no signal of that name.
 */
export function feedbackColumn(log: Log, signal: string): Float64Array {
  const column = log.feedback.get(signal);
  if (column === undefined) {
    const names = [...log.feedback.keys()];
    throw invalid(
      'signal',
      signal,
      names.length === 0 ? 'a signal, but the log has no feedback' : `a signal of the log (${names.join(', ')})`,
    );
  }
  return column;
}

/** @throws PopeError where the log carries no propensities. */
export function requirePropensity(log: Log): Float64Array {
  if (log.logPropensity === null) {
    throw new PopeError(
      'the log has no propensities; expected log_propensity or propensity on every response, or a fitted pi0 (pope fit).',
      {
        argument: 'log',
        code: 'no_propensity',
      },
    );
  }
  return log.logPropensity;
}

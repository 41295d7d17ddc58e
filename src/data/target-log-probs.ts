import type { Log } from '../ope/log.js';
import { invalid, PopeError } from '../util/index.js';
import { entries } from './entries.js';
import type { Chunks } from './lines.js';
import { complaint, type Report, refusal } from './place.js';
import { addProblem, noProblems, throwProblems } from './problems.js';
import { isObject } from './record.js';

/** A target policy's log-probabilities recorded elsewhere, by round. */
export interface TargetLogProbs {
  readonly file: string;
  /** By id of the round: one value a response, at most 0, -Infinity allowed. */
  readonly byId: ReadonlyMap<string, Float64Array>;
  /** By id: the line, for errors. */
  readonly lines: ReadonlyMap<string, number>;
}

/**
 * Reads JSONL of `{"id", "log_probs": [...]}`; null is -Infinity.
 * @throws PopeError (code `bad_log`) for malformed JSON, an id that is missing or given twice, a value that is no log-probability.
 */
export async function parseTargetLogProbs(
  chunks: Chunks,
  { file = 'target' }: { readonly file?: string } = {},
): Promise<TargetLogProbs> {
  const problems = noProblems(file);
  const byId = new Map<string, Float64Array>();
  const lines = new Map<string, number>();
  for await (const batch of entries(chunks, file, 'json')) {
    for (const { place, value, malformed } of batch) {
      const fail: Report = (path, got, expected, hint) =>
        addProblem(problems, refusal(place, path, got, expected, hint), place);
      if (malformed !== undefined) {
        addProblem(problems, complaint(place, malformed), place);
        continue;
      }
      const { id, log_probs } = isObject(value) ? value : { id: undefined, log_probs: undefined };
      if (typeof id !== 'string') fail('id', id, 'the id of a round, a string');
      else if (byId.has(id)) fail('id', id, 'an id that no earlier line has');
      else if (!Array.isArray(log_probs)) fail('log_probs', log_probs, 'an array of log-probabilities, one a response');
      else {
        byId.set(id, readLogProbs(log_probs, fail));
        lines.set(id, place.line);
      }
    }
  }
  throwProblems(problems);
  return { file, byId, lines };
}

function readLogProbs(values: readonly unknown[], fail: Report): Float64Array {
  return Float64Array.from(values, (value, j) => {
    if (value === null) return -Infinity;
    if (typeof value === 'number' && value <= 0) return value;
    const hint = typeof value === 'number' && value > 0 ? 'Did you pass a negative log-likelihood or a density?' : '';
    fail(`log_probs[${j}]`, value, 'a natural logarithm of a probability, at most 0, or null for -Infinity', hint);
    return NaN;
  });
}

/**
 * The log with one more target, from log-probabilities by id. Ids that the log lacks are passed over.
 * @throws PopeError (code `bad_log`) where a round of the log is not among them, or has another number of responses;
 * where the log already has a target of that name.
 */
export function attachTarget(log: Log, name: string, target: TargetLogProbs): Log {
  if (log.targetLogProb.has(name)) throw invalid('target', name, 'a name that no target inside the log has');
  const problems = noProblems(target.file);
  const column = new Float64Array(log.responseCount);
  log.ids.forEach((id, i) => {
    const values = target.byId.get(id);
    const slate = log.offsets[i + 1] - log.offsets[i];
    const line = target.lines.get(id);
    if (values === undefined) {
      addProblem(
        problems,
        `${target.file}: id ${JSON.stringify(id)} is missing; expected a line for every round of the log.`,
      );
    } else if (values.length !== slate) {
      const where = line === undefined ? target.file : `${target.file} line ${line}`;
      const sentence = `${where}: log_probs of id ${JSON.stringify(id)} has length ${values.length}; expected ${slate}, one for each response of the round.`;
      addProblem(problems, sentence, line === undefined ? undefined : { file: target.file, line });
    } else {
      const bad = values.findIndex((value) => !(value <= 0));
      if (bad >= 0)
        throw invalid(`log_probs[${bad}] of id ${JSON.stringify(id)}`, values[bad], 'a log-probability, at most 0');
      column.set(values, log.offsets[i]);
    }
  });
  throwProblems(problems);
  return { ...log, targetLogProb: new Map([...log.targetLogProb, [name, column]]) };
}

/**
 * The log with fitted propensities (labelled so wherever they are used).
 * logPropensity: one finite value a response, at most 0.
 * @throws PopeError where the length is wrong or a value is no finite log-probability.
 */
export function attachPropensity(log: Log, logPropensity: Float64Array): Log {
  if (logPropensity.length !== log.responseCount) {
    throw new PopeError(
      `logPropensity has length ${logPropensity.length}; expected ${log.responseCount}, one a response.`,
      { argument: 'logPropensity' },
    );
  }
  const bad = logPropensity.findIndex((value) => !(value <= 0 && value > -Infinity));
  if (bad >= 0) throw invalid(`logPropensity[${bad}]`, logPropensity[bad], 'a finite log-probability, at most 0');
  return { ...log, logPropensity, propensity: 'fitted' };
}

import type { Candidate, Log, Warning } from '../ope/log.js';
import { checkCandidates } from './candidates.js';
import { checkRound } from './check-round.js';
import { finishColumn } from './columns.js';
import type { Entry } from './entries.js';
import { appendRound, emptyLogColumns, finishLog, type LogColumns } from './log-columns.js';
import { complaint, type Place, type Report, refusal } from './place.js';
import { fromPreferenceRow } from './preference-rows.js';
import { addProblem, noProblems, throwProblems } from './problems.js';
import { selectRounds } from './select-rounds.js';
import { logWarnings } from './warnings.js';

/** How a log is read. */
export interface ReadOptions {
  /** The name that errors give to the source. */
  readonly file?: string;
  /** `stop` (the default) refuses the log with all its faults listed; `skip` drops bad rounds and counts them. */
  readonly onError?: 'stop' | 'skip';
  /** Finite response spaces by prompt key (see `parseCandidates`): every logged response must be one of its prompt's. */
  readonly candidates?: ReadonlyMap<string, readonly Candidate[]>;
}

/** Gathers checked rounds into the columns of a `Log`. */
export interface LogBuilder {
  /** Takes one round, or a row of a preference set, as parsed from its source. */
  add(value: unknown, place: Place): void;
  /** Notes a round that could not even be parsed. */
  refuse(sentence: string, place: Place): void;
  /** @throws PopeError (code `bad_log`) with every fault found, or where no round is left. */
  finish(): Log;
}

/** Where a scanner writes rounds to. */
export interface RoundSink {
  readonly columns: LogColumns;
  /** Of all rounds taken. */
  readonly ids: Set<string>;
  /** What stands before the number of the line in an id that is not given. */
  readonly idPrefix: string;
}

/** A builder whose columns a scanner may write to as well. */
export interface OpenLogBuilder extends LogBuilder, RoundSink {
  /** Says where the rounds that follow come from. */
  from(file: string, unit: Place['unit']): void;
}

export const createLogBuilder = (options: ReadOptions = {}): LogBuilder => openLogBuilder(options);

/** several: the log is made of several files; a default id then begins with the file's name. */
export function openLogBuilder(
  { file = 'log', onError = 'stop', candidates }: ReadOptions = {},
  several = false,
): OpenLogBuilder {
  const problems = noProblems(file);
  const columns = emptyLogColumns();
  const ids = new Set<string>();
  let skipped = 0;
  let hadProblem = false;
  let idPrefix = '';
  let place: Place = { file, unit: 'record', line: 0 };

  const fail: Report = (path, got, expected, hint) => {
    hadProblem = true;
    addProblem(problems, refusal(place, path, got, expected, hint), place);
  };

  function from(source: string, unit: Place['unit']): void {
    const last = columns.sources.at(-1);
    if (last?.file === source && last.unit === unit) return;
    columns.sources.push({ file: source, unit, first: columns.ids.length });
    if (several) idPrefix = `${source}:`;
  }

  return {
    columns,
    ids,
    get idPrefix() {
      return idPrefix;
    },
    from,
    add(value, at) {
      place = at;
      from(at.file, at.unit);
      hadProblem = false;
      const round = fromPreferenceRow(value, fail);
      if (!hadProblem && checkRound(round, fail)) {
        const id = round.id ?? `${idPrefix}${at.line}`;
        if (ids.has(id))
          fail(
            'id',
            id,
            'an id that no earlier round has',
            round.id == null ? `The default id is ${several ? 'the file and ' : ''}the number of the line.` : '',
          );
        else if (candidates === undefined || checkCandidates(round, candidates, fail)) {
          ids.add(id);
          appendRound(columns, round, id, at, candidates);
        }
      }
      if (hadProblem) skipped++;
    },
    refuse(sentence, at) {
      addProblem(problems, complaint(at, sentence), at);
      skipped++;
    },
    finish() {
      const lacking = incompleteRounds(columns, (round, path, expected, hint) => {
        const at = placeOf(columns, round);
        addProblem(problems, refusal(at, path, undefined, expected, hint), at);
      });
      if (onError === 'stop') throwProblems(problems);
      const left = columns.ids.length - lacking.size;
      if (left === 0) {
        if (problems.count === 0) addProblem(problems, `${file} holds no rounds; expected at least one.`);
        throwProblems(problems);
      }
      const whole = finishLog(columns, candidates ?? null);
      const kept = lacking.size === 0 ? whole : selectRounds(whole, indicesBut(whole.rounds, lacking));
      const total = skipped + lacking.size;
      const warnings: Warning[] = [...kept.warnings];
      if (total > 0) {
        const of = total + left;
        const message = `${total} of ${of} rounds of ${file} were skipped as bad, the first because ${problems.sentences[0]}`;
        warnings.push({ code: 'skipped_rounds', message });
      }
      const log = { ...kept, skipped: total };
      return { ...log, warnings: [...warnings, ...logWarnings(log)] };
    },
  };
}

/** Gives the builder what was found: a round, or why there is none. */
export function addEntry(builder: LogBuilder, { place, value, malformed }: Entry): void {
  if (malformed === undefined) builder.add(value, place);
  else builder.refuse(malformed, place);
}

/**
 * Rounds that lack what other rounds have: propensities and target log-probabilities are on every response or on none.
 * Each is reported once, at its first response that lacks something.
 */
function incompleteRounds(
  columns: LogColumns,
  report: (round: number, path: string, expected: string, hint: string) => void,
): Set<number> {
  const lacking = new Set<number>();
  const responses = columns.responses.length;
  const scan = (column: Float64Array, key: string, expected: string, hint: string) => {
    const have = column.findIndex((value) => !Number.isNaN(value));
    const first = placeOf(
      columns,
      columns.ends.data.subarray(0, columns.ends.length).findIndex((end) => end > have),
    );
    for (let i = 0, j = 0; i < columns.ids.length; j = columns.ends.data[i++]) {
      const missing = column.subarray(j, columns.ends.data[i]).findIndex((value) => Number.isNaN(value));
      if (missing < 0) continue;
      lacking.add(i);
      const other = placeOf(columns, i).file === first.file ? '' : `${first.file} `;
      report(i, `responses[${missing}].${key}`, `${expected}, since ${other}${first.unit} ${first.line} has one`, hint);
    }
  };
  if (columns.propensities > 0 && columns.propensities < responses) {
    const column = columns.logPropensity.data.subarray(0, responses);
    scan(column, 'log_propensity', 'a propensity (of either kind) on every response or on none', '');
  }
  for (const [name, column] of columns.targets) {
    const expected = `the log-probability of target ${JSON.stringify(name)} on every response or on none`;
    const filled = finishColumn(column, responses);
    if (!filled.some((value) => Number.isNaN(value))) continue;
    scan(filled, `target_log_prob.${name}`, expected, 'Write null (in CSV -Infinity) where the target never says it.');
  }
  return lacking;
}

/** Where a round of the columns stands. */
function placeOf({ sources, lines, rows }: LogColumns, round: number): Place {
  let low = 0;
  for (let high = sources.length - 1; low < high; ) {
    const middle = (low + high + 1) >> 1;
    if (sources[middle].first <= round) low = middle;
    else high = middle - 1;
  }
  return { file: sources[low].file, unit: sources[low].unit, line: lines.data[round], rows: rows[round] };
}

function indicesBut(n: number, dropped: ReadonlySet<number>): Int32Array {
  return Int32Array.from({ length: n }, (_, i) => i).filter((i) => !dropped.has(i));
}

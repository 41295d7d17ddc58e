import type { Log } from '../ope/log.js';
import { PopeError } from '../util/index.js';
import { checkCandidates } from './candidates.js';
import { checkRound } from './check-round.js';
import type { Entry } from './entries.js';
import { complaint, type Report, refusal } from './place.js';
import { fromPreferenceRow } from './preference-rows.js';
import { isObject, type RoundRecord } from './record.js';

/** Fills in a record: gets it with all its keys, known and unknown, and the round's index in the log. */
export type RecordMapper = (record: RoundRecord, round: number) => unknown;

/**
 * The records behind a log, each passed through `map`; unknown keys stay. Rows of preference sets arrive as rounds.
 * log: what the same source was read into; records that it lacks (skipped rounds) are left out. Without it every
 * record must be an object, and rounds are counted from 0.
 * @throws PopeError where the source no longer holds the rounds of the log, or has a record that cannot be read.
 */
export async function* rewritten(
  source: AsyncIterable<readonly Entry[]>,
  map: RecordMapper,
  log?: Log,
): AsyncGenerator<unknown[]> {
  let round = 0;
  for await (const batch of source) {
    const mapped: unknown[] = [];
    for (const entry of batch) {
      const record = readable(entry, log);
      if (record === undefined) continue;
      const id = record.id ?? String(entry.place.line);
      if (log !== undefined && id !== log.ids[round]) continue;
      mapped.push(map(record, round++));
    }
    yield mapped;
  }
  if (log !== undefined && round < log.rounds) {
    throw new PopeError(
      `round ${JSON.stringify(log.ids[round])} is missing; expected the source that the log was read from, unchanged.`,
      { code: 'bad_log' },
    );
  }
}

function readable({ place, value, malformed }: Entry, log: Log | undefined): RoundRecord | undefined {
  let fault = malformed === undefined ? undefined : complaint(place, malformed);
  const report: Report = (path, got, expected, hint) => {
    fault ??= refusal(place, path, got, expected, hint);
  };
  const record = fault === undefined ? fromPreferenceRow(value, report) : undefined;
  if (fault === undefined && !(isObject(record) && Array.isArray(record['responses']))) {
    report('the round', value, 'an object with prompt and responses');
  }
  // A bad round may bear the id of a later good one, so with a log every round is checked again.
  if (fault === undefined && log !== undefined && checkRound(record, report) && log.candidates !== null) {
    checkCandidates(record, log.candidates, report);
  }
  if (fault === undefined) return record as RoundRecord;
  if (log !== undefined) return undefined;
  throw new PopeError(fault, { code: 'bad_log', file: place.file, line: place.line });
}

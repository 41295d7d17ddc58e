import type { Log } from '../../ope/log.js';
import { PopeError } from '../../util/index.js';
import { type Candidates, checkCandidates } from '../candidates.js';
import { checkRound } from '../check-round.js';
import type { CsvParse } from '../csv-entries.js';
import { entries, type Format } from '../entries.js';
import type { Chunks } from '../lines.js';
import { createLogBuilder } from '../log-builder.js';
import { type Report, refusal } from '../place.js';
import { fromPreferenceRow } from '../preference-rows.js';
import { isObject } from '../record.js';
import { addFault, type Faults, faultFindings, MALFORMED, noFaults } from './faults.js';
import { type Finding, finding } from './finding.js';
import { bySeverity, type LintOptions, lintLog } from './lint-log.js';

export interface LintTextOptions extends LintOptions {
  /** The name that sentences give to the source. */
  readonly file?: string;
  readonly format?: Format;
  /** Another build of csv-parse. */
  readonly parse?: CsvParse | undefined;
  readonly candidates?: Candidates | undefined;
}

export interface Linted {
  /** What could be read; null where no round could. */
  readonly log: Log | null;
  /** Rounds that could not. */
  readonly skipped: number;
  readonly findings: readonly Finding[];
}

/**
 * Reads a log for its faults: what `parseLog` would refuse becomes findings, and the rounds that are left are linted.
 * @throws PopeError where the source is empty or unreadable as a whole, or a chosen signal is not in the log.
 */
export async function lintText(chunks: Chunks, options: LintTextOptions = {}): Promise<Linted> {
  const { file = 'log', format = 'unknown', parse, candidates } = options;
  const faults = noFaults();
  const builder = createLogBuilder({ file, onError: 'skip', ...(candidates === undefined ? {} : { candidates }) });
  const ids = new Set<string>();
  let held = 0;
  for await (const batch of entries(chunks, file, format, parse)) {
    for (const { place, value, malformed } of batch) {
      const name = `${place.unit} ${place.line}`;
      const given = isObject(value) && typeof value['id'] === 'string' ? value['id'] : undefined;
      let ok = true;
      const fail: Report = (path, got, expected, hint) => {
        ok = false;
        const sentence = refusal(place, path, got, expected, hint);
        addFault(faults, { path, got, expected, sentence, round: given ?? name });
      };
      if (malformed !== undefined) {
        ok = false;
        const sentence = `${file} ${name}: ${malformed}`;
        addFault(faults, { path: MALFORMED, got: undefined, expected: '', sentence, round: name });
      } else {
        const round = fromPreferenceRow(value, fail);
        if (ok && checkRound(round, fail) && (candidates === undefined || checkCandidates(round, candidates, fail))) {
          const id = round.id ?? String(place.line);
          if (ids.has(id)) fail('id', id, 'an id that no earlier round has');
          else ids.add(id);
        }
      }
      if (ok) {
        builder.add(value, place);
        held++;
      } else faults.rounds++;
    }
  }
  return finish(() => builder.finish(), held, faults, options);
}

/** @param held rounds that the builder was given. */
function finish(build: () => Log, held: number, faults: Faults, options: LintOptions): Linted {
  const read = faultFindings(faults);
  let log: Log;
  try {
    log = build();
  } catch (error) {
    if (!(error instanceof PopeError) || faults.rounds + held === 0) throw error;
    // Every round that was whole lacks something that another has.
    return {
      log: null,
      skipped: faults.rounds + held,
      findings: held === 0 ? read : [...read, incomplete(error.message)],
    };
  }
  // What else was skipped lacks a propensity or a target that other rounds have.
  const lacking = log.warnings.find(({ code }) => code === 'skipped_rounds');
  const found = [...read, ...(lacking === undefined ? [] : [incomplete(lacking.message)]), ...lintLog(log, options)];
  const skipped = log.skipped + faults.rounds;
  return { log: { ...log, skipped }, skipped, findings: bySeverity(found) };
}

function incomplete(message: string): Finding {
  const hint =
    'Give every response a propensity (and every target), or none: the rest of the checks looked at whole rounds only.';
  return finding('error', 'incomplete_rounds', message.split('\n')[0], hint);
}

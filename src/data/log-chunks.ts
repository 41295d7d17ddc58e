import type { Log } from '../ope/log.js';
import { assertInteger, PopeError } from '../util/index.js';
import type { Entry } from './entries.js';
import { jsonEntries } from './json-entries.js';
import { type Chunks, withoutMark } from './lines.js';
import { createLogBuilder, type ReadOptions } from './log-builder.js';
import { isObject } from './record.js';

export interface LogChunkOptions extends ReadOptions {
  /** Rounds of a part, an integer of at least 1; default 2,000. */
  readonly rounds?: number;
}

/**
 * Reads a log in JSON Lines part by part, each checked as `parseJsonl` does: memory does not grow with the log. A part
 * ends after `rounds` rounds, or later where the last round's cluster goes on, so that adjacent rounds of one cluster
 * stay together. What compares rounds (duplicate ids, keys that only some have) is checked within a part alone. With
 * onError `skip`, bad rounds of a part without any good one are counted with its neighbour.
 * @throws PopeError (code `bad_log`) listing the faults of the first bad part; for a JSON array or a table, which cannot be
 * read in parts; where the whole log holds no round.
 */
export async function* logChunks(
  chunks: Chunks,
  { rounds = 2000, ...options }: LogChunkOptions = {},
): AsyncGenerator<Log> {
  assertInteger('rounds', rounds, 1);
  const file = options.file ?? 'log';
  // held back by one, to take the count of bad parts that follow it
  let last: Log | null = null;
  let empty: PopeError | null = null;
  let carried = 0;
  for await (const part of parts(jsonEntries(jsonLines(chunks, file), file, false), rounds)) {
    const read = readPart(part, { ...options, file });
    if (read instanceof PopeError) {
      empty ??= read;
      carried += part.length;
      continue;
    }
    if (last !== null) yield last;
    last = { ...read, skipped: read.skipped + carried };
    carried = 0;
  }
  if (last === null) {
    throw empty ?? new PopeError(`${file} holds no rounds; expected at least one.`, { code: 'bad_log', file });
  }
  yield { ...last, skipped: last.skipped + carried };
}

/** The log of some entries; the error where all of them were skipped as bad. @throws PopeError where bad rounds stop. */
function readPart(part: readonly Entry[], options: ReadOptions): Log | PopeError {
  const builder = createLogBuilder(options);
  for (const { place, value, malformed } of part) {
    if (malformed === undefined) builder.add(value, place);
    else builder.refuse(malformed, place);
  }
  try {
    return builder.finish();
  } catch (error) {
    if (options.onError === 'skip' && error instanceof PopeError) return error;
    throw error;
  }
}

async function* parts(batches: AsyncIterable<readonly Entry[]>, rounds: number): AsyncGenerator<Entry[]> {
  let part: Entry[] = [];
  for await (const batch of batches) {
    for (const entry of batch) {
      const cluster = clusterOf(entry);
      if (part.length >= rounds && (cluster === undefined || cluster !== clusterOf(part[part.length - 1]))) {
        yield part;
        part = [];
      }
      part.push(entry);
    }
  }
  if (part.length > 0) yield part;
}

function clusterOf({ value }: Entry): string | undefined {
  const cluster = isObject(value) ? value['cluster'] : undefined;
  return typeof cluster === 'string' ? cluster : undefined;
}

/** The same text. @throws PopeError unless it begins as JSON Lines do. */
async function* jsonLines(chunks: Chunks, file: string): AsyncGenerator<string> {
  let begun = false;
  for await (const chunk of withoutMark(chunks)) {
    const first = chunk.trimStart().charAt(0);
    if (!begun && first !== '') {
      begun = true;
      if (first !== '{') {
        const found = first === '[' ? 'a JSON array' : 'no JSON';
        throw new PopeError(
          `${file} is ${found}; expected JSON Lines, one round a line, to be read in parts. The rows of a round may be anywhere in a table, and an array is parsed in one piece: read it whole.`,
          { code: 'bad_log', file },
        );
      }
    }
    yield chunk;
  }
}

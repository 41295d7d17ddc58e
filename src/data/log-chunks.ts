import type { Log } from '../ope/log.js';
import { assertInteger, PopeError } from '../util/index.js';
import { type Chunks, withoutMark } from './lines.js';
import { type LogBuilder, openLogBuilder, type ReadOptions } from './log-builder.js';
import { lineBlocks } from './scan/line-blocks.js';
import { clusterOf, createLineReader } from './scan/line-reader.js';

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
  for await (const { builder, lines } of parts(jsonLines(chunks, file), { ...options, file }, rounds)) {
    const read = finishPart(builder, options);
    if (read instanceof PopeError) {
      empty ??= read;
      carried += lines;
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

/** The log of a part; the error where all of its rounds were skipped as bad. @throws PopeError where bad rounds stop. */
function finishPart(builder: LogBuilder, { onError }: ReadOptions): Log | PopeError {
  try {
    return builder.finish();
  } catch (error) {
    if (onError === 'skip' && error instanceof PopeError) return error;
    throw error;
  }
}

/** Part by part a builder that took its rounds, good and bad, and their number. */
async function* parts(
  chunks: Chunks,
  options: ReadOptions & { readonly file: string },
  rounds: number,
): AsyncGenerator<{ builder: LogBuilder; lines: number }> {
  const reader = createLineReader(options);
  let builder = openLogBuilder(options);
  let lines = 0;
  let cluster: string | undefined;
  for await (const block of lineBlocks(chunks, options.file)) {
    reader.open(block);
    while (reader.hasMore()) {
      if (lines >= rounds) {
        const next = reader.peek();
        const goesOn = cluster !== undefined && next !== null && clusterOf(next) === cluster;
        if (next !== null && !goesOn) {
          yield { builder, lines };
          builder = openLogBuilder(options);
          lines = 0;
        }
      }
      const taken = reader.take(builder);
      if (taken === null) continue;
      cluster = taken;
      lines++;
    }
  }
  if (lines > 0) yield { builder, lines };
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

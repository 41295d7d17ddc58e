import type { Log } from '../ope/log.js';
import { assertInteger, PopeError } from '../util/index.js';
import { type Chunks, withoutMark } from './lines.js';
import { type LogBuilder, openLogBuilder, type ReadOptions } from './log-builder.js';
import { nameOfAll } from './name-of-all.js';
import { mergedLines, type Shard } from './scan/merged-lines.js';

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
export function logChunks(chunks: Chunks, options: LogChunkOptions = {}): AsyncGenerator<Log> {
  return shardChunks([{ file: options.file ?? 'log', chunks }], options);
}

/**
 * `logChunks` of a log that lies in several files, whose names must differ. Where there are clusters, each file must be
 * sorted by them, rounds without one first: files are merged as they are read, so that a cluster's rounds come together wherever they lie. A round
 * without an id is called by its file and line. `file` of the options is not used.
 * @throws PopeError as `logChunks`; for a file that is not sorted by cluster, naming the line.
 */
export async function* shardChunks(
  shards: readonly Shard[],
  { rounds = 2000, ...options }: LogChunkOptions = {},
): AsyncGenerator<Log> {
  assertInteger('rounds', rounds, 1);
  const file = nameOfAll(shards.map((shard) => shard.file));
  // held back by one, to take the count of bad parts that follow it
  let last: Log | null = null;
  let empty: PopeError | null = null;
  let carried = 0;
  for await (const { builder, lines } of parts(shards, { ...options, file }, rounds)) {
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
  shards: readonly Shard[],
  options: ReadOptions,
  rounds: number,
): AsyncGenerator<{ builder: LogBuilder; lines: number }> {
  const open = () => openLogBuilder(options, shards.length > 1);
  let builder = open();
  let lines = 0;
  const texts = shards.map(({ file, chunks }) => ({ file, chunks: jsonLines(chunks, file) }));
  for await (const { reader, hasMore } of mergedLines(texts, options)) {
    while (hasMore()) {
      if (lines >= rounds) {
        const next = reader.cluster();
        if (next !== null && (next === '' || next !== builder.columns.clusters.at(-1))) {
          yield { builder, lines };
          builder = open();
          lines = 0;
        }
      }
      if (reader.take(builder)) lines++;
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

import type { Log } from '../../ope/log.js';
import { shardChunks } from '../log-chunks.js';
import { openShards, type ReadLogOptions } from './read-log.js';

/**
 * Reads a log part by part, in memory that does not grow with it: `.jsonl`, also `.gz`; `-` is standard input. See
 * `shardChunks` for what a part is and what is checked. Stop early with `break`: the files are then closed.
 * path: of one file, or of all files of the log, each sorted by cluster where there are clusters. rounds: of a part,
 * default 2,000.
 * @throws PopeError (code `bad_log`) where it is no JSON Lines or a round is bad; (code `bad_file`) where it cannot be read.
 */
export async function* readLogChunks(
  path: string | readonly string[],
  options: ReadLogOptions & { readonly rounds?: number } = {},
): AsyncGenerator<Log> {
  const { shards, spaces, tellHash } = await openShards(path, options);
  const { onError = 'stop', rounds } = options;
  yield* shardChunks(shards, { onError, ...(rounds === undefined ? {} : { rounds }), ...spaces });
  tellHash();
}

import { createHash } from 'node:crypto';
import type { Log } from '../../ope/log.js';
import { logChunks } from '../log-chunks.js';
import { nameOf } from './bytes.js';
import { formatOf, type ReadLogOptions, readCandidates, readText } from './read-log.js';

/**
 * Reads a log part by part, in memory that does not grow with it: `.jsonl`, also `.gz`; `-` is standard input. See
 * `logChunks` for what a part is and what is checked. Stop early with `break`: the file is then closed.
 * rounds: of a part, default 2,000.
 * @throws PopeError (code `bad_log`) where it is no JSON Lines or a round is bad; (code `bad_file`) where it cannot be read.
 */
export async function* readLogChunks(
  path: string,
  { onError = 'stop', candidates, onHash, rounds }: ReadLogOptions & { readonly rounds?: number } = {},
): AsyncGenerator<Log> {
  formatOf(path); // refuses Parquet, which would read as no JSON
  const spaces = typeof candidates === 'string' ? await readCandidates(candidates) : candidates;
  const hash = onHash === undefined ? undefined : createHash('sha256');
  yield* logChunks(readText(path, hash), {
    file: nameOf(path),
    onError,
    ...(rounds === undefined ? {} : { rounds }),
    ...(spaces === undefined ? {} : { candidates: spaces }),
  });
  if (hash !== undefined) onHash?.(hash.digest('hex'));
}

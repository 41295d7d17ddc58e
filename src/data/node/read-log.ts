import { createHash, type Hash } from 'node:crypto';
import { type Options, parse } from 'csv-parse/sync';
import type { Log } from '../../ope/log.js';
import { invalid } from '../../util/index.js';
import { type Candidates, parseCandidates } from '../candidates.js';
import type { CsvParse } from '../csv-entries.js';
import { decodeUtf8 } from '../decode.js';
import type { Format } from '../entries.js';
import { parseLog } from '../parse-log.js';
import { parseTargetLogProbs, type TargetLogProbs } from '../target-log-probs.js';
import { nameOf, readBytes, unpack } from './bytes.js';

/** Node's build of csv-parse: the same rows as the browsers', twice as fast. */
export const nodeCsvParse: CsvParse = (text, options) => parse(text, options as Options);

export interface ReadLogOptions {
  /** `stop` (the default) refuses the log with all its faults listed; `skip` drops bad rounds and counts them. */
  readonly onError?: 'stop' | 'skip';
  /** Path of a candidates file, or candidates already read. */
  readonly candidates?: string | Candidates | undefined;
  /** Is told the SHA-256 (hexadecimal) of the input's bytes once all are read. */
  readonly onHash?: (sha256: string) => void;
}

/**
 * Reads and checks a log: `.jsonl`, `.json`, `.csv`, each also `.gz`; `-` is standard input, whose format goes by its
 * first character, as does that of a file of another name.
 * @throws PopeError (code `bad_log`) listing at most 20 faults and their count; (code `bad_file`) where it cannot be read.
 */
export async function readLog(
  path: string,
  { onError = 'stop', candidates, onHash }: ReadLogOptions = {},
): Promise<Log> {
  const spaces = typeof candidates === 'string' ? await readCandidates(candidates) : candidates;
  const hash = onHash === undefined ? undefined : createHash('sha256');
  const log = await parseLog(readText(path, hash), {
    file: nameOf(path),
    onError,
    format: formatOf(path),
    parse: nodeCsvParse,
    ...(spaces === undefined ? {} : { candidates: spaces }),
  });
  if (hash !== undefined) onHash?.(hash.digest('hex'));
  return log;
}

/** Reads a candidates file (JSONL, also .gz). See `parseCandidates`. */
export function readCandidates(path: string): Promise<Candidates> {
  return parseCandidates(readText(path), { file: nameOf(path) });
}

/** Reads a target's log-probabilities (JSONL of `{"id", "log_probs"}`, also .gz). See `parseTargetLogProbs`. */
export function readTargetLogProbs(path: string): Promise<TargetLogProbs> {
  return parseTargetLogProbs(readText(path), { file: nameOf(path) });
}

/** The text of a file, unpacked and decoded as it comes. */
export function readText(path: string, hash?: Hash): AsyncGenerator<string> {
  const file = nameOf(path);
  return decodeUtf8(unpack(hash === undefined ? readBytes(path) : hashed(readBytes(path), hash), file), file);
}

/** The format that a name tells. @throws PopeError for Parquet, which is not read. */
export function formatOf(path: string): Format {
  const name = path.toLowerCase().replace(/\.gz$/, '');
  if (name.endsWith('.parquet'))
    throw invalid('the log', path, 'a .jsonl, .json or .csv file, each also .gz', 'Parquet is not read yet.');
  if (name.endsWith('.csv')) return 'csv';
  return name.endsWith('.jsonl') || name.endsWith('.json') || name.endsWith('.ndjson') ? 'json' : 'unknown';
}

async function* hashed(chunks: AsyncIterable<Uint8Array>, hash: Hash): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) {
    hash.update(chunk);
    yield chunk;
  }
}

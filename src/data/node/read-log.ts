import { createHash, type Hash } from 'node:crypto';
import { type Options, parse } from 'csv-parse/sync';
import type { Log } from '../../ope/log.js';
import { invalid } from '../../util/index.js';
import { type Candidates, parseCandidates } from '../candidates.js';
import type { CsvParse } from '../csv-entries.js';
import { decodeUtf8 } from '../decode.js';
import type { Format } from '../entries.js';
import { parseShards } from '../parse-log.js';
import type { Shard } from '../scan/merged-lines.js';
import { parseTargetLogProbs, type TargetLogProbs } from '../target-log-probs.js';
import { nameOf, readBytes, unpack } from './bytes.js';
import { combineHashes } from './hash.js';

/** Node's build of csv-parse: the same rows as the browsers', twice as fast. */
export const nodeCsvParse: CsvParse = (text, options) => parse(text, options as Options);

export interface ReadLogOptions {
  /** `stop` (the default) refuses the log with all its faults listed; `skip` drops bad rounds and counts them. */
  readonly onError?: 'stop' | 'skip';
  /** Path of a candidates file, or candidates already read. */
  readonly candidates?: string | Candidates | undefined;
  /** Is told the SHA-256 (hexadecimal) of the input's bytes once all are read; of several files see `combineHashes`. */
  readonly onHash?: (sha256: string) => void;
}

/**
 * Reads and checks a log: `.jsonl`, `.json`, `.csv`, each also `.gz`; `-` is standard input, whose format goes by its
 * first character, as does that of a file of another name.
 * path: of one file, or of all files of the log, which are read one after the other (see `parseShards`).
 * @throws PopeError (code `bad_log`) listing at most 20 faults and their count; (code `bad_file`) where it cannot be read.
 */
export async function readLog(path: string | readonly string[], options: ReadLogOptions = {}): Promise<Log> {
  const { shards, spaces, tellHash } = await openShards(path, options);
  const log = await parseShards(shards, { onError: options.onError ?? 'stop', parse: nodeCsvParse, ...spaces });
  tellHash();
  return log;
}

/** What there is to read of a log's files, opened when it is read. */
export async function openShards(
  path: string | readonly string[],
  { candidates, onHash }: ReadLogOptions,
): Promise<{
  readonly shards: readonly (Shard & { readonly format: Format })[];
  readonly spaces: { readonly candidates?: Candidates };
  /** To be called once all is read. */
  readonly tellHash: () => void;
}> {
  const paths = typeof path === 'string' ? [path] : path;
  const hashes: Hash[] = [];
  const shards = paths.map((one) => {
    const hash = onHash && createHash('sha256');
    if (hash !== undefined) hashes.push(hash);
    return { file: nameOf(one), format: formatOf(one), chunks: readText(one, hash) };
  });
  const spaces = typeof candidates === 'string' ? await readCandidates(candidates) : candidates;
  return {
    shards,
    spaces: spaces === undefined ? {} : { candidates: spaces },
    tellHash: () => onHash?.(combineHashes(hashes.map((hash) => hash.digest('hex')))),
  };
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

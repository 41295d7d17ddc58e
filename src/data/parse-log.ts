import type { Log } from '../ope/log.js';
import type { CsvParse } from './csv-entries.js';
import { entriesOf, type Format, formatOfText } from './entries.js';
import type { Chunks } from './lines.js';
import { addEntry, createLogBuilder, type OpenLogBuilder, openLogBuilder, type ReadOptions } from './log-builder.js';
import { nameOfAll } from './name-of-all.js';
import { mergedLines, type Shard } from './scan/merged-lines.js';

/** How `parseLog` reads a text. */
export interface ParseLogOptions extends ReadOptions {
  readonly format?: Format;
  readonly parse?: CsvParse | undefined;
}

/**
 * Reads and checks a log. Format `unknown` goes by the first character: `{` or `[` is JSON, else CSV.
 * parse: another build of csv-parse.
 * @throws PopeError (code `bad_log`) listing at most 20 faults and their count.
 */
export function parseLog(chunks: Chunks, options: ParseLogOptions = {}): Promise<Log> {
  return parseShards([{ file: options.file ?? 'log', chunks }], options);
}

/**
 * `parseLog` of a log that lies in several files, whose names must differ: their rounds one file after the other. A round
 * without an id is called by its file and line. A shard's own format counts before that of the options; `file` of the
 * options is not used.
 * @throws PopeError as `parseLog`; also where two files have a round of one id.
 */
export async function parseShards(
  shards: readonly (Shard & { readonly format?: Format })[],
  { format = 'unknown', parse, ...options }: ParseLogOptions = {},
): Promise<Log> {
  const builder = openLogBuilder({ ...options, file: nameOfAll(shards.map(({ file }) => file)) }, shards.length > 1);
  for (const shard of shards) {
    const found = await formatOfText(shard.chunks, shard.format ?? format);
    if (found.format === 'json lines') await addLines(builder, { file: shard.file, chunks: found.chunks }, options);
    else {
      for await (const batch of entriesOf(found, shard.file, parse)) {
        for (const entry of batch) addEntry(builder, entry);
      }
    }
  }
  return builder.finish();
}

async function addLines(builder: OpenLogBuilder, lines: Shard, options: ReadOptions): Promise<void> {
  for await (const { reader, hasMore } of mergedLines([lines], options)) {
    while (hasMore()) reader.take(builder);
  }
}

/** A log from JSON Lines (or one JSON array of rounds). See `parseLog`. */
export function parseJsonl(chunks: string | Chunks, options: ReadOptions = {}): Promise<Log> {
  return parseLog(asChunks(chunks), { ...options, format: 'json' });
}

/** A log from CSV with a header, one response a row. See `parseLog` and `createRowGrouper`. */
export function parseCsv(
  chunks: string | Chunks,
  options: ReadOptions & { readonly parse?: CsvParse } = {},
): Promise<Log> {
  return parseLog(asChunks(chunks), { ...options, format: 'csv' });
}

/**
 * A log from objects in the shape of interface.md section 1 (or rows of a preference set); the default id is the
 * 1-based number of the record.
 * @throws PopeError (code `bad_log`) listing at most 20 faults and their count.
 */
export function logFromRecords(records: Iterable<unknown>, options: ReadOptions = {}): Log {
  const file = options.file ?? 'log';
  const builder = createLogBuilder({ ...options, file });
  let line = 0;
  for (const record of records) builder.add(record, { file, unit: 'record', line: ++line });
  return builder.finish();
}

/** A string is one chunk, not an iterable of characters. */
function asChunks(chunks: string | Chunks): Chunks {
  return typeof chunks === 'string' ? [chunks] : chunks;
}

import type { Log } from '../ope/log.js';
import type { CsvParse } from './csv-entries.js';
import { entriesOf, type Format, formatOfText } from './entries.js';
import type { Chunks } from './lines.js';
import { addEntry, createLogBuilder, openLogBuilder, type ReadOptions } from './log-builder.js';
import { lineBlocks } from './scan/line-blocks.js';
import { createLineReader } from './scan/line-reader.js';

/**
 * Reads and checks a log. Format `unknown` goes by the first character: `{` or `[` is JSON, else CSV.
 * parse: another build of csv-parse.
 * @throws PopeError (code `bad_log`) listing at most 20 faults and their count.
 */
export async function parseLog(
  chunks: Chunks,
  {
    format = 'unknown',
    parse,
    ...options
  }: ReadOptions & { readonly format?: Format; readonly parse?: CsvParse | undefined } = {},
): Promise<Log> {
  const file = options.file ?? 'log';
  const builder = openLogBuilder(options);
  const found = await formatOfText(chunks, format);
  if (found.format === 'json lines') {
    const reader = createLineReader(options);
    for await (const block of lineBlocks(found.chunks, file)) {
      reader.open(block);
      while (reader.hasMore()) reader.take(builder);
    }
    return builder.finish();
  }
  for await (const batch of entriesOf(found, file, parse)) {
    for (const entry of batch) addEntry(builder, entry);
  }
  return builder.finish();
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

import { parse as parseInBrowser } from 'csv-parse/browser/esm/sync';
import { PopeError } from '../util/index.js';
import type { Entry } from './entries.js';
import { createRowGrouper } from './flat-rows.js';
import { type Chunks, withoutMark } from './lines.js';

/** csv-parse's synchronous parser: the build for browsers by default; Node's (csv-parse/sync) is twice as fast. */
export type CsvParse = (text: string, options: CsvOptions) => unknown;

/** The options of csv-parse that are used here. */
export interface CsvOptions {
  readonly info: true;
  readonly relax_column_count: true;
  readonly skip_empty_lines: true;
  readonly record_delimiter: string[];
}

interface ParsedRow {
  readonly record: string[];
  readonly info: { readonly empty_lines: number };
}

const CSV_OPTIONS: CsvOptions = {
  info: true,
  relax_column_count: true,
  skip_empty_lines: true,
  record_delimiter: ['\n', '\r\n'],
};

/**
 * The rounds of a CSV table with a header, one response a row (see `createRowGrouper` for the columns).
 * A quotation mark out of place is refused even where bad rounds are skipped: after it no row can be trusted.
 * @throws PopeError (code `bad_log`) for broken quoting or a header without the columns of a log.
 */
export async function* csvEntries(
  chunks: Chunks,
  file: string,
  parse: CsvParse = parseInBrowser,
): AsyncGenerator<Entry[]> {
  let grouper: ReturnType<typeof createRowGrouper> | undefined;
  let linesBefore = 0;
  for await (const block of wholeRows(chunks)) {
    // csv-parse counts a CRLF inside quotation marks twice, so lines are counted here.
    let line = linesBefore;
    let blanks = 0;
    for (const { record, info } of parseBlock(parse, block, file, linesBefore)) {
      line += 1 + info.empty_lines - blanks;
      blanks = info.empty_lines;
      if (grouper === undefined) grouper = createRowGrouper(record, file);
      else grouper.add(record, line);
      line += record.reduce((count, cell) => count + countOf(cell, '\n'), 0);
    }
    linesBefore += countOf(block, '\n');
  }
  yield grouper?.finish() ?? [];
}

/** Cuts text into blocks that end at the end of a row: at a line end outside quotation marks. */
async function* wholeRows(chunks: Chunks): AsyncGenerator<string> {
  let pending: string[] = [];
  let quoted = false;
  for await (const chunk of withoutMark(chunks)) {
    let end = -1;
    for (let at = 0; at < chunk.length; at++) {
      const code = chunk.charCodeAt(at);
      if (code === 34) quoted = !quoted;
      else if (code === 10 && !quoted) end = at;
    }
    if (end >= 0) {
      pending.push(chunk.slice(0, end + 1));
      yield pending.join('');
      pending = [];
    }
    if (end + 1 < chunk.length) pending.push(chunk.slice(end + 1));
  }
  if (pending.length > 0) yield pending.join('');
}

function parseBlock(parse: CsvParse, block: string, file: string, linesBefore: number): ParsedRow[] {
  try {
    return parse(block, CSV_OPTIONS) as ParsedRow[];
  } catch (cause) {
    const { lines, code } = cause as { lines?: number; code?: string };
    const line = linesBefore + (lines ?? 1);
    const why =
      code === 'CSV_QUOTE_NOT_CLOSED' ? 'a quotation mark is never closed' : 'a quotation mark is out of place';
    const message = `${file} line ${line}: is not valid CSV (${why}); expected cells with quotation marks to be quoted, and marks inside them doubled.`;
    throw new PopeError(message, { code: 'bad_log', file, line, cause });
  }
}

function countOf(text: string, character: string): number {
  let count = 0;
  for (let at = text.indexOf(character); at >= 0; at = text.indexOf(character, at + 1)) count++;
  return count;
}

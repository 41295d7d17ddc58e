import { type CsvParse, csvEntries } from './csv-entries.js';
import { jsonEntries } from './json-entries.js';
import type { Chunks } from './lines.js';
import { withoutMark } from './lines.js';
import type { Place } from './place.js';

/** One round as found in its source: parsed but unchecked, or the sentence that says why it could not be parsed. */
export interface Entry {
  readonly place: Place;
  readonly value: unknown;
  readonly malformed: string | undefined;
}

export type Format = 'json' | 'csv' | 'unknown';

/** What a text was found to be. */
export interface FoundFormat {
  readonly format: 'json lines' | 'json array' | 'csv';
  /** All of the text, without a byte order mark. */
  readonly chunks: AsyncGenerator<string>;
}

/** Format `unknown` goes by the first character that is not blank: `{` or `[` is JSON, all else CSV. */
export async function formatOfText(chunks: Chunks, format: Format): Promise<FoundFormat> {
  const [first, source] = await peek(withoutMark(chunks));
  const isJson = format === 'json' || (format === 'unknown' && (first === '{' || first === '[' || first === ''));
  return { format: !isJson ? 'csv' : first === '[' ? 'json array' : 'json lines', chunks: source };
}

/** The rounds of a text, in batches. See `formatOfText`. */
export async function* entries(
  chunks: Chunks,
  file: string,
  format: Format,
  parse?: CsvParse,
): AsyncGenerator<Entry[]> {
  yield* entriesOf(await formatOfText(chunks, format), file, parse);
}

export function entriesOf({ format, chunks }: FoundFormat, file: string, parse?: CsvParse): AsyncGenerator<Entry[]> {
  return format === 'csv' ? csvEntries(chunks, file, parse) : jsonEntries(chunks, file, format === 'json array');
}

/** The first character that is not blank ('' where there is none), and all chunks. */
async function peek(chunks: AsyncGenerator<string>): Promise<[string, AsyncGenerator<string>]> {
  const head: string[] = [];
  let first = '';
  while (first === '') {
    const next = await chunks.next();
    if (next.done) break;
    head.push(next.value);
    first = next.value.trimStart().charAt(0);
  }
  async function* all(): AsyncGenerator<string> {
    yield* head;
    yield* chunks;
  }
  return [first, all()];
}

import { parse } from 'csv-parse/sync';
import { PopeError } from '../util/index.js';

/**
 * The rows of a CSV with a header, by column name.
 * @param file how a reader finds it. @param columns that every row must have.
 * @throws PopeError naming the file, where it is no CSV, has no rows or lacks a column.
 */
export function parseCsvRows(
  text: string,
  file: string,
  columns: readonly string[],
): readonly Readonly<Record<string, string>>[] {
  const fail = (got: string): PopeError =>
    new PopeError(`${file} ${got}; expected a CSV with a header and the columns ${columns.join(', ')}.`, {
      code: 'bad_file',
      file,
    });
  let rows: readonly Readonly<Record<string, string>>[];
  try {
    rows = parse(text, {
      columns: (header: string[]) => header.map((name, i) => (name === '' ? `column ${i}` : name)),
    });
  } catch (error) {
    throw fail(`cannot be read (${(error as Error).message})`);
  }
  const first = rows[0];
  if (first === undefined) throw fail('has no rows');
  const missing = columns.filter((name) => first[name] === undefined);
  if (missing.length > 0) throw fail(`has no ${missing.join(', ')}`);
  return rows;
}

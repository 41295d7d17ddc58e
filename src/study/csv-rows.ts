import { parse } from 'csv-parse/sync';

/** The rows of a CSV with a header, by column name. */
export const parseCsvRows = (text: string): readonly Readonly<Record<string, string>>[] =>
  parse(text, { columns: (header: string[]) => header.map((name, i) => (name === '' ? `column ${i}` : name)) });

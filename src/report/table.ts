import { invalid } from '../util/index.js';
import { formatNumber, MISSING } from './format.js';
import { element, type Markup } from './markup.js';
import { displayWidth } from './text-width.js';

/** A cell: text as it is, numbers with 3 significant digits, null as an em dash. Format numbers beforehand to choose digits. */
export type Cell = string | number | null | undefined;

export interface Column {
  readonly header: string;
  /** By default right where every cell of the column is a number, looks like one or is missing, else left. */
  readonly align?: 'left' | 'right';
}

/** A table's content: `rows[i].length` equals `columns.length`. */
export interface Table {
  readonly columns: readonly (string | Column)[];
  readonly rows: readonly (readonly Cell[])[];
}

const GAP = '  ';
const NUMERIC = /^[[(<>+\-\u2212]?\s?[\d.,\u2212-]+([e%].*|\s?(ms|s|k?B|[MGTP]B)|, [\d.,\u2212-]+\])?$/;

/**
 * A table for the terminal, columns aligned by the width that characters take there. Lines are never wrapped;
 * control characters and line breaks in cells become spaces, so a log cannot move the cursor.
 * @throws PopeError where a row has another number of cells than there are columns.
 */
export function textTable(columns: Table['columns'], rows: Table['rows']): string {
  const { headers, cells, right } = layOut({ columns, rows });
  const widths = headers.map((header, c) =>
    Math.max(displayWidth(header), ...cells.map((row) => displayWidth(row[c] as string))),
  );
  const pad = (text: string, c: number): string => {
    const space = ' '.repeat((widths[c] as number) - displayWidth(text));
    return right[c] === true ? space + text : text + space;
  };
  const write = (row: readonly string[]): string => row.map(pad).join(GAP).trimEnd();
  return [write(headers), widths.map((width) => '─'.repeat(width)).join(GAP), ...cells.map(write)].join('\n');
}

/** The same table as HTML, in a frame that scrolls by itself where the page is narrow. */
export function htmlTable({ columns, rows }: Table): Markup {
  const { headers, cells, right } = layOut({ columns, rows });
  const kind = (c: number): string | undefined => (right[c] === true ? 'number' : undefined);
  return element(
    'div',
    { class: 'table' },
    element(
      'table',
      {},
      element(
        'thead',
        {},
        element('tr', {}, ...headers.map((header, c) => element('th', { scope: 'col', class: kind(c) }, header))),
      ),
      element(
        'tbody',
        {},
        ...cells.map((row) => element('tr', {}, ...row.map((cell, c) => element('td', { class: kind(c) }, cell)))),
      ),
    ),
  );
}

function layOut({ columns, rows }: Table): { headers: string[]; cells: string[][]; right: boolean[] } {
  rows.forEach((row, i) => {
    if (row.length !== columns.length)
      throw invalid(`rows[${i}].length`, row.length, `${columns.length}, one cell for each column`);
  });
  const cells = rows.map((row) => row.map(show));
  const right = columns.map((column, c) => {
    if (typeof column !== 'string' && column.align !== undefined) return column.align === 'right';
    return (
      cells.length > 0 && cells.every((row) => row[c] === MISSING || row[c] === '' || NUMERIC.test(row[c] as string))
    );
  });
  return { headers: columns.map((column) => show(typeof column === 'string' ? column : column.header)), cells, right };
}

function show(cell: Cell): string {
  if (typeof cell !== 'string') return formatNumber(cell);
  return cell.replace(/[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]+/gu, ' ').trim();
}

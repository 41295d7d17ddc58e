/** A float64 column that grows by doubling. */
export interface Column {
  data: Float64Array;
  length: number;
}

export function emptyColumn(): Column {
  return { data: new Float64Array(16), length: 0 };
}

export function push(column: Column, value: number): void {
  if (column.length === column.data.length) {
    const grown = new Float64Array(column.length * 2);
    grown.set(column.data);
    column.data = grown;
  }
  column.data[column.length++] = value;
}

/** Sets position `index` (at or past the end), with NaN (missing) in all positions that were passed over. */
export function put(column: Column, index: number, value: number): void {
  while (column.length < index) push(column, NaN);
  if (column.length === index) push(column, value);
  else column.data[index] = value;
}

/** The first `length` values in an array of their own, NaN where the column ends early. */
export function finishColumn(column: Column, length: number): Float64Array {
  while (column.length < length) push(column, NaN);
  return column.data.slice(0, length);
}

/** Columns by name, made when first named. */
export function columnNamed(columns: Map<string, Column>, name: string): Column {
  let column = columns.get(name);
  if (column === undefined) {
    column = emptyColumn();
    columns.set(name, column);
  }
  return column;
}

export function finishColumns(columns: ReadonlyMap<string, Column>, length: number): Map<string, Float64Array> {
  return new Map([...columns].map(([name, column]) => [name, finishColumn(column, length)]));
}

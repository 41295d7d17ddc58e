import { PopeError } from '../util/index.js';

/**
 * JSON text of plain data: typed arrays become arrays and maps become objects.
 * indent: spaces a level, 0 for one line.
 * @throws PopeError for NaN and Infinity, which JSON would turn into null in silence, naming where.
 */
export function jsonText(value: unknown, indent = 0): string {
  return JSON.stringify(plain(value, ''), null, indent);
}

/** JSON Lines text of records: one line each, each line ended. */
export function jsonlText(records: Iterable<unknown>): string {
  let text = '';
  for (const record of records) text += `${jsonText(record)}\n`;
  return text;
}

function plain(value: unknown, path: string): unknown {
  if (typeof value === 'number' && !Number.isFinite(value)) {
    const where = path === '' ? 'the value' : path;
    throw new PopeError(`${where} is ${value}; expected a finite number, since JSON has no other.`, {
      argument: where,
      got: value,
    });
  }
  if (typeof value !== 'object' || value === null) return value;
  if (ArrayBuffer.isView(value) && !(value instanceof DataView))
    return plainArray(Array.from(value as Float64Array), path);
  if (Array.isArray(value)) return plainArray(value, path);
  const pairs = value instanceof Map ? [...value].map(([k, v]) => [String(k), v] as const) : Object.entries(value);
  return Object.fromEntries(pairs.map(([key, inner]) => [key, plain(inner, path === '' ? key : `${path}.${key}`)]));
}

function plainArray(values: readonly unknown[], path: string): unknown[] {
  return values.map((value, i) => plain(value, `${path}[${i}]`));
}

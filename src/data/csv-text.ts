import { PopeError } from '../util/index.js';
import { isObject, type RoundRecord } from './record.js';

const NESTED = ['predicted_value', 'opinion_distribution', 'sampling', 'feedback', 'target_log_prob'];
const FIRST = ['id', 'prompt', 'response'];

/**
 * Records as a CSV table, one response a row, with the columns that `createRowGrouper` reads: reading it gives the same
 * log. Token log-probabilities are summed. Where no record has an id, rows get one, so that slates stay together.
 */
export function csvText(records: readonly RoundRecord[]): string {
  const rows: Map<string, string>[] = [];
  const columns = new Set(FIRST);
  records.forEach((record, i) => {
    const { responses, ...rest } = record;
    const shared = new Map<string, string>([['id', record.id ?? String(i + 1)]]);
    flatten(rest, shared);
    for (const response of responses) {
      const row = new Map(shared);
      flatten(response, row);
      for (const name of row.keys()) columns.add(name);
      rows.push(row);
    }
  });
  const header = [...columns];
  const lines = rows.map((row) => header.map((name) => quote(row.get(name) ?? '')).join(','));
  return `${[header.map(quote).join(','), ...lines].join('\n')}\n`;
}

function flatten(fields: Readonly<Record<string, unknown>>, row: Map<string, string>): void {
  for (const [key, value] of Object.entries(fields)) {
    if (value === undefined || (value === null && key !== 'target_log_prob')) continue;
    if (key === 'text') row.set('response', String(value));
    else if (key === 'group_feedback' && isObject(value)) {
      for (const [group, signals] of Object.entries(value)) {
        if (group.includes('.'))
          throw new PopeError(
            `group ${JSON.stringify(group)} has a dot; expected none in a CSV column's name. Write JSONL instead.`,
          );
        for (const [name, number] of Object.entries(isObject(signals) ? signals : {})) {
          if (number !== null && number !== undefined) row.set(`${key}.${group}.${name}`, cell(key, number));
        }
      }
    } else if (NESTED.includes(key) && isObject(value)) {
      for (const [name, inner] of Object.entries(value)) {
        if (key === 'target_log_prob' || (inner !== null && inner !== undefined))
          row.set(`${key}.${name}`, cell(key, inner));
      }
    } else row.set(key, cell(key, value));
  }
}

function cell(key: string, value: unknown): string {
  if (key === 'target_log_prob' && value === null) return '-Infinity';
  if (key === 'log_propensity' && Array.isArray(value))
    return String(value.reduce((sum: number, token: number) => sum + token, 0));
  if (typeof value === 'string') return value;
  return typeof value === 'number' ? String(value) : JSON.stringify(value);
}

function quote(text: string): string {
  return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

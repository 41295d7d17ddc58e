import { studentQuantile } from '../stats/index.js';
import type { Finding } from './study.js';

/** A mean with its two-sided Student-t interval. */
export interface Mean {
  readonly mean: number;
  readonly lower: number;
  readonly upper: number;
  readonly n: number;
}

/** Of independent numbers, at least one; one alone says nothing of its spread, so its interval is all numbers. */
export function meanOf(values: readonly number[], level = 0.95): Mean {
  const n = values.length;
  const mean = values.reduce((sum, v) => sum + v, 0) / n;
  if (n < 2) return { mean, lower: -Infinity, upper: Infinity, n };
  const variance = values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / (n - 1);
  const reach = studentQuantile(1 - (1 - level) / 2, n - 1) * Math.sqrt(variance / n);
  return { mean, lower: mean - reach, upper: mean + reach, n };
}

/** A share of successes with its Wilson interval. */
export function shareOf(successes: number, n: number, z = 1.959964): Mean {
  const p = successes / n;
  const center = (p + (z * z) / (2 * n)) / (1 + (z * z) / n);
  const reach = (z / (1 + (z * z) / n)) * Math.sqrt((p * (1 - p)) / n + (z * z) / (4 * n * n));
  return { mean: p, lower: Math.max(0, center - reach), upper: Math.min(1, center + reach), n };
}

/** Numbers of which those of one group (the policies of one log) are not independent of one another. */
export type Grouped = readonly { readonly group: string | number; readonly value: number }[];

/** A mean whose interval is that of the groups: the ratio of sums over groups, with its linearised error. */
export function meanOfGroups(values: Grouped, level = 0.95): Mean {
  const sums = new Map<string | number, { sum: number; n: number }>();
  for (const { group, value } of values) {
    const own = sums.get(group) ?? { sum: 0, n: 0 };
    sums.set(group, { sum: own.sum + value, n: own.n + 1 });
  }
  const groups = [...sums.values()];
  const n = groups.length;
  const mean = values.reduce((sum, { value }) => sum + value, 0) / values.length;
  if (n < 2) return { mean, lower: -Infinity, upper: Infinity, n };
  const squares = groups.reduce((total, own) => total + (own.sum - mean * own.n) ** 2, 0);
  const error = Math.sqrt((squares * n) / (n - 1)) / values.length;
  const reach = studentQuantile(1 - (1 - level) / 2, n - 1) * error;
  return { mean, lower: mean - reach, upper: mean + reach, n };
}

/** A share of successes (values of 1) over groups; where all groups agree, Wilson's interval of one draw a group. */
export function shareOfGroups(values: Grouped): Mean {
  const found = meanOfGroups(values);
  const { mean, lower, upper, n } = found;
  if (n === 0 || (n > 1 && upper > lower)) return { mean, lower: Math.max(0, lower), upper: Math.min(1, upper), n };
  return { ...shareOf(mean * n, n), mean };
}

/** Whether a mean is above a limit, as far as its interval tells. */
export const above = ({ lower, upper }: Mean, limit = 0): Finding['holds'] =>
  lower > limit ? 'yes' : upper < limit ? 'no' : 'unclear';
export const below = ({ lower, upper }: Mean, limit = 0): Finding['holds'] =>
  upper < limit ? 'yes' : lower > limit ? 'no' : 'unclear';

/** `1.23 [1.1, 1.4]`, and `1.23 (one run)` where nothing is known of the spread. */
export const showMean = ({ mean, lower, upper, n }: Mean, digits = 3): string =>
  n === 1
    ? `${show(mean, digits)} (one run)`
    : `${show(mean, digits)} [${show(lower, digits)}, ${show(upper, digits)}]`;

/** The ends of a bar in a figure; none where nothing is known of the spread. */
export const barOf = ({ lower, upper }: Mean): { readonly lower: number; readonly upper: number } | undefined =>
  Number.isFinite(lower) && Number.isFinite(upper) ? { lower, upper } : undefined;

export function show(value: number, digits = 3): string {
  if (Number.isInteger(value) && Math.abs(value) < 1e6) return String(value);
  const text = value.toPrecision(digits);
  return text.includes('e') || !text.includes('.') ? text : text.replace(/\.?0+$/, '');
}

export const percent = (share: number, digits = 0): string => `${(100 * share).toFixed(digits)} %`;

import { expect } from 'vitest';
import { logFromRecords } from '../../src/data/index.js';
import type { Log } from '../../src/ope/index.js';
import type { EstimateEntry, Signal } from '../../src/pope/index.js';
import { expectClose } from '../theorems/close.js';

export const up: Signal[] = [{ name: 'up', transform: 'identity', weight: 1 }];

export interface Row {
  readonly p0: number;
  readonly pi: number;
  readonly up: number | null;
  readonly q?: number;
}

export function logOf(
  rounds: readonly {
    readonly rows: readonly Row[];
    readonly cluster?: string;
    readonly value?: number;
    readonly id?: string;
  }[],
): Log {
  return logFromRecords(
    rounds.map(({ rows, cluster, value, id }, i) => ({
      id: id ?? `r${i + 1}`,
      prompt: 'x',
      ...(cluster && { cluster }),
      ...(value !== undefined && { predicted_value: { pi: value } }),
      responses: rows.map((r, j) => ({
        text: `y${i}${j}`,
        log_propensity: Math.log(r.p0),
        target_log_prob: { pi: r.pi === 0 ? null : Math.log(r.pi) },
        ...(r.up !== null && { feedback: { up: r.up } }),
        ...(r.q !== undefined && { predicted_reward: r.q }),
      })),
    })),
  );
}

export const mean = (x: readonly number[]): number => x.reduce((a, b) => a + b, 0) / x.length;
export const sampleError = (x: readonly number[]): number =>
  Math.sqrt(x.reduce((s, v) => s + (v - mean(x)) ** 2, 0) / (x.length - 1) / x.length);

/** An entry whose interval is Student's with quantile t. */
export function expectEntry(entry: EstimateEntry | null | undefined, estimate: number, error: number, t: number): void {
  if (entry == null) expect.fail('the entry is missing');
  expectClose(entry.estimate!, estimate);
  expectClose(entry.std_error!, error);
  expectClose(entry.lower!, estimate - t * error);
  expectClose(entry.upper!, estimate + t * error);
}

export function expectFinite(value: unknown, path = 'result'): void {
  if (typeof value === 'number' && !Number.isFinite(value)) expect.fail(`${path} is ${value}`);
  if (value !== null && typeof value === 'object')
    for (const [key, inner] of Object.entries(value)) expectFinite(inner, `${path}.${key}`);
}

// Student's t at 0.975: 4 and 2 degrees of freedom (mpmath)
export const [t4, t2] = [2.776445105197798, 4.302652729749462];

import { feedbackColumn, type Log, roundIdOf } from '../ope/index.js';
import { assertFinite, assertOneOf, PopeError } from '../util/index.js';

export type SignalTransform = 'identity' | 'log1p' | 'rank' | 'share';
export const signalTransforms: readonly SignalTransform[] = ['identity', 'log1p', 'rank', 'share'];

/** One term of the utility: alpha phi(f). Rank and share look at the whole slate, so they are not local (T1b). */
export interface Signal {
  readonly name: string;
  readonly transform: SignalTransform;
  readonly weight: number;
}

/** Does the utility of a response depend on it alone? Then one importance ratio suffices (T1); else E1 is needed. */
export const isLocal = (signals: readonly Signal[]): boolean =>
  signals.every(({ transform }) => transform === 'identity' || transform === 'log1p');

// #region D1
/**
 * Collaborative utility: u(x, y) = sum_k alpha_k phi_k(f_k), one number a response, [M]; NaN where a signal is missing.
 * phi: identity; log1p (feedback > -1); rank within the slate from 0 (lowest) to 1, ties averaged; share of the slate's
 * total (feedback >= 0; equal shares where all is 0).
 * @throws PopeError where a signal is unknown or outside of its transform's domain.
 * @id D1
 */
export function utilityReward(log: Log, signals: readonly Signal[]): Float64Array {
  if (signals.length === 0)
    throw new PopeError('signals is empty; expected at least one feedback signal.', { argument: 'signals' });
  const utility = new Float64Array(log.responseCount);
  for (const { name, transform, weight } of signals) {
    assertOneOf('signal transform', transform, signalTransforms);
    assertFinite('signal weight', weight);
    const values = transformed(log, name, transform);
    for (let j = 0; j < utility.length; j++) utility[j] += weight * values[j];
  }
  return utility;
}
// #endregion D1

function transformed(log: Log, name: string, transform: SignalTransform): Float64Array {
  const f = feedbackColumn(log, name);
  if (transform === 'identity') return f;
  if (transform === 'log1p') {
    const bad = f.findIndex((v) => v <= -1);
    if (bad >= 0) throw outside(log, name, bad, f[bad], 'above -1, the domain of log1p');
    return f.map(Math.log1p);
  }
  const out = new Float64Array(f.length);
  for (let i = 0; i < log.rounds; i++) {
    const [from, to] = [log.offsets[i], log.offsets[i + 1]];
    const slate = f.subarray(from, to);
    if (transform === 'share') {
      const bad = slate.findIndex((v) => v < 0);
      if (bad >= 0) throw outside(log, name, from + bad, slate[bad], 'at least 0, the domain of share');
    }
    out.set(transform === 'rank' ? averageRanks(slate) : shares(slate), from);
  }
  return out;
}

/** Ranks within a slate scaled to [0, 1], ties averaged; missing stays missing and does not count; a lone value is 0.5. */
export function averageRanks(slate: Float64Array): Float64Array {
  const present = slate.filter((v) => !Number.isNaN(v));
  return slate.map((v) => {
    if (Number.isNaN(v)) return v;
    if (present.length === 1) return 0.5;
    let lower = 0;
    let ties = 0;
    for (const other of present) {
      if (other < v) lower++;
      else if (other === v) ties++;
    }
    return (lower + (ties - 1) / 2) / (present.length - 1);
  });
}

function shares(slate: Float64Array): Float64Array {
  let total = 0;
  let count = 0;
  for (const v of slate) {
    if (Number.isNaN(v)) continue;
    total += v;
    count++;
  }
  return slate.map((v) => (Number.isNaN(v) ? v : total === 0 ? 1 / count : v / total));
}

function outside(log: Log, signal: string, response: number, got: number, expected: string): PopeError {
  return new PopeError(
    `feedback.${signal} of round ${roundIdOf(log, response)} is ${got}; expected a number ${expected}.`,
    {
      argument: signal,
      got,
      expected,
    },
  );
}

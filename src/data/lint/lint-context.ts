import { type Log, promptKey, roundOfResponse } from '../../ope/log.js';
import { type Signal, utilityReward } from '../../pope/utility.js';
import { quantile } from '../../stats/quantile.js';
import type { Finding } from './finding.js';

/** What the checks share: the log, and columns that several of them need. */
export interface LintContext {
  readonly log: Log;
  /** Signals that the user chose; null: all of the log are looked at as they are. */
  readonly signals: readonly Signal[] | null;
  /** Length M. */
  readonly roundOf: Int32Array;
  /** Length N: number of the prompt, and how many there are. */
  readonly promptOf: Int32Array;
  readonly prompts: number;
  /** Length M: number of the place that was filled: a prompt, or a prompt and a display position. */
  readonly slotOf: Int32Array;
  /** Length M: number of the (slot, text) pair. */
  readonly pairOf: Int32Array;
  readonly pairs: number;
  /** Length M: UTF-8 bytes of the response. */
  readonly bytes: Int32Array;
  /** The responses read like text of differing length (not like names of actions, or a list that repeats). */
  readonly freeText: boolean;
  /** Every propensity is exactly 1. */
  readonly placeholder: boolean;
}

export type Check = (context: LintContext) => readonly Finding[];

/** @throws PopeError where a chosen signal is not in the log. */
export function lintContext(log: Log, signals: readonly Signal[] | null): LintContext {
  // Only the names are checked here; what lies outside of a transform's domain is a finding.
  if (signals !== null && signals.length > 0)
    utilityReward(
      log,
      signals.map((signal) => ({ ...signal, transform: 'identity' })),
    );
  const roundOf = roundOfResponse(log);
  const [promptOf, prompts] = numbered(log.prompts, promptKey);
  const [slotOf] = numbered(log.responses, (_, j) => `${promptOf[roundOf[j]]}/${log.positions?.[j] ?? 0}`);
  const [pairOf, pairs] = numbered(log.responses, (text, j) => `${slotOf[j]}/${text}`);
  const bytes = Int32Array.from(log.responses, utf8Length);
  const repeats = pairs < 0.7 * log.responseCount;
  return {
    log,
    signals,
    roundOf,
    promptOf,
    prompts,
    slotOf,
    pairOf,
    pairs,
    bytes,
    freeText: log.candidates === null && !repeats && textLike(bytes),
    placeholder: log.logPropensity?.every((value) => value === 0) ?? false,
  };
}

/** Numbers for equal keys, in order of their first sight. */
export function numbered<T>(values: readonly T[], key: (value: T, i: number) => string): [Int32Array, number] {
  const numbers = new Map<string, number>();
  const out = Int32Array.from(values, (value, i) => {
    const k = key(value, i);
    let number = numbers.get(k);
    if (number === undefined) numbers.set(k, (number = numbers.size));
    return number;
  });
  return [out, numbers.size];
}

/** At least 50 texts, half of them of 20 bytes or more, the long ones at least twice as long as the short. */
function textLike(bytes: Int32Array): boolean {
  if (bytes.length < 50) return false;
  const sizes = Float64Array.from(bytes);
  return quantile(sizes, 0.5) >= 20 && quantile(sizes, 0.9) >= 2 * Math.max(1, quantile(sizes, 0.1));
}

function utf8Length(text: string): number {
  let length = 0;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    // A surrogate is half of a character of four bytes.
    length += unit < 0x80 ? 1 : unit < 0x800 || (unit >= 0xd800 && unit < 0xe000) ? 2 : 3;
  }
  return length;
}

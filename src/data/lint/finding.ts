import type { Log } from '../../ope/log.js';

/** error: estimates from this log are wrong or impossible; warning: probably so, look; info: worth knowing. */
export const severities = ['error', 'warning', 'info'] as const;
export type Severity = (typeof severities)[number];

/** One thing that is wrong or suspicious in a log. */
export interface Finding {
  /** Stable name; docs/guide/lint.md says what each means and what to do. */
  readonly code: string;
  readonly severity: Severity;
  /** One sentence with its figure. */
  readonly message: string;
  /** Up to five rounds to look at: ids, or "line 7" where a round could not be read. */
  readonly rounds: readonly string[];
  /** What to do about it. */
  readonly hint: string;
}

const MOST_ROUNDS = 5;

/** Builds a finding; `rounds` is cut to the first five different ones. */
export function finding(
  severity: Severity,
  code: string,
  message: string,
  hint: string,
  rounds: Iterable<string> = [],
): Finding {
  const named = new Set<string>();
  for (const id of rounds) {
    named.add(id);
    if (named.size === MOST_ROUNDS) break;
  }
  return { code, severity, message, rounds: [...named], hint };
}

/** The ids of the rounds to which these responses belong, as far as somebody asks. */
export function* idsOf(log: Pick<Log, 'ids'>, roundOf: Int32Array, responses: Iterable<number>): Generator<string> {
  for (const j of responses) yield log.ids[roundOf[j]];
}

/** Three significant digits, for sentences. */
export const digits = (x: number): string => String(Number(x.toPrecision(3)));

/** "1 round", "2 rounds". */
export const count = (n: number, noun: string): string => `${n} ${noun}${n === 1 ? '' : 's'}`;

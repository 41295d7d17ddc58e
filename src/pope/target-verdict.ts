import { type Diagnostics, judge, type Verdict, type VerdictLimits } from '../ope/index.js';
import { paretoTail } from '../stats/index.js';
import type { EvaluationRows } from './evaluation-rows.js';
import type { jointWeights } from './target-parts.js';

const severity: Readonly<Record<Verdict['level'], number>> = { supported: 0, weak: 1, refused: 2 };

/** The verdict on estimates that weigh single responses. A utility that is not local has no tail of its own here. */
export function responseVerdict(
  rows: EvaluationRows,
  logRatio: Float64Array,
  diagnostics: Diagnostics,
  { limits, local }: { readonly limits: VerdictLimits; readonly local: boolean },
): Verdict {
  return judge(diagnostics, {
    count: logRatio.length,
    tails: local
      ? { 'weight times reward': paretoTail(logRatio.map((l, m) => l + Math.log(Math.abs(rows.utility[m])))).k }
      : {},
    limits,
    nameOf: (m) => rowName(rows, rows.roundOf[m], logRatio[m]),
  });
}

/** The verdict on estimates that rest on the products of whole slates. */
export function slateVerdict(
  rows: EvaluationRows,
  { logRatio, diagnostics }: NonNullable<ReturnType<typeof jointWeights>>,
  limits: VerdictLimits,
): Verdict {
  return judge(diagnostics, {
    count: logRatio.length,
    unit: 'slates',
    limits,
    nameOf: (i) => rowName(rows, i, logRatio[i]),
  });
}

/** The more severe of the two levels, with the reasons of both. */
export const worseOf = (single: Verdict, slates: Verdict): Verdict => ({
  level: severity[slates.level] > severity[single.level] ? slates.level : single.level,
  reasons: [...single.reasons, ...slates.reasons.map((reason) => `weights of whole slates: ${reason}`)],
});

const rowName = (rows: EvaluationRows, round: number, logRatio: number): string =>
  `round ${rows.log.ids[rows.roundIndex[round]]} (log-ratio ${logRatio.toFixed(2)})`;

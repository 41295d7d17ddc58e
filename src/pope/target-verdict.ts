import { type Diagnostics, judge, type Verdict, type VerdictLimits } from '../ope/index.js';
import { paretoTail } from '../stats/index.js';
import type { EvaluationRows } from './evaluation-rows.js';
import type { jointWeights } from './target-parts.js';

export interface TargetVerdictOptions {
  readonly limits: VerdictLimits;
  /** Is the utility local? Else weight times reward has no tail of single responses. */
  readonly local: boolean;
  /** Do some estimates rest on the products of whole slates alone? Then these are judged as well. */
  readonly judgesSlates: boolean;
}

const severity: Readonly<Record<Verdict['level'], number>> = { supported: 0, weak: 1, refused: 2 };

/** The verdict of one target, on the raw weights of responses and, where estimates rest on them, of whole slates. */
export function targetVerdict(
  rows: EvaluationRows,
  logRatio: Float64Array,
  diagnostics: Diagnostics,
  joint: ReturnType<typeof jointWeights>,
  { limits, local, judgesSlates }: TargetVerdictOptions,
): Verdict {
  const nameOf = (round: number, l: number): string =>
    `round ${rows.log.ids[rows.roundIndex[round]]} (log-ratio ${l.toFixed(2)})`;
  const single = judge(diagnostics, {
    responses: logRatio.length,
    tails: local
      ? { 'weight times reward': paretoTail(logRatio.map((l, m) => l + Math.log(Math.abs(rows.utility[m])))).k }
      : {},
    limits,
    nameOf: (m) => nameOf(rows.roundOf[m], logRatio[m]),
  });
  if (!judgesSlates || joint === null) return single;
  const slates = judge(joint.diagnostics, {
    responses: joint.logRatio.length,
    limits,
    nameOf: (i) => nameOf(i, joint.logRatio[i]),
  });
  return {
    level: severity[slates.level] > severity[single.level] ? slates.level : single.level,
    reasons: [...single.reasons, ...slates.reasons.map((reason) => `weights of whole slates: ${reason}`)],
  };
}

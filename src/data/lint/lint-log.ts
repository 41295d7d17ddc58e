import type { Log } from '../../ope/log.js';
import type { Signal } from '../../pope/utility.js';
import { checkDuplicates } from './check-duplicates.js';
import { checkFeedback } from './check-feedback.js';
import { checkFrequency } from './check-frequency.js';
import { checkGroups } from './check-groups.js';
import { checkLengthSlope } from './check-length-slope.js';
import { checkOpinions } from './check-opinions.js';
import { checkPrompts } from './check-prompts.js';
import { checkPropensity } from './check-propensity.js';
import { checkSampling } from './check-sampling.js';
import { checkSlates } from './check-slates.js';
import { checkSums } from './check-sums.js';
import { checkTargets } from './check-targets.js';
import { type Finding, finding, severities } from './finding.js';
import { type Check, lintContext } from './lint-context.js';

export interface LintOptions {
  /** Signals to look at, with the domains of their transforms. Default: all of the log, as they are. */
  readonly signals?: readonly Signal[];
}

/** Reading's own warnings that no check says better. */
const checkReading: Check = ({ log }) =>
  log.warnings
    .filter(({ code }) => code === 'few_rounds' || code === 'partial_predictions')
    .map(({ code, message }) =>
      finding(
        'warning',
        code,
        message,
        code === 'few_rounds' ? 'Log more rounds.' : 'Predict every response and every round, or none.',
      ),
    );

const checks: readonly Check[] = [
  checkPropensity,
  checkSums,
  checkFrequency,
  checkLengthSlope,
  checkSampling,
  checkTargets,
  checkDuplicates,
  checkSlates,
  checkPrompts,
  checkFeedback,
  checkGroups,
  checkOpinions,
  checkReading,
];

/**
 * What is wrong or suspicious in a log, before anyone estimates from it: errors first, then warnings, then notes.
 * Deterministic. Silence is no proof: a log cannot show that its propensities are right.
 * @throws PopeError where a chosen signal is not in the log.
 */
export function lintLog(log: Log, { signals }: LintOptions = {}): Finding[] {
  const context = lintContext(log, signals === undefined || signals.length === 0 ? null : signals);
  return bySeverity(checks.flatMap((check) => check(context)));
}

export function bySeverity(findings: readonly Finding[]): Finding[] {
  return severities.flatMap((severity) => findings.filter((found) => found.severity === severity));
}

import { utilityReward } from '../../pope/utility.js';
import { PopeError, show } from '../../util/index.js';
import { type Finding, finding, idsOf } from './finding.js';
import type { Check } from './lint-context.js';

/** `no_feedback`, `missing_feedback`, `constant_feedback`, `signal_outside_domain`. */
export const checkFeedback: Check = ({ log, signals, roundOf }) => {
  const names = signals === null ? [...log.feedback.keys()] : [...new Set(signals.map(({ name }) => name))];
  if (names.length === 0) {
    const hint = 'Join the votes, ratings or clicks to the responses, under feedback.';
    return [finding('warning', 'no_feedback', 'no response has feedback: there is nothing to estimate.', hint)];
  }
  const findings: Finding[] = [];
  for (const name of names) {
    const column = log.feedback.get(name)!;
    const missing = [...column.keys()].filter((j) => Number.isNaN(column[j]));
    if (missing.length > 0) {
      const share = missing.length / column.length;
      const message = `feedback ${show(name)} is missing on ${missing.length} of ${column.length} responses (${percent(share)}).`;
      const hint =
        'Missing is not 0. Estimates leave these responses out, which is right only if being rated does not depend on the response.';
      const severity = share > 0.5 ? 'warning' : 'info';
      findings.push(finding(severity, 'missing_feedback', message, hint, idsOf(log, roundOf, missing)));
    }
    const present = column.filter((value) => !Number.isNaN(value));
    if (present.length > 1 && present.every((value) => value === present[0])) {
      const message = `feedback ${show(name)} is ${present[0]} on all ${present.length} responses that have it: no policy can differ in it.`;
      const hint = 'Was it joined right? Were only responses with feedback logged, and those without dropped?';
      findings.push(finding('warning', 'constant_feedback', message, hint));
    }
  }
  for (const signal of signals ?? []) {
    try {
      utilityReward(log, [signal]);
    } catch (error) {
      if (!(error instanceof PopeError)) throw error;
      const hint = `Choose another transform than ${signal.transform}, or correct the feedback.`;
      findings.push(finding('error', 'signal_outside_domain', error.message, hint));
    }
  }
  return findings;
};

/** A share that is neither nothing nor all never reads as one of them. */
function percent(share: number): string {
  if (share > 0 && share < 0.0005) return '<0.1 %';
  if (share < 1 && share > 0.9995) return '>99.9 %';
  return `${Number((100 * share).toFixed(1))} %`;
}

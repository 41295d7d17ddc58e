import { show } from '../../util/index.js';
import { count, type Finding, finding, idsOf } from './finding.js';
import type { Check } from './lint-context.js';

/** `partial_opinions`, `partial_distributions`, `unseen_opinions`: what coverage and the match of distributions rest on. */
export const checkOpinions: Check = ({ log, roundOf }) => {
  const { opinions, opinionDistributions: wanted } = log;
  const findings: Finding[] = [];
  if (opinions !== null) {
    const missing = [...opinions.keys()].filter((j) => opinions[j] === undefined);
    if (missing.length > 0) {
      const message = `opinion is missing on ${missing.length} of ${log.responseCount} responses.`;
      const hint = 'Coverage needs the class of every response: name one for "none" or "other".';
      findings.push(finding('warning', 'partial_opinions', message, hint, idsOf(log, roundOf, missing)));
    }
  }
  if (wanted !== null) {
    const missing = log.ids.filter((_, i) => wanted[i] === undefined);
    if (missing.length > 0) {
      const message = `opinion_distribution is missing on ${count(missing.length, 'round')} of ${log.rounds}.`;
      findings.push(
        finding(
          'warning',
          'partial_distributions',
          message,
          'Give the wanted shares of every round, or of none.',
          missing,
        ),
      );
    }
    const voiced = new Set(opinions);
    for (const space of log.candidates?.values() ?? []) for (const { opinion } of space) voiced.add(opinion);
    const unseen = new Map<string, number>();
    wanted.forEach((shares, i) => {
      for (const name of Object.keys(shares ?? {}))
        if (shares![name] > 0 && !voiced.has(name) && !unseen.has(name)) unseen.set(name, i);
    });
    if (unseen.size > 0) {
      const message = `${count(unseen.size, 'wanted opinion')} ${unseen.size === 1 ? 'is' : 'are'} voiced by no response: ${[...unseen.keys()].slice(0, 5).map(show).join(', ')}.`;
      const hint =
        'Are the classes spelt alike in opinion and opinion_distribution? What was never said cannot be matched.';
      const ids = [...unseen.values()].map((i) => log.ids[i]);
      findings.push(finding('warning', 'unseen_opinions', message, hint, ids));
    }
  }
  return findings;
};

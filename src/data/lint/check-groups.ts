import { show } from '../../util/index.js';
import { digits, finding, idsOf } from './finding.js';
import type { Check } from './lint-context.js';

/** Share of responses at which "the groups add up" is taken for the rule of a signal. */
const RULE = 0.5;

/**
 * `group_feedback_mismatch`: where a signal is mostly the sum of its groups, responses at which it is not; elsewhere a
 * signal is some mean of its groups, and those at which it lies outside of them.
 */
export const checkGroups: Check = ({ log, roundOf }) =>
  [...log.feedback].flatMap(([name, total]) => {
    const groups = [...log.groupFeedback.values()].flatMap((signals) => signals.get(name) ?? []);
    if (groups.length < 2) return [];
    const whole = [...total.keys()].filter(
      (j) => !Number.isNaN(total[j]) && groups.every((column) => !Number.isNaN(column[j])),
    );
    if (whole.length === 0) return [];
    const at = (j: number) => groups.map((column) => column[j]);
    const sum = (j: number) => at(j).reduce((a, b) => a + b, 0);
    const room = (j: number) => 1e-6 * Math.max(1, ...at(j).map(Math.abs), Math.abs(total[j]));
    const notSum = whole.filter((j) => Math.abs(sum(j) - total[j]) > room(j));
    const notMean = whole.filter(
      (j) => total[j] < Math.min(...at(j)) - room(j) || total[j] > Math.max(...at(j)) + room(j),
    );
    const isSum = notSum.length <= (1 - RULE) * whole.length && notSum.length < notMean.length;
    const wrong = isSum ? notSum : notMean;
    if (wrong.length === 0) return [];
    const first = wrong[0];
    const given = `${digits(total[first])} against groups ${at(first).map(digits).join(', ')}`;
    const message = isSum
      ? `feedback ${show(name)} is the sum of its groups on ${whole.length - wrong.length} of ${whole.length} responses, but not on ${wrong.length}, the first ${given}.`
      : `feedback ${show(name)} is neither the sum of its groups nor between them on ${wrong.length} of ${whole.length} responses, the first ${given}.`;
    const hint =
      'Count the groups and the total from the same votes, or leave out raters whose group is unknown from both.';
    return [finding('warning', 'group_feedback_mismatch', message, hint, idsOf(log, roundOf, wrong))];
  });

import { type Log, promptKey, roundOfResponse } from '../ope/index.js';
import { invalid, PopeError, show } from '../util/index.js';
import { requireOpinions } from './class-probability.js';

/**
 * log rho(c) of responses, estimated where no policy knows its classes: the mean of rho over the logged responses of the
 * same prompt and class, since rho(c) = E_pi0[rho | c, x] where the log covers the target (T19).
 * Pooled and used on one log it buys nothing: with rewards that are constant within prompt and class, and equal weights of all
 * responses, the estimate is that of the plain weights. It buys variance where the means come from another log.
 * @param log where the means are taken. @param logRatio log rho of its responses, [M]; -Infinity is weight 0.
 * @param onto the log whose responses get them; default `log` itself.
 * @returns log rho(c), one number for each response of `onto`; -Infinity where every weight of the class is 0.
 * @throws PopeError where a response has no opinion, a log-ratio is NaN or Infinity, or `log` never saw the prompt and
 * class of a response of `onto`.
 */
export function pooledClassLogRatio(log: Log, logRatio: ArrayLike<number>, onto: Log = log): Float64Array {
  if (logRatio.length !== log.responseCount)
    throw invalid('logRatio.length', logRatio.length, `${log.responseCount}, one number a response`);
  const groups = new Map<string, { top: number; sum: number; count: number }>();
  const keys = groupKeys(log);
  keys.forEach((key, j) => {
    const value = logRatio[j];
    if (Number.isNaN(value) || value === Infinity)
      throw invalid(`logRatio[${j}]`, value, 'a number below Infinity (-Infinity is weight 0)');
    const group = groups.get(key) ?? { top: -Infinity, sum: 0, count: 0 };
    group.top = Math.max(group.top, value);
    group.count++;
    groups.set(key, group);
  });
  keys.forEach((key, j) => {
    const group = groups.get(key)!;
    // relative to the largest of the group: weights of long responses are far beyond every float
    if (group.top > -Infinity) group.sum += Math.exp(logRatio[j] - group.top);
  });
  return Float64Array.from(onto === log ? keys : groupKeys(onto), (key, j) => {
    const group = groups.get(key);
    if (group === undefined) {
      throw new PopeError(
        `response ${j} of the second log has opinion ${show(onto.opinions![j])}, which the first log never saw for its prompt; expected every prompt and class in both.`,
        { argument: 'onto', got: onto.opinions![j] },
      );
    }
    return group.top + Math.log(group.sum / group.count);
  });
}

/** Prompt and class of each response, as one string. */
function groupKeys(log: Log): string[] {
  const opinions = requireOpinions(log);
  const prompts = log.prompts.map(promptKey);
  return Array.from(roundOfResponse(log), (round, j) => JSON.stringify([prompts[round], opinions[j]]));
}

import { tensor } from '../backend/index.js';
import { invalid, show } from '../util/index.js';
import { type Log, type Prompt, promptKey } from './log.js';
import type { Policy } from './policy.js';

/**
 * Log-probabilities that another program recorded, as a policy: it knows the pairs of the log and nothing else.
 * @param name a target of the log, or `undefined` for the logging policy itself.
 * @throws PopeError for a pair that was not recorded, or that was recorded twice with different numbers.
 */
export function recordedPolicy(log: Log, name?: string): Policy {
  const column = name === undefined ? log.logPropensity : log.targetLogProb.get(name);
  if (column === undefined || column === null)
    throw invalid('name', name, `a target of the log (${[...log.targetLogProb.keys()].join(', ')})`);
  const known = new Map<string, number>();
  for (let i = 0; i < log.rounds; i++) {
    for (let j = log.offsets[i]; j < log.offsets[i + 1]; j++) {
      const key = pairKey(log.prompts[i], log.responses[j]);
      const before = known.get(key);
      if (before !== undefined && before !== column[j]) {
        throw invalid(
          `log-probability of round ${log.ids[i]}`,
          column[j],
          `${show(before)}, recorded earlier for the same prompt and response`,
        );
      }
      known.set(key, column[j]);
    }
  }
  return {
    logProb(prompts, responses) {
      const values = responses.map((response, j) => {
        const value = known.get(pairKey(prompts[j], response));
        if (value === undefined)
          throw invalid(`responses[${j}]`, response, 'a response whose log-probability was recorded for its prompt');
        return value;
      });
      return tensor(values, { dtype: 'float64' });
    },
  };
}

const pairKey = (prompt: Prompt, response: string): string => `${promptKey(prompt)}\u0000${response}`;

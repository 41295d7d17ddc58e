import { frequencyTest } from './check-frequency.js';
import { count, type Finding, finding } from './finding.js';
import type { Check } from './lint-context.js';

/**
 * `sampling_mismatch`: tempered or truncated sampling, whose propensities are seldom the ones logged.
 * `greedy_sampler`: a sampler that had no choice, with propensities below 1.
 */
export const checkSampling: Check = (context): Finding[] => {
  const { log, roundOf } = context;
  const sampling = log.sampling;
  if (sampling === null || log.logPropensity === null) return [];
  const propensity = log.logPropensity;
  const greedy = [...propensity.keys()].filter((j) => noChoice(sampling[roundOf[j]]) && propensity[j] < -1e-3);
  const altered = [...sampling.keys()].filter((i) => alters(sampling[i]) && !noChoice(sampling[i]));
  const findings: Finding[] = [];
  if (greedy.length > 0) {
    const message = `${count(greedy.length, 'response')} came from a sampler without a choice (temperature 0 or top_k 1), yet the propensity is below 1.`;
    const hint =
      'These are the propensities of another sampler. A log without randomness cannot be reweighted: sample, and log that.';
    findings.push(
      finding(
        'error',
        'greedy_sampler',
        message,
        hint,
        greedy.map((j) => log.ids[roundOf[j]]),
      ),
    );
  }
  if (altered.length > 0) {
    const { temperature, top_p, top_k } = sampling[altered[0]] ?? {};
    const test = frequencyTest(context);
    const agrees = test !== null && Math.abs(test.tilt) < 4 && Math.abs(test.worst?.z ?? 0) < 5 && test.compared >= 5;
    const message =
      `${altered.length} of ${log.rounds} rounds were sampled with ${JSON.stringify({ temperature, top_p, top_k })}` +
      (agrees
        ? '; the frequencies agree with the propensities.'
        : ', and nothing here shows that the propensities are of that sampler.');
    const hint =
      'Propensities must include temperature, top_p and top_k; APIs mostly return log-probabilities at temperature 1 before truncation.';
    const ids = altered.map((i) => log.ids[i]);
    findings.push(finding(agrees ? 'info' : 'warning', 'sampling_mismatch', message, hint, ids));
  }
  return findings;
};

type Sampling = Readonly<Record<string, unknown>> | undefined;

const noChoice = (sampling: Sampling): boolean => sampling?.['temperature'] === 0 || sampling?.['top_k'] === 1;

function alters(sampling: Sampling): boolean {
  if (sampling === undefined) return false;
  const { temperature, top_p, top_k } = sampling;
  const tempered = typeof temperature === 'number' && temperature !== 1;
  return tempered || (typeof top_p === 'number' && top_p < 1) || (typeof top_k === 'number' && top_k > 0);
}

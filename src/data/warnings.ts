import type { Log, Warning } from '../ope/log.js';

const FEW_ROUNDS = 30;

/**
 * What is suspicious in a log but not refused:
 * `placeholder_propensity` (all propensities are exactly 1), `few_rounds` (fewer than 30), `sampling_mismatch`
 * (drawn with a temperature other than 1, top_p below 1 or top_k: the log-probabilities may not be the sampler's own).
 */
export function logWarnings(log: Pick<Log, 'rounds' | 'logPropensity' | 'sampling'>): Warning[] {
  const warnings: Warning[] = [];
  if (log.logPropensity?.every((value) => value === 0)) {
    const message =
      'every propensity is exactly 1, which looks like a placeholder: estimates are right only if the logger had no choice.';
    warnings.push({ code: 'placeholder_propensity', message });
  }
  if (log.rounds < FEW_ROUNDS) {
    const count = log.rounds === 1 ? 'there is only 1 round' : `there are only ${log.rounds} rounds`;
    warnings.push({
      code: 'few_rounds',
      message: `${count}; intervals need about ${FEW_ROUNDS} or more to be trusted.`,
    });
  }
  const altered = log.sampling?.filter(altersDistribution) ?? [];
  if (altered.length > 0) {
    const { temperature, top_p, top_k } = altered[0] ?? {};
    const how = JSON.stringify({ temperature, top_p, top_k });
    const message =
      `${altered.length} of ${log.rounds} rounds were sampled with settings such as ${how}; ` +
      'propensities must be those of that sampler, not of the model at temperature 1 without truncation.';
    warnings.push({ code: 'sampling_mismatch', message });
  }
  return warnings;
}

function altersDistribution(sampling: Readonly<Record<string, unknown>> | undefined): boolean {
  if (sampling === undefined) return false;
  const { temperature, top_p, top_k } = sampling;
  const tempered = typeof temperature === 'number' && temperature !== 1;
  return tempered || (typeof top_p === 'number' && top_p < 1) || (typeof top_k === 'number' && top_k > 0);
}

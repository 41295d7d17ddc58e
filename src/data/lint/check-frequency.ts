import { show } from '../../util/index.js';
import { digits, type Finding, finding } from './finding.js';
import type { Check, LintContext } from './lint-context.js';
import { pairProbability } from './pair-probability.js';

/** Expected count from which on a pair is compared: rarer ones would be chosen for having been seen. */
const ENOUGH = 20;
/** Standard errors beyond which a clean log does not stray, however many pairs are looked at. */
const FAR = 6;

/** How often responses were logged, against how often their propensities say. */
export interface FrequencyTest {
  /** Pairs that could be compared. */
  readonly compared: number;
  /** The pair furthest from its propensity: standard errors, seen, expected, a response that is it. */
  readonly worst: {
    readonly z: number;
    readonly seen: number;
    readonly expected: number;
    readonly response: number;
  } | null;
  /** Standard errors by which likelier responses come up too often (above 0) or too rarely. */
  readonly tilt: number;
  /** Temperature at which the propensities would give these frequencies, relative to theirs. */
  readonly temperature: number;
}

/** null where there is no propensity to compare with, or no response came up often enough. */
export function frequencyTest(context: LintContext): FrequencyTest | null {
  const { log, placeholder, slotOf } = context;
  if (log.logPropensity === null || log.propensity === 'fitted' || placeholder) return null;
  const { probability, times, slot, example, varying } = pairProbability(context, log.logPropensity);
  const shown = new Map<number, number>();
  for (const s of slotOf) shown.set(s, (shown.get(s) ?? 0) + 1);
  const bySlot = new Map<number, number[]>();
  let worst: FrequencyTest['worst'] = null;
  let compared = 0;
  probability.forEach((p, pair) => {
    const n = shown.get(slot[pair])!;
    if (varying.has(slot[pair]) || n * p < ENOUGH || n * (1 - p) < ENOUGH) return;
    compared++;
    bySlot.set(slot[pair], [...(bySlot.get(slot[pair]) ?? []), pair]);
    const z = (times[pair] - n * p) / Math.sqrt(n * p * (1 - p));
    if (worst === null || Math.abs(z) > Math.abs(worst.z))
      worst = { z, seen: times[pair], expected: n * p, response: example[pair] };
  });
  if (compared === 0) return null;
  // Score of a tilt p^(1 + t) among the compared pairs of a slot: its mean is 0 and its variance n sum p a^2.
  let [score, variance, sxy, sxx] = [0, 0, 0, 0];
  for (const [s, pairs] of bySlot) {
    const n = shown.get(s)!;
    const mass = pairs.reduce((sum, pair) => sum + probability[pair], 0);
    const centre = pairs.reduce((sum, pair) => sum + probability[pair] * Math.log(probability[pair]), 0) / mass;
    const level = pairs.reduce((sum, pair) => sum + probability[pair] * excess(pair, n), 0) / mass;
    for (const pair of pairs) {
      const a = Math.log(probability[pair]) - centre;
      score += times[pair] * a;
      variance += n * probability[pair] * a * a;
      sxy += n * probability[pair] * a * (excess(pair, n) - level);
      sxx += n * probability[pair] * a * a;
    }
  }
  const tilt = variance > 1e-12 ? score / Math.sqrt(variance) : 0;
  return { compared, worst, tilt, temperature: sxx > 1e-12 ? 1 / Math.max(0.01, 1 + sxy / sxx) : 1 };

  function excess(pair: number, n: number): number {
    return Math.log(Math.max(0.5, times[pair]) / (n * probability[pair]));
  }
}

/** `temperature_mismatch`, `frequency_mismatch`: responses that come up more or less often than their propensities say. */
export const checkFrequency: Check = (context): Finding[] => {
  const test = frequencyTest(context);
  const { log, roundOf } = context;
  if (test === null || test.worst === null) return [];
  const { tilt, worst, temperature, compared } = test;
  const text = show(log.responses[worst.response]);
  const instance = `${text} was logged ${worst.seen} times where its propensity says ${digits(worst.expected)}`;
  const rounds = [log.ids[roundOf[worst.response]]];
  if (Math.abs(tilt) > FAR) {
    const how = tilt > 0 ? 'likelier responses come up too often' : 'likelier responses come up too rarely';
    const message = `${how} for their propensities, by ${digits(Math.abs(tilt))} standard errors over ${compared} responses, as if drawn at ${digits(temperature)} times the temperature; ${instance}.`;
    const hint =
      tilt > 0
        ? 'The sampler was sharper (temperature below 1, top_p, top_k) than the model whose log-probabilities were logged, or they are in another base, or rounds were filtered. Log those of the sampler itself.'
        : 'The sampler was flatter (temperature above 1, exploration) than the model whose log-probabilities were logged. Log those of the sampler itself.';
    return [finding('warning', 'temperature_mismatch', message, hint, rounds)];
  }
  if (Math.abs(worst.z) <= FAR) return [];
  const message = `${instance}, ${digits(Math.abs(worst.z))} standard errors off, the worst of ${compared} responses.`;
  const hint =
    'The propensities are not those of the sampler, rounds are repeated or filtered, or the logger saw more than the prompt.';
  return [finding('warning', 'frequency_mismatch', message, hint, rounds)];
};

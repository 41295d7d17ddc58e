import { digits, finding } from './finding.js';
import type { Check, LintContext } from './lint-context.js';
import { pairProbability, slotSums } from './pair-probability.js';

/** ln 256: the entropy of a uniform byte. A policy's own samples cannot cost more a byte on average. */
const STEEPEST = Math.log(256);
/** A log-probability summed over tokens falls with length: correlations near -0.8 are usual, and -0.2 is none. */
const FLAT = { correlation: -0.2, slope: -0.01 };

/** `flat_length_slope`, `steep_length_slope`: log-propensities that do not fall with the length of texts as sums do. */
export const checkLengthSlope: Check = (context) => {
  const { log, freeText, bytes, placeholder, roundOf } = context;
  const logPropensity = log.logPropensity;
  if (logPropensity === null || !freeText || placeholder || isList(context, logPropensity)) return [];
  const n = bytes.length;
  const [meanX, meanY] = [sum(bytes) / n, sum(logPropensity) / n];
  let [xy, xx, yy] = [0, 0, 0];
  for (let j = 0; j < n; j++) {
    const [x, y] = [bytes[j] - meanX, logPropensity[j] - meanY];
    xy += x * y;
    xx += x * x;
    yy += y * y;
  }
  // One propensity for all is a draw from a list, not a language model.
  if (yy <= 1e-12 * n * meanY * meanY) return [];
  const slope = xy / xx;
  const correlation = xy / Math.sqrt(xx * yy);
  const longest = bytes.reduce((best, b, j) => (b > bytes[best] ? j : best), 0);
  const shortest = bytes.reduce((best, b, j) => (b < bytes[best] ? j : best), 0);
  const rounds = [log.ids[roundOf[longest]], log.ids[roundOf[shortest]]];
  const figures = `${digits(slope)} nats a byte (correlation ${digits(correlation)}, mean ${digits(meanY)} nats)`;
  if (correlation > FLAT.correlation && slope > FLAT.slope) {
    const message = `log-propensities do not fall with the length of the response: ${figures}; summed over tokens they would.`;
    const hint =
      'Log the sum over tokens, not the mean, and not a perplexity. If responses were picked from a list, this is no fault.';
    return [finding('warning', 'flat_length_slope', message, hint, rounds)];
  }
  if (slope < -STEEPEST || meanY / meanX < -STEEPEST) {
    const message = `log-propensities fall faster than a model's own texts can: ${figures}; drawing every byte at random costs ${digits(STEEPEST)}.`;
    const hint =
      'Was another text scored (a wrong tokenizer, a prompt counted in, tokens shifted), or the logarithm scaled?';
    return [finding('warning', 'steep_length_slope', message, hint, rounds)];
  }
  return [];
};

/**
 * Do most responses belong to prompts whose few texts carry at least half of all probability? Then they were picked from
 * a list, and length is nothing to them.
 */
function isList(context: LintContext, logPropensity: Float64Array): boolean {
  const sums = slotSums(pairProbability(context, logPropensity));
  const listed = context.slotOf.reduce((total, slot) => {
    const at = sums.get(slot);
    return total + (at !== undefined && at.texts > 1 && at.sum > 0.5 && at.sum < 1.01 ? 1 : 0);
  }, 0);
  return listed > 0.5 * context.slotOf.length;
}

const sum = (values: ArrayLike<number>): number => {
  let total = 0;
  for (let j = 0; j < values.length; j++) total += values[j];
  return total;
};

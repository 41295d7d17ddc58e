import { count, digits, type Finding, finding } from './finding.js';
import { type Check, type LintContext, numbered } from './lint-context.js';

/** Natural logarithm of the chance at which coincidence is no longer believed. */
const UNLIKELY = Math.log(1e-7);

/** Chernoff's bound on the logarithm of the chance that a Poisson count of this mean is as far off as `seen`. */
function logTail(seen: number, mean: number): number {
  if (seen === 0) return -mean;
  return mean === 0 ? -Infinity : seen - mean - seen * Math.log(seen / mean);
}

/** `duplicate_rounds`, `duplicate_responses`, `slate_without_replacement`: repetitions that the propensities do not explain. */
export const checkDuplicates: Check = (context) => [...rounds(context), ...slates(context)];

/** Same prompt, responses and feedback. Draws from a small set repeat by themselves, as often as the propensities say. */
function rounds({ log, promptOf, prompts, placeholder }: LintContext): Finding[] {
  const signals = [...log.feedback.values()];
  const span = (i: number) => [log.offsets[i], log.offsets[i + 1]] as const;
  const [same, distinct] = numbered(log.prompts, (_, i) =>
    JSON.stringify([promptOf[i], log.responses.slice(...span(i)), signals.map((f) => [...f.subarray(...span(i))])]),
  );
  const surplus = log.rounds - distinct;
  if (surplus === 0) return [];
  const seen = new Set<number>();
  const again = log.ids.filter((_, i) => seen.size === seen.add(same[i]).size);
  const what = `${count(surplus, 'round')} of ${log.rounds} ${surplus === 1 ? 'repeats' : 'repeat'} an earlier one: same prompt, responses and feedback`;
  const hint = 'Was the log exported twice, or joined with itself? Drop the copies, or name a cluster.';
  if (log.logPropensity === null || placeholder) {
    return [
      finding('info', 'duplicate_rounds', `${what}; without propensities nobody knows how many are due.`, hint, again),
    ];
  }
  const perPrompt = new Int32Array(prompts);
  for (const prompt of promptOf) perPrompt[prompt]++;
  let expected = 0;
  for (let i = 0; i < log.rounds; i++) {
    let slate = 0;
    for (let j = log.offsets[i]; j < log.offsets[i + 1]; j++) slate += log.logPropensity[j];
    expected += ((perPrompt[promptOf[i]] - 1) * Math.exp(slate)) / 2;
  }
  // Twice the expectation: it is estimated from the same rounds.
  if (surplus <= 2 * expected || logTail(surplus, 2 * expected) > UNLIKELY) return [];
  const due = expected < 0.5 ? 'none' : `at most ${digits(expected)}`;
  return [finding('warning', 'duplicate_rounds', `${what}, where ${due} would be by chance.`, hint, again)];
}

/** Equal pairs inside slates, against independent draws from the propensities. */
function slates({ log, pairOf, placeholder, roundOf }: LintContext): Finding[] {
  if (log.positions !== null) return [];
  let pairs = 0;
  let expected = 0;
  const twice: string[] = [];
  for (let i = 0; i < log.rounds; i++) {
    const [from, to] = [log.offsets[i], log.offsets[i + 1]];
    const before = pairs;
    for (let j = from; j < to; j++) {
      if (log.logPropensity !== null) expected += ((to - from - 1) * Math.exp(log.logPropensity[j])) / 2;
      for (let k = from; k < j; k++) if (pairOf[j] === pairOf[k]) pairs++;
    }
    if (pairs > before) twice.push(log.ids[roundOf[from]]);
  }
  if (log.logPropensity === null || placeholder) {
    if (pairs === 0) return [];
    const message = `${count(twice.length, 'slate')} of ${log.rounds} ${twice.length === 1 ? 'holds' : 'hold'} one response twice.`;
    return [
      finding('info', 'duplicate_responses', message, 'Right for independent draws; else drop the copies.', twice),
    ];
  }
  if (pairs > 3 * expected && logTail(pairs, 2 * expected) <= UNLIKELY) {
    const message = `${count(twice.length, 'slate')} of ${log.rounds} ${twice.length === 1 ? 'holds' : 'hold'} one response twice: ${count(pairs, 'pair')}, where independent draws would give ${digits(expected)}.`;
    return [finding('warning', 'duplicate_responses', message, 'Drop the copies, or correct the propensities.', twice)];
  }
  if (pairs < expected / 4 && logTail(pairs, expected) <= UNLIKELY) {
    const message = `slates hold ${pairs === 0 ? 'no response' : `only ${count(pairs, 'response')}`} twice, where independent draws would give ${digits(expected)} such pairs: they were drawn without replacement.`;
    const hint =
      'Estimates take a slate for independent draws from pi0(y|x). Log what each draw had given the earlier ones, or rounds of one response.';
    return [finding('warning', 'slate_without_replacement', message, hint)];
  }
  return [];
}

import { promptKey } from '../../ope/log.js';
import { show } from '../../util/index.js';
import { count, digits, type Finding, finding, idsOf } from './finding.js';
import type { Check, LintContext } from './lint-context.js';
import { type PairProbability, pairProbability, slotSums } from './pair-probability.js';

/** Room for probabilities that were rounded before they were logged. */
const ROOM = 0.01;
/** Share of the repeated pairs with several probabilities from which on the policy is taken to have changed. */
const CHANGED = 0.1;

/**
 * `propensity_sum_above_one`, `target_sum_above_one`: the probabilities of different responses to one prompt add up to
 * more than 1, which no policy can do. `propensity_sum_below_one`: all candidates were seen and add up to less.
 * `varying_propensity`: one response to one prompt with several propensities.
 */
export const checkSums: Check = (context) => {
  const { log, placeholder, roundOf } = context;
  const findings: Finding[] = [];
  if (log.logPropensity !== null && !placeholder) {
    const pairs = pairProbability(context, log.logPropensity);
    findings.push(...above(context, pairs, 'propensity_sum_above_one', 'propensities'));
    if (log.candidates !== null) findings.push(...below(context, pairs));
    if (pairs.varied.length > 0) {
      const message = `${count(pairs.varied.length, 'response')} to one prompt had several propensities, which is right only if the logger changed or saw more than the prompt.`;
      const hint =
        'Put what the logger looked at into the prompt; where it learned on the way, nothing is wrong. Two scorings of one text that differ are noise.';
      findings.push(finding('info', 'varying_propensity', message, hint, idsOf(log, roundOf, pairs.varied)));
    }
  }
  for (const [name, column] of log.targetLogProb) {
    findings.push(
      ...above(
        context,
        pairProbability(context, column),
        'target_sum_above_one',
        `probabilities of target ${show(name)}`,
      ),
    );
  }
  return findings;
};

/** @returns nothing where the policy changed: probabilities of different days need not add up to 1. */
function above({ log, roundOf }: LintContext, pairs: PairProbability, code: string, what: string): Finding[] {
  if (pairs.varied.length > CHANGED * pairs.repeated) return [];
  const wrong = [...slotSums(pairs)].filter(([, { sum }]) => sum > 1 + ROOM).sort(([, a], [, b]) => b.sum - a.sum);
  if (wrong.length === 0) return [];
  const slots = new Map(wrong);
  const members = [...pairs.example.keys()].filter((pair) => slots.has(pairs.slot[pair]));
  const [worstSlot, worst] = wrong[0];
  const inWorst = members.filter((pair) => pairs.slot[pair] === worstSlot).map((pair) => pairs.example[pair]);
  const prompt = promptKey(log.prompts[roundOf[inWorst[0]]]);
  const message =
    `the ${what} of different responses to one prompt add up to more than 1 at ${count(wrong.length, 'prompt')}; ` +
    `at worst ${worst.texts} responses to ${show(prompt)} add up to ${digits(worst.sum)}.`;
  const hint =
    'They must be pi(y|x) of one draw: not a mean over tokens, not the chance to be anywhere in the slate, not a score. (A policy that changed in between may, too.)';
  // Where nothing was logged twice, the policy may have changed from one response to the next.
  const severity = pairs.repeated > 0 ? 'error' : 'warning';
  return [finding(severity, code, message, hint, idsOf(log, roundOf, inWorst))];
}

function below({ log, roundOf }: LintContext, pairs: PairProbability): Finding[] {
  const sums = slotSums(pairs);
  const low: { sum: number; response: number }[] = [];
  pairs.slot.forEach((slot, pair) => {
    const at = sums.get(slot);
    if (at === undefined) return;
    const response = pairs.example[pair];
    const space = log.candidates?.get(promptKey(log.prompts[roundOf[response]]));
    if (space?.length === at.texts && at.sum < 1 - ROOM) low.push({ sum: at.sum, response });
    sums.delete(slot);
  });
  if (low.length === 0) return [];
  low.sort((a, b) => a.sum - b.sum);
  const message = `at ${count(low.length, 'prompt')} every candidate was seen, and their propensities add up to less than 1, at worst to ${digits(low[0].sum)}.`;
  const hint =
    'Propensities over candidates are normalised over them; a language model that could have said anything else needs no --candidates.';
  const ids = idsOf(
    log,
    roundOf,
    low.map(({ response }) => response),
  );
  return [finding('warning', 'propensity_sum_below_one', message, hint, ids)];
}

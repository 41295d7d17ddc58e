import { promptKey } from '../ope/index.js';
import type { ClassProbabilityError } from './class-probability-error.js';
import type { EvaluationRows } from './evaluation-rows.js';
import type { Component } from './result.js';

/** What estimating class probabilities from the log itself does to a diversity (D3, D5). */
export interface PlugIn {
  /** How far the mean diversity is off, to second order: negative where it is too low. 0 once it was taken off. */
  readonly bias: number;
  /** What was taken off. */
  readonly removed?: number;
  /** Mean over rounds of the probability of classes that no round shows, from 0 to 1. */
  readonly unseen: number;
  /** About how much of the diversity that may hide, nats: second order does not tell it. */
  readonly unknown: number;
}

/**
 * The plug-in's figures from those of its rows.
 * @param natsOfUnseen what a class that is seen once hides, for each unit of its probability.
 */
export function plugInFrom(
  { log, roundIndex }: EvaluationRows,
  errors: ReadonlyMap<string, ClassProbabilityError>,
  biasOfRow: (row: number) => number,
  natsOfUnseen: number,
): PlugIn {
  let [bias, unseen] = [0, 0];
  roundIndex.forEach((i, row) => {
    bias += biasOfRow(row);
    unseen += errors.get(promptKey(log.prompts[i]))!.unseen;
  });
  const n = roundIndex.length;
  return { bias: bias / n, unseen: unseen / n, unknown: (natsOfUnseen * unseen) / n };
}

/**
 * How far the class entropy of one prompt is off in a weighted mean: -1/2 sum Var(p)/p; -(C - 1)/(2 n) of n equal weights.
 * The bias of p itself is not in it: where weights are not normalised by prompt it cancels to this order.
 * @id D3
 */
export function classEntropyBias(classes: ReadonlyMap<string, number>, { variance }: ClassProbabilityError): number {
  let bias = 0;
  for (const [c, p] of classes) if (p > 0) bias -= variance.get(c)! / (2 * p);
  return bias;
}

/** What a figure takes over from its diversities: `tau` of it in a value, the difference of two in a comparison. */
export function plugInOf(
  component: Component,
  tau: number,
  own: PlugIn | undefined,
  minus?: PlugIn,
): PlugIn | undefined {
  const scale = component === 'value' ? tau : 1;
  if (component === 'utility' || scale === 0 || own === undefined) return undefined;
  return {
    bias: scale * (own.bias - (minus?.bias ?? 0)),
    unseen: Math.max(own.unseen, minus?.unseen ?? 0),
    unknown: scale * (own.unknown + (minus?.unknown ?? 0)),
  };
}

/** A bias of half a standard error makes 8 % of 95 % intervals miss, of a whole one 17 %, and beside a longer log it only grows. */
const isLarge = (bias: number, stdError: number): boolean => Math.abs(bias) > stdError / 2;

/** Is what cannot be told of the bias too much beside the standard error? */
export const isUnknown = ({ unknown }: PlugIn, stdError: number): boolean => isLarge(unknown, stdError);

/** Is the bias that is still in it? */
export const isBiased = ({ bias }: PlugIn, stdError: number): boolean => isLarge(bias, stdError);

/** What is said of it. */
export const unknownBias = ({ unseen, unknown }: PlugIn, stdError: number): string =>
  `about ${Number((100 * unseen).toPrecision(2))} % of the probability is of opinions that one round or cluster of their prompt alone shows, and as much of such that none does: some ${unknown.toPrecision(2)} nats cannot be told, beside a standard error of ${stdError.toPrecision(2)}`;

/** Why an interval around a plug-in would not hold; null where nothing is known against it. */
export function whyNoInterval(plugIn: PlugIn, stdError: number): string | null {
  if (isUnknown(plugIn, stdError)) return `${unknownBias(plugIn, stdError)}.`;
  if (isBiased(plugIn, stdError)) {
    return `the bias of estimated class probabilities, about ${plugIn.bias.toPrecision(2)}, is more than half the standard error, ${stdError.toPrecision(2)}: biasCorrected (--bias-corrected) takes it off.`;
  }
  return null;
}

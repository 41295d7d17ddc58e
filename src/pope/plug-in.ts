import { fewestUnits, promptKey } from '../ope/index.js';
import type { ClassProbabilityError, ClassProbabilityErrors } from './class-probability-error.js';
import type { EvaluationRows } from './evaluation-rows.js';
import type { Component } from './result.js';

/** What estimating class probabilities from the log itself does to a diversity (D3, D5). */
export interface PlugIn {
  /** How far the mean diversity is off, to second order: negative where it is too low. 0 once it was taken off. */
  readonly bias: number;
  /** What was taken off. */
  readonly removed?: number;
  /** Mean over rounds of the probability of classes that one round or cluster alone shows, from 0 to 1. */
  readonly unseen: number;
  /** About how much of the diversity is not told, nats: by what is seen once, and where few rounds carry a prompt. */
  readonly unknown: number;
  /** Standard deviation of the part of the estimate that is quadratic in the errors of the class probabilities, nats: added to the standard error. */
  readonly quadratic: number;
}

/** What second order says of one row: its bias, the size of that bias before parts of it cancel, and its curved part. */
export interface RowBias {
  readonly bias: number;
  readonly size: number;
  /** The part that comes from the variance of the class probabilities. */
  readonly curved: number;
}

/**
 * The plug-in's figures from those of its rows.
 * @param natsOfUnseen what a class that is seen once hides, for each unit of its probability.
 */
export function plugInFrom(
  { log, roundIndex, units }: EvaluationRows,
  errors: ClassProbabilityErrors,
  biasOfRow: (row: number) => RowBias,
  natsOfUnseen: number,
): PlugIn {
  let [bias, unseen, untold] = [0, 0, 0];
  const curved = new Map<string, number>();
  roundIndex.forEach((i, row) => {
    const key = promptKey(log.prompts[i]);
    const error = errors.byPrompt.get(key)!;
    const own = biasOfRow(row);
    bias += own.bias;
    unseen += error.unseen;
    // second order is no guide to the bias where so few carry it; ten equal shares are ten but for rounding
    if (error.effectiveUnits < fewestUnits - 1e-9) untold += own.size;
    curved.set(key, (curved.get(key) ?? 0) + own.curved);
  });
  const n = roundIndex.length;
  const parts = [...curved].map(([key, sum]) => {
    // a chi-squared of C - 1 degrees has the standard deviation sqrt(2/(C - 1)) of its mean
    const varying = [...errors.byPrompt.get(key)!.variance.values()].filter((v) => v > 0).length;
    return sum * Math.sqrt(2 / Math.max(1, varying - 1));
  });
  const quadratic = errors.spanning
    ? parts.reduce((sum, part) => sum + part, 0)
    : Math.sqrt(parts.reduce((sum, part) => sum + part * part, 0));
  return {
    bias: bias / n,
    unseen: unseen / n,
    // the 1: a log that shows nothing once is not proof that nothing is hidden
    unknown: natsOfUnseen * (unseen / n + 1 / units) + untold / n,
    quadratic: quadratic / n,
  };
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
    quadratic: scale * (own.quadratic + (minus?.quadratic ?? 0)),
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
  `some ${unknown.toPrecision(2)} nats cannot be told, beside a standard error of ${stdError.toPrecision(2)}: about ${Number((100 * unseen).toPrecision(2))} % of the probability is of opinions that one round or cluster of their prompt alone shows, or few of them carry a prompt's weight`;

/**
 * Why an interval around a plug-in would not hold; null where nothing is known against it.
 * @param linear the standard error to first order. @param stdError with the quadratic part.
 */
export function whyNoInterval(plugIn: PlugIn, linear: number, stdError: number): string | null {
  if (isUnknown(plugIn, stdError)) return `${unknownBias(plugIn, stdError)}.`;
  if (isBiased(plugIn, stdError)) {
    return `the bias of estimated class probabilities, about ${plugIn.bias.toPrecision(2)}, is more than half the standard error, ${stdError.toPrecision(2)}: biasCorrected (--bias-corrected) takes it off.`;
  }
  // added to the linear part it is part of the error; beyond that the estimate is nothing like normal
  if (plugIn.quadratic > linear) {
    return `the class probabilities are near the flat top of the diversity: of its standard error ${plugIn.quadratic.toPrecision(2)} is not linear in theirs, and ${linear.toPrecision(2)} is. More responses a prompt help.`;
  }
  return null;
}

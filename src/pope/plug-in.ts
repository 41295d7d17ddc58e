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
  /** Share of rounds whose prompt has too few effective responses (`fewestResponses`). */
  readonly fewResponses: number;
  /** The part of the mean's bias that comes from such rounds, as far as its size can be guessed: it stays unknown. */
  readonly unknown: number;
}

/**
 * Effective responses of a prompt below which its class probabilities, and the bias of what is made of them, are guesses:
 * five a class, as for a table's chi-squared test, and ten at the least, since few responses show few classes.
 */
export const fewestResponses = (classes: number): number => Math.max(10, 5 * classes);

/** A row's share of the bias to second order, and how large its parts are before they cancel. */
export interface RowBias {
  readonly bias: number;
  readonly size: number;
}

/**
 * The plug-in's figures from those of its rows.
 * @param range what the diversity of one prompt can be off by, nats.
 */
export function plugInFrom(
  { log, roundIndex }: EvaluationRows,
  errors: ReadonlyMap<string, ClassProbabilityError>,
  biasOfRow: (row: number) => RowBias,
  range: number,
): PlugIn {
  let [bias, few, unknown] = [0, 0, 0];
  roundIndex.forEach((i, row) => {
    const { effectiveResponses, variance } = errors.get(promptKey(log.prompts[i]))!;
    const own = biasOfRow(row);
    bias += own.bias;
    // 10 equal weights are 10 but for rounding
    if (effectiveResponses >= fewestResponses(variance.size) - 1e-9) return;
    few++;
    // where only one class was seen nothing shows how much is missing
    const flat = [...variance.values()].every((v) => v === 0);
    unknown += flat ? range / Math.max(1, effectiveResponses) : Math.min(range, own.size);
  });
  const n = roundIndex.length;
  return { bias: bias / n, fewResponses: few / n, unknown: unknown / n };
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
  if (component === 'utility' || scale === 0 || (own === undefined && minus === undefined)) return undefined;
  return {
    bias: scale * ((own?.bias ?? 0) - (minus?.bias ?? 0)),
    fewResponses: Math.max(own?.fewResponses ?? 0, minus?.fewResponses ?? 0),
    unknown: scale * ((own?.unknown ?? 0) + (minus?.unknown ?? 0)),
  };
}

/** A bias of half a standard error makes 8 % of 95 % intervals miss, of a whole one 17 %, and beside a longer log it only grows. */
const isLarge = (bias: number, stdError: number): boolean => Math.abs(bias) > stdError / 2;

/** Is what cannot be told of the bias too much beside the standard error? */
export const isUnknown = ({ unknown }: PlugIn, stdError: number): boolean => isLarge(unknown, stdError);

/** Is the bias that is still in it? */
export const isBiased = ({ bias }: PlugIn, stdError: number): boolean => isLarge(bias, stdError);

/** What is said of it. */
export const unknownBias = ({ fewResponses, unknown }: PlugIn, stdError: number): string =>
  `${(100 * fewResponses).toPrecision(2)} % of the rounds are of prompts with too few effective responses (5 a class, 10 at the least): a bias of about ${unknown.toPrecision(2)} cannot be told there, beside a standard error of ${stdError.toPrecision(2)}`;

/** Why an interval around a plug-in would not hold; null where nothing is known against it. */
export function whyNoInterval(plugIn: PlugIn, stdError: number): string | null {
  if (isUnknown(plugIn, stdError)) return `${unknownBias(plugIn, stdError)}.`;
  if (isBiased(plugIn, stdError)) {
    return `the bias of estimated class probabilities, about ${plugIn.bias.toPrecision(2)}, is more than half the standard error, ${stdError.toPrecision(2)}: biasCorrected (--bias-corrected) takes it off.`;
  }
  return null;
}

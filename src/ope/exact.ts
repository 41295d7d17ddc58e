import { scope } from '../tensor/index.js';
import { assertInteger, invalid, PopeError } from '../util/index.js';
import { everySlate, inputOfRounds, type SingleRound, type SlateOptions, slateWeightsOf } from './enumerate.js';
import { type Estimator, type EstimatorInput, estimate, type RoundTerms } from './estimator.js';
import { assertProblem, exactValue, type FiniteProblem } from './finite-problem.js';

export interface ExactOptions extends SlateOptions {
  /** N, rounds of a log; default 1. */
  readonly rounds?: number;
}

/** Moments of an estimator over every possible log of a finite problem. */
export interface ExactMoments {
  readonly mean: number;
  readonly variance: number;
  /** The target's value: of `slateReward` where it is given, else of sum_j w_j R_j, slates drawn from the target. */
  readonly value: number;
  /** mean - value. */
  readonly bias: number;
  /** E (estimate - value)^2 = variance + bias^2. */
  readonly meanSquaredError: number;
}

/** Responses of all logs together, where logs are put together from their rounds. */
const responseLimit = 3_000_000;
/** Logs, where the estimator has to be called on each. */
const callLimit = 100_000;
/** Logs on which an estimator is called to see whether its rounds may be added up. */
const checkedLogs = 12;

/**
 * Bias and variance without luck: sums the estimate over every log of N rounds and n responses, (X K^n)^N of them,
 * weighted by its probability under the logging policy. Logs of probability 0 are left out.
 *
 * The round terms of most estimators do not depend on the other rounds: those are computed once for each possible round
 * and added up. An estimator marked by `acrossRounds` is called on every log; so is one without the mark that is seen
 * not to add up on about a dozen logs. Those are a sample: an estimator of your own whose rounds depend on each other and that
 * differs on few logs alone would be wrong in silence, so give it the mark.
 * @throws PopeError where there are too many logs (3 million responses; 100,000 logs where each is evaluated), or an
 * estimate is undefined.
 */
export function exactMoments(estimator: Estimator, problem: FiniteProblem, options: ExactOptions = {}): ExactMoments {
  const { rounds = 1, slate = 1 } = options;
  assertProblem(problem);
  assertInteger('rounds', rounds, 1);
  assertInteger('slate', slate, 1);
  const weights = slateWeightsOf(options);
  if (weights.length !== slate) throw invalid('slateWeights.length', weights.length, `${slate}, the length of a slate`);
  const slates = problem.contextProb.length * problem.logging[0].length ** slate;
  limit(slates, responseLimit, `${slates} slates of ${slate} responses`, 'slates');
  const single = everySlate(problem, problem.logging, slate);
  const logs = single.length ** rounds;
  limit(logs * rounds * slate, responseLimit, `${logs} logs of ${rounds * slate} responses`, 'responses in all');
  const enumeration: Enumeration = { estimator, problem, options, single, rounds, logs };
  const estimates = estimatesByRound(enumeration) ?? estimatesByLog(enumeration);
  const probabilities = Float64Array.from({ length: logs }, (_, log) =>
    roundsOfLog(log, single.length, rounds).reduce((p, s) => p * single[s].probability, 1),
  );
  const expect = (f: (estimate: number) => number) =>
    estimates.reduce((sum, estimate, log) => sum + probabilities[log] * f(estimate), 0);
  const mean = expect((estimate) => estimate);
  const value = targetValue(problem, options);
  return {
    mean,
    variance: expect((estimate) => (estimate - mean) ** 2),
    value,
    bias: mean - value,
    meanSquaredError: expect((estimate) => (estimate - value) ** 2),
  };
}

/** The exact expectation of an estimator; see `exactMoments`. */
export const expectation = (estimator: Estimator, problem: FiniteProblem, options?: ExactOptions): number =>
  exactMoments(estimator, problem, options).mean;

interface Enumeration {
  readonly estimator: Estimator;
  readonly problem: FiniteProblem;
  readonly options: ExactOptions;
  /** Every possible round. */
  readonly single: readonly SingleRound[];
  readonly rounds: number;
  readonly logs: number;
}

/** The rounds of a log by its number: the digits of a number in base `base`. */
function roundsOfLog(log: number, base: number, rounds: number): number[] {
  const digits: number[] = [];
  for (let r = 0, rest = log; r < rounds; r++, rest = Math.floor(rest / base)) digits.push(rest % base);
  return digits;
}

/** The estimate of every log from the terms of each possible round; null where the terms do not add up. */
function estimatesByRound(enumeration: Enumeration): Float64Array | null {
  const { estimator, problem, options, single, rounds, logs } = enumeration;
  if (estimator.acrossRounds === true) return null;
  const sums = scope(() => {
    const terms = termsOrNull(estimator, inputOfRounds(problem, single, options));
    if (terms === null) return null;
    const [numerator, denominator, baseline] = [terms.numerator, terms.denominator, terms.baseline].map((column) =>
      column?.dataSync(),
    );
    return Float64Array.from({ length: logs }, (_, log) => {
      let [a, b, c] = [0, 0, 0];
      for (const s of roundsOfLog(log, single.length, rounds)) {
        a += numerator![s];
        b += denominator?.[s] ?? 1;
        c += baseline?.[s] ?? 0;
      }
      return a / b + c / rounds;
    });
  });
  if (sums === null || !checked(sums).every((log) => sameEstimate(sums[log], callOn(enumeration, log)))) return null;
  sums.forEach((value, log) => {
    assertDefined(value, enumeration, log);
  });
  return sums;
}

/** null where the estimator refuses an input of another number of rounds than the log's: it looks across rounds. */
function termsOrNull(estimator: Estimator, input: EstimatorInput): RoundTerms | null {
  try {
    return estimator(input);
  } catch (error) {
    if (error instanceof PopeError) return null;
    throw error;
  }
}

/** The estimate of every log by a call of the estimator on it. */
function estimatesByLog(enumeration: Enumeration): Float64Array {
  const { logs } = enumeration;
  limit(logs, callLimit, `${logs} logs, each of which has to be evaluated for this estimator`, 'logs');
  return Float64Array.from({ length: logs }, (_, log) => {
    const value = callOn(enumeration, log);
    assertDefined(value, enumeration, log);
    return value;
  });
}

function callOn({ estimator, problem, options, single, rounds }: Enumeration, log: number): number {
  const drawn = roundsOfLog(log, single.length, rounds).map((s) => single[s]);
  return scope(() => estimate(estimator, inputOfRounds(problem, drawn, options)).item());
}

/** A spread of logs from the first to the last, both of which repeat one round, and those of the extreme estimates. */
function checked(estimates: Float64Array): number[] {
  const last = estimates.length - 1;
  const spread = Array.from({ length: checkedLogs }, (_, i) => Math.round((i * last) / (checkedLogs - 1)));
  const extremes = estimates.reduce(
    ([low, high], value, log) => [value < estimates[low] ? log : low, value > estimates[high] ? log : high],
    [0, 0],
  );
  return [...new Set([...spread, ...extremes])];
}

/** Equal to rounding, or both undefined. */
const sameEstimate = (x: number, y: number): boolean =>
  Number.isFinite(x) === Number.isFinite(y) && !(Math.abs(x - y) > 1e-9 * (1 + Math.abs(x)));

/** E_x E_{S ~ pi^n} of the slate reward, or of sum_j w_j R_j. */
function targetValue(problem: FiniteProblem, options: ExactOptions): number {
  const { slate = 1, slateReward, responseReward } = options;
  if (slateReward === undefined && responseReward === undefined) return exactValue(problem);
  const weights = slateWeightsOf(options);
  const reward =
    slateReward ??
    ((x: number, responses: readonly number[]) =>
      weights.reduce((sum, w, j) => sum + w * responseReward!(x, responses, j), 0));
  return everySlate(problem, problem.target, slate).reduce(
    (sum, { context, slate: responses, probability }) => sum + probability * reward(context, responses),
    0,
  );
}

function limit(count: number, most: number, got: string, unit: string): void {
  if (count <= most) return;
  throw new PopeError(`the problem has ${got}; expected at most ${most} ${unit}.`, { argument: 'problem' });
}

function assertDefined(value: number, { single, rounds }: Enumeration, log: number): void {
  if (Number.isFinite(value)) return;
  const drawn = roundsOfLog(log, single.length, rounds).map((s) => single[s]);
  const probability = drawn.reduce((p, round) => p * round.probability, 1);
  throw new PopeError(
    `the estimator gave ${value} on a log of probability ${probability}; expected a finite estimate on every log.`,
    { argument: 'estimator', got: value },
  );
}

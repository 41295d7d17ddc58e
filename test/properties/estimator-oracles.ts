import { grad } from '../../src/autograd/index.js';
import { tensor } from '../../src/backend/index.js';
import {
  type Estimator,
  type EstimatorInput,
  type ExactOptions,
  estimate,
  expectUnder,
  type FiniteProblem,
  type RoundTerms,
} from '../../src/ope/index.js';
import type { RoundTermArrays } from '../../src/stats/index.js';
import { scope, type Tensor } from '../../src/tensor/index.js';
import { inputOf, type SampleResponse, type SampleRound } from '../arbitraries/sample-log.js';
import { everyRound } from '../theorems/enumerate.js';
import type { EstimatorCase } from './estimator-cases.js';

export type Log = readonly SampleRound[];
export type Problem = Required<FiniteProblem>;

export const valueOn = (use: Estimator, log: Log): number => scope(() => estimate(use, inputOf(log)).item());

/** The terms as evaluation reads them. */
export const termsOn = (use: Estimator, log: Log): RoundTermArrays =>
  scope(() => {
    const { numerator, denominator, baseline }: RoundTerms = use(inputOf(log));
    const read = (x: Tensor | null) => x && Float64Array.from(x.dataSync());
    return { numerator: read(numerator)!, denominator: read(denominator), baseline: read(baseline) };
  });

/** The log with other rewards, of responses and of slates, and its model changed alike. */
export const withRewards = (log: Log, change: (reward: number) => number): Log =>
  log.map((round) => ({
    slateReward: change(round.slateReward),
    predictedValue: change(round.predictedValue),
    responses: round.responses.map((r) => ({ ...r, reward: change(r.reward), predicted: change(r.predicted) })),
  }));

/** The log with other log-ratios. */
export const withRatios = (log: Log, change: (logRatio: number, i: number) => number): Log =>
  log.map((round, i) => ({
    ...round,
    responses: round.responses.map((r) => ({ ...r, logRatio: change(r.logRatio, i) })),
  }));

/** q(x, y), 0 without a model. */
export const modelOf =
  ({ predicted }: EstimatorCase, problem: Problem) =>
  (x: number, y: number): number =>
    predicted === 'none' ? 0 : predicted === 'model' ? problem.predicted[x][y] : predicted;

/**
 * The exact bias of a mean over rounds, by plain sums over the problem: E_pi0 (W - rho)(R - q) on the logged support, and
 * E_pi (q - R) outside of it; q = 0 without a model.
 */
export function exactBias(one: EstimatorCase, problem: Problem): number {
  const { logging, target, reward } = problem;
  const q = modelOf(one, problem);
  const inside = expectUnder(problem, logging, (x, y) => {
    const rho = target[x][y] / logging[x][y];
    return (one.weight(rho, reward[x][y]) - rho) * (reward[x][y] - q(x, y));
  });
  return inside - expectUnder(problem, target, (x, y) => (logging[x][y] === 0 ? reward[x][y] - q(x, y) : 0));
}

/** E W (R - q) / E W + E_pi q, by plain sums: where a ratio goes as the log grows. */
export function exactLimit(one: EstimatorCase, problem: Problem): number {
  const { logging, target, reward } = problem;
  const q = modelOf(one, problem);
  const weighed = (f: (x: number, y: number) => number) =>
    expectUnder(problem, logging, (x, y) => one.weight(target[x][y] / logging[x][y], reward[x][y]) * f(x, y));
  return weighed((x, y) => reward[x][y] - q(x, y)) / weighed(() => 1) + expectUnder(problem, target, q);
}

/** E sum(a) / E sum(b) + E c, from the estimator's own terms. */
export function limitOf(use: Estimator, problem: Problem, options: ExactOptions): number {
  const part =
    (choose: (terms: RoundTerms) => Tensor): Estimator =>
    (input) => ({ numerator: choose(use(input)), denominator: null, baseline: null });
  const zero = (terms: RoundTerms): Tensor => terms.baseline ?? tensor(new Float64Array(terms.numerator.size));
  // all possible rounds in one call, so that scaled weights share their factor: without the mark no log is called alone
  const [a, b, c] = [part((t) => t.numerator), part((t) => t.denominator!), part(zero)].map((f) =>
    sumOverRounds(f, problem, options),
  );
  return a / b + c;
}

/** sum of P(round) times its term, all possible rounds evaluated in one log. */
function sumOverRounds(use: Estimator, problem: Problem, { slateWeights = [1] }: ExactOptions): number {
  const all = everyRound(problem, slateWeights.length);
  const column = (f: (x: number, y: number, j: number) => number) =>
    tensor(Float64Array.from(all.flatMap(({ context, slate }) => slate.map((y, j) => f(context, y, j)))));
  const { target, logging, reward, predicted } = problem;
  return scope(() => {
    const { numerator } = use({
      rounds: all.length,
      logRatio: column((x, y) => Math.log(target[x][y]) - Math.log(logging[x][y])),
      reward: column((x, y) => reward[x][y]),
      slateWeight: column((_x, _y, j) => slateWeights[j]),
      roundOf: tensor(Int32Array.from(all.flatMap(({ slate }, i) => slate.map(() => i)))),
      predictedReward: column((x, y) => predicted[x][y]),
      predictedValue: tensor(
        Float64Array.from(all, ({ context }) =>
          predicted[context].reduce((sum, q, y) => sum + q * target[context][y], 0),
        ),
      ),
    });
    const terms = numerator.dataSync();
    return all.reduce((sum, { probability }, i) => sum + probability * terms[i], 0);
  });
}

/** Where the bias of an estimator that has one is in plain sight: the target mostly says what the log seldom does. */
export const biasWitness: Problem = {
  contextProb: [1],
  logging: [[0.9, 0.1]],
  target: [[0.1, 0.9]],
  reward: [[1, 2]],
  predicted: [[0.5, 0.5]],
};

/** Three rounds with weights far from 1 by every transform, whose order matters wherever order can matter. */
export const changeWitness: Log = [
  [1, 2, 3],
  [3, 1, 0.5],
  [-1, 0.5, 2],
].map(([l, first, second]) => ({
  slateReward: (first + second) / 2,
  predictedValue: 0.5,
  responses: [
    { logRatio: l, reward: first, slateWeight: 0.5, predicted: 0.25 },
    { logRatio: 0.5 * l + 0.5, reward: second, slateWeight: 0.5, predicted: 0.5 },
  ],
}));

/** The same and two rounds more, so that every fold is fitted on other rounds than the next. */
export const twoMore: Log = [...changeWitness, ...withRewards(changeWitness.slice(0, 2), (r) => r * r + 1)];

const largest = (table: readonly (readonly number[])[]): number => Math.max(1, ...table.flat().map(Math.abs));

/** The size of what is summed: the largest reward or prediction times the largest weight, to the power of those multiplied. */
export const scaleOf = ({ reward, predicted, target, logging }: Problem, factors = 1): number =>
  Math.max(largest(reward), largest(predicted)) *
  largest(target.map((row, x) => row.map((p, y) => (logging[x][y] > 0 ? p / logging[x][y] : 0)))) ** factors;

/** Is the estimate defined: is there a weight above 0, in every slot for those that look at slots? */
export function isDefinedOn(one: EstimatorCase, log: Log): boolean {
  if (typeof one.nothing === 'function') return true;
  const isLogged = (responses: readonly SampleResponse[]) => responses.every((r) => !isNever(r));
  if (!one.slots)
    return log.some(
      ({ responses }) => isLogged(responses) || (one.weighs === 'response' && responses.some((r) => !isNever(r))),
    );
  const longest = Math.max(...log.map((round) => round.responses.length));
  return Array.from({ length: longest }, (_, j) => j).every((j) =>
    log.some(
      ({ responses }) => j < responses.length && isLogged(responses.slice(one.weighs === 'prefix' ? 0 : j, j + 1)),
    ),
  );
}

export const isNever = (r: SampleResponse): boolean => r.logRatio === -Infinity;

export function gradientOf(use: Estimator, input: EstimatorInput): Float64Array {
  return scope(() => {
    const slope = grad((logRatio: Tensor) => estimate(use, { ...input, logRatio }))(input.logRatio);
    return Float64Array.from(slope.dataSync());
  });
}

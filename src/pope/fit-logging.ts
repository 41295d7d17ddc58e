import { dispose, type Tree } from '../tensor/index.js';
import { invalid, PopeError } from '../util/index.js';
import { type EvaluationRows, selectRows } from './evaluation-rows.js';
import { scoreRows } from './held-out.js';
import { trainPope } from './train.js';
import type { TrainOptions, TrainResult } from './train-options.js';

type StepOptions<P extends Tree> = Pick<
  TrainOptions<P>,
  'family' | 'steps' | 'batch' | 'learningRate' | 'seed' | 'signal' | 'weightDecay' | 'promptsPerBatch'
>;

export interface CrossFitOptions<P extends Tree> extends StepOptions<P> {
  readonly rows: EvaluationRows;
  /** Fresh parameters, the same for every fold. */
  readonly start: () => P;
  /** The fold of each round, 0 .. k - 1: no round is scored by a model that saw its fold. */
  readonly folds: Int32Array;
  /** `fold` is k for the model on all rounds. */
  readonly onStep?: (fold: number, step: number) => void;
}

export type FitOptions<P extends Tree> = CrossFitOptions<P>;

export interface FitResult<P extends Tree> {
  /** Cross-fitted log pi0 of each row, [M], at most 0. */
  readonly logPropensity: Float64Array;
  /** The model fitted on all rounds: for use as a policy, never for scoring these rounds. */
  readonly model: TrainResult<P>;
}

/**
 * Fits the logging policy by maximum likelihood and scores every round with a model that did not see it. Fitting and
 * scoring on the same rounds would make each logged response look likelier than it was, and every weight too small.
 * @throws PopeError where a fold is empty or holds all rounds, or a fit diverges or is stopped.
 */
export async function fitLogging<P extends Tree>(options: FitOptions<P>): Promise<FitResult<P>> {
  const logPropensity = await crossFit(options);
  return { logPropensity, model: await fitOn(options, options.rows, foldCount(options.folds)) };
}

/** The scores of `fitLogging` without its model on all rounds. @throws PopeError as `fitLogging` does. */
export async function crossFit<P extends Tree>(options: CrossFitOptions<P>): Promise<Float64Array> {
  const { rows, folds, family } = options;
  const n = rows.roundIndex.length;
  if (folds.length !== n) throw invalid('folds.length', folds.length, `${n}, one fold a round`);
  const k = foldCount(folds);
  if (k < 2) throw invalid('folds', k, 'at least 2 folds');
  const parts = Array.from({ length: k }, (_, fold) => partOf(folds, fold, k));
  const logPropensity = new Float64Array(rows.responseIndex.length);
  for (const [fold, { inside, outside }] of parts.entries()) {
    const fitted = await fitOn(options, selectRows(rows, outside), fold);
    const scores = await scoreRows(family.bind(fitted.params), selectRows(rows, inside));
    dispose([fitted.params, fitted.state.optimizer.firstMoment, fitted.state.optimizer.secondMoment]);
    let next = 0;
    rows.roundOf.forEach((round, m) => {
      // rounding of a model that is certain may leave a log-probability a little above 0
      if (folds[round] === fold) logPropensity[m] = Math.min(0, scores[next++]);
    });
  }
  return logPropensity;
}

const foldCount = (folds: Int32Array): number => folds.reduce((most, f) => Math.max(most, f), -1) + 1;

function partOf(folds: Int32Array, fold: number, k: number): { inside: number[]; outside: number[] } {
  const inside: number[] = [];
  const outside: number[] = [];
  folds.forEach((f, i) => void (f === fold ? inside : outside).push(i));
  // a fold that holds all rounds leaves another one empty
  if (inside.length === 0) {
    throw invalid(
      'folds',
      k,
      'folds that each hold some of the rounds, and not all',
      `Fold ${fold} holds ${inside.length} of ${folds.length}.`,
    );
  }
  return { inside, outside };
}

async function fitOn<P extends Tree>(
  options: CrossFitOptions<P>,
  rows: EvaluationRows,
  fold: number,
): Promise<TrainResult<P>> {
  const { start, onStep, rows: _all, folds: _folds, ...step } = options;
  const result = await trainPope({
    ...step,
    params: start(),
    rows,
    heldOut: null,
    objective: 'sft',
    diversity: 'none',
    tau: 0,
    innerSteps: 1,
    ...(onStep && { onStep: ({ step: at }) => onStep(fold, at) }),
  });
  if (result.stopped.reason !== 'done') {
    throw new PopeError(`the fit of pi0 ended early: ${result.stopped.message}`, { code: result.stopped.reason });
  }
  return result;
}

import { dispose, type Tree } from '../tensor/index.js';
import { invalid, PopeError } from '../util/index.js';
import { type EvaluationRows, selectRows } from './evaluation-rows.js';
import { scoreRows } from './held-out.js';
import { type TrainOptions, type TrainResult, trainPope } from './train.js';

export interface FitOptions<P extends Tree> extends Pick<TrainOptions<P>, 'family' | 'steps' | 'batch' | 'learningRate' | 'seed' | 'signal' | 'weightDecay' | 'promptsPerBatch'> {
  readonly rows: EvaluationRows;
  /** Fresh parameters, the same for every fold. */
  readonly start: () => P;
  /** The fold of each round, 0 .. k - 1: no round is scored by a model that saw its fold. */
  readonly folds: Int32Array;
  readonly onStep?: (fold: number, step: number) => void;
}

export interface FitResult<P extends Tree> {
  /** Cross-fitted log pi0 of each row, [M]. */
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
  const { rows, folds, family } = options;
  const n = rows.roundIndex.length;
  if (folds.length !== n) throw invalid('folds.length', folds.length, `${n}, one fold a round`);
  const k = folds.reduce((most, f) => Math.max(most, f), -1) + 1;
  if (k < 2) throw invalid('folds', k, 'at least 2 folds');
  const logPropensity = new Float64Array(rows.responseIndex.length);
  for (let fold = 0; fold < k; fold++) {
    const inside: number[] = [];
    const outside: number[] = [];
    folds.forEach((f, i) => (f === fold ? inside : outside).push(i));
    if (inside.length === 0 || outside.length === 0) throw invalid('folds', k, 'folds that each hold some of the rounds, and not all', `Fold ${fold} holds ${inside.length} of ${n}.`);
    const fitted = await fitOn(options, selectRows(rows, outside), fold);
    const scores = scoreRows(family.bind(fitted.params), selectRows(rows, inside));
    dispose(fitted.params);
    let next = 0;
    rows.roundOf.forEach((round, m) => {
      if (folds[round] === fold) logPropensity[m] = scores[next++];
    });
  }
  const model = await fitOn(options, rows, k);
  return { logPropensity, model };
}

async function fitOn<P extends Tree>(options: FitOptions<P>, rows: EvaluationRows, fold: number): Promise<TrainResult<P>> {
  const result = await trainPope({
    family: options.family,
    params: options.start(),
    rows,
    heldOut: null,
    objective: 'sft',
    diversity: 'none',
    tau: 0,
    innerSteps: 1,
    steps: options.steps,
    batch: options.batch,
    learningRate: options.learningRate,
    ...(options.promptsPerBatch !== undefined && { promptsPerBatch: options.promptsPerBatch }),
    ...(options.weightDecay !== undefined && { weightDecay: options.weightDecay }),
    ...(options.seed !== undefined && { seed: options.seed }),
    ...(options.signal !== undefined && { signal: options.signal }),
    ...(options.onStep && { onStep: ({ step }) => options.onStep!(fold, step) }),
  });
  if (result.stopped.reason !== 'done') throw new PopeError(`the fit of pi0 ended early: ${result.stopped.message}`, { code: result.stopped.reason });
  return result;
}

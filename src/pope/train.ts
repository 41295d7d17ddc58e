import { stopGradient, valueAndGrad } from '../autograd/index.js';
import { adamwInit, adamwStep, clipGradient, type OptimizerState, type Schedule, warmupCosine } from '../nn/index.js';
import type { Policy, PolicyFamily } from '../ope/index.js';
import { neg } from '../ops/index.js';
import { type Random, randomState, restoreRandom, seededRandom } from '../random/index.js';
import { dispose, ownedScope, type Tensor, type Tree } from '../tensor/index.js';
import { PopeError } from '../util/index.js';
import { alarms, type HeldOutFigures } from './alarms.js';
import { batchDrawer } from './batch-drawer.js';
import { checkTraining } from './check-training.js';
import type { Batch } from './evaluation-rows.js';
import { heldOutFigures, heldOutKl } from './held-out.js';
import { needsAnchor, objectiveValue } from './objective.js';
import {
  heldOutRecord,
  type StepRecord,
  type StopReason,
  type TrainOptions,
  type TrainResult,
} from './train-options.js';

/** Where a run stands: what it takes to go on from there. */
interface Point<P extends Tree> {
  readonly step: number;
  readonly params: P;
  readonly optimizer: OptimizerState<P>;
  readonly random: readonly number[];
}

/** What one outer step came to. */
interface Move<P extends Tree> {
  readonly objective: number;
  readonly norm: number;
  /** null where something was not finite; `failure` then says what, and at which of the inner steps. */
  readonly next: { readonly params: P; readonly optimizer: OptimizerState<P> } | null;
  readonly failure: { readonly inner: number; readonly what: string } | null;
}

/**
 * Trains a policy from a log, fully offline. Each outer step draws a batch of rounds, fixes the anchor pi_k at the
 * present policy and raises the objective's lower bound by a few AdamW steps (T8: minorise, maximise).
 * Stops on divergence, keeping the last parameters whose objective and gradient were finite.
 * @throws PopeError where an option is outside of its domain or the rows lack what the objective needs.
 */
export async function trainPope<P extends Tree>(options: TrainOptions<P>): Promise<TrainResult<P>> {
  checkTraining(options);
  const { steps, learningRate, logEvery = 10, resume, kl } = options;
  const rate = warmupCosine({
    peak: learningRate,
    warmup: Math.max(1, Math.round(steps / 10)),
    steps,
    final: learningRate / 10,
  });
  const random = resume === undefined ? seededRandom(options.seed ?? 0) : restoreRandom(resume.random);
  const draw = batchDrawer(options.rows, options.batch, options.promptsPerBatch);
  const judge = async (params: P): Promise<HeldOutFigures | null> =>
    options.heldOut === null ? null : heldOutFigures(options, params, options.heldOut);

  let at: Point<P> = {
    step: resume?.step ?? 0,
    params: options.params,
    optimizer: resume?.optimizer ?? adamwInit(options.params),
    random: randomState(random),
  };
  // The point before: where the objective at the present one turns out not to be finite, it is the last good one.
  let before = at;
  const start = resume === undefined ? (options.start ?? (await judge(at.params))) : resume.start;
  let figures = start;
  const records: StepRecord[] = [];
  const report = (record: StepRecord): void => {
    records.push(record);
    options.onStep?.(record);
  };
  const free = ({ params, optimizer }: Pick<Point<P>, 'params' | 'optimizer'>): void => {
    if (params !== options.params) dispose(params);
    if (optimizer !== resume?.optimizer) dispose([optimizer.firstMoment, optimizer.secondMoment]);
  };
  const result = (reason: StopReason, point: Point<P>, message: string): TrainResult<P> => {
    if (before !== at) free(point === at ? before : at);
    const { step, params, optimizer } = point;
    return {
      figures,
      params,
      state: { step, optimizer, random: point.random, start },
      records,
      stopped: { reason, step, message },
    };
  };
  const diverged = (good: Point<P>, what: string): TrainResult<P> =>
    result(
      'diverged',
      good,
      `Training diverged at step ${at.step + 1}: ${what}. The parameters are those after step ${good.step}. Lower the learning rate.`,
    );

  if (start !== null && resume === undefined) {
    report({
      step: 0,
      objective: null,
      gradient_norm: null,
      learning_rate: 0,
      held_out: heldOutRecord(start),
      alarms: [],
    });
  }
  if (kl !== undefined && resume === undefined && start !== null) {
    const excess = klExcess(start.kl, kl);
    if (excess !== null) return result('kl_guard', at, `Training did not begin: the start has ${excess}.`);
  }
  while (at.step < steps) {
    if (options.signal?.aborted) return result('aborted', at, `Training was stopped by request after step ${at.step}.`);
    const step = at.step + 1;
    const { next, failure, objective, norm } = await outerStep(options, at, draw(random), rate, random);
    if (next === null) return diverged(failure!.inner === 0 ? before : at, failure!.what);
    let now: HeldOutFigures | null = null;
    try {
      if (step === steps || step % logEvery === 0) now = await judge(next.params);
      if (kl !== undefined) {
        const divergence = now === null ? await heldOutKl(options.family, next.params, options.heldOut!) : now.kl;
        const excess = klExcess(divergence, kl);
        if (excess !== null) {
          free(next);
          return result('kl_guard', at, `Training ended after step ${at.step}: the next one had ${excess}.`);
        }
      }
    } catch (error) {
      if (!(error instanceof PopeError) || error.code !== 'diverged') throw error;
      free(next);
      return diverged(at, `on held-out rounds ${error.message.replace(/\.$/, '')}`);
    }
    if (before !== at) free(before);
    [before, at] = [at, { step, ...next, random: randomState(random) }];
    figures = now ?? figures;
    report({
      step,
      objective,
      gradient_norm: norm,
      learning_rate: rate(step),
      ...(now !== null && { held_out: heldOutRecord(now), alarms: start === null ? [] : alarms(start, now) }),
    });
    // lets timers, signals and progress bars run
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
  return result('done', at, `Training ended after ${steps} steps.`);
}

/** By how much a held-out KL estimate leaves the guard, in words; null where it stays within. An unknown one leaves it. */
function klExcess(divergence: number | null, limit: number): string | null {
  if (divergence !== null && divergence <= limit) return null;
  const size = divergence === null ? 'beyond what they can tell' : `${divergence.toFixed(3)} nats`;
  return `KL(pi||pi0) ${size} on held-out rounds, above ${limit}`;
}

/** The anchor at the present policy, then `innerSteps` AdamW steps on one batch. */
async function outerStep<P extends Tree>(
  options: TrainOptions<P>,
  at: Point<P>,
  batch: Batch,
  rate: Schedule,
  random: Random,
): Promise<Move<P>> {
  const { family, innerSteps = 2, maxNorm = 1, weightDecay } = options;
  const anchored = needsAnchor(options.objective);
  // with dropout the bound would not be tight at the anchor, which is scored without
  const dropout = anchored ? {} : { random };
  const anchor = anchored ? anchorOf(family, at.params, batch) : null;
  const learningRate = rate(at.step + 1);
  let next: { params: P; optimizer: OptimizerState<P> } = at;
  let objective = Number.NaN;
  let norm = Number.NaN;
  try {
    for (let inner = 0; inner < innerSteps; inner++) {
      const moved = ownedScope(() => {
        const loss = valueAndGrad(
          (p: P): Tensor => neg(objectiveValue(family.bind(p, dropout), batch, anchor, options)),
        );
        const { value: negative, gradient } = loss(next.params);
        const clipped = clipGradient(gradient, maxNorm);
        const taken = adamwStep(next.params, clipped.gradient, next.optimizer, {
          learningRate,
          ...(weightDecay !== undefined && { weightDecay }),
        });
        return { params: taken.params, optimizer: taken.state, negative, norm: clipped.norm };
      });
      const [negative, movedNorm] = [(await moved.negative.data())[0], (await moved.norm.data())[0]];
      dispose([moved.negative, moved.norm]);
      if (inner > 0) dispose([next.params, next.optimizer.firstMoment, next.optimizer.secondMoment]);
      else [objective, norm] = [-negative, movedNorm];
      next = moved;
      if (!Number.isFinite(negative) || !Number.isFinite(movedNorm)) {
        dispose([next.params, next.optimizer.firstMoment, next.optimizer.secondMoment]);
        const what = Number.isFinite(negative)
          ? `the gradient norm became ${movedNorm}`
          : `the objective became ${-negative}`;
        return { objective, norm, next: null, failure: { inner, what } };
      }
    }
  } finally {
    dispose(anchor ?? []);
  }
  return { objective, norm, next: { params: next.params, optimizer: next.optimizer }, failure: null };
}

/** log pi_k of a batch's responses: the constant at which this step's bound is tight. */
function anchorOf<P extends Tree>(family: PolicyFamily<P>, params: P, batch: Batch): Tensor {
  return ownedScope(() => {
    const policy: Policy = family.bind(params);
    return stopGradient(policy.logProb(batch.prompts, batch.responses));
  });
}

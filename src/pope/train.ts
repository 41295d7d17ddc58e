import { stopGradient, valueAndGrad } from '../autograd/index.js';
import { adamwInit, adamwStep, clipGradient, type OptimizerState, warmupCosine } from '../nn/index.js';
import { distinctPrompts, type Policy, type PolicyFamily } from '../ope/index.js';
import { neg } from '../ops/index.js';
import { permutation, type Random, randomState, restoreRandom, seededRandom, uniformInt } from '../random/index.js';
import { dispose, leavesOf, ownedScope, type Tensor, type Tree } from '../tensor/index.js';
import { assertInteger, assertOneOf, assertRange, invalid, PopeError } from '../util/index.js';
import { type Alarm, alarms, type HeldOutFigures } from './alarms.js';
import { type Batch, batchOf, type EvaluationRows } from './evaluation-rows.js';
import { heldOutFigures } from './held-out.js';
import { objectives, type ObjectiveOptions, objectiveValue, trainableDiversities } from './objective.js';

export interface TrainOptions<P extends Tree> extends ObjectiveOptions {
  readonly family: PolicyFamily<P>;
  /** Where training starts. */
  readonly params: P;
  /** Rounds to learn from. */
  readonly rows: EvaluationRows;
  /** Rounds that only judge: estimates and alarms are computed on them, never on what was trained on. */
  readonly heldOut: EvaluationRows | null;
  /** Outer steps: each takes one batch and one anchor pi_k. */
  readonly steps: number;
  /** Optimizer steps on one batch before the anchor moves; default 2. */
  readonly innerSteps?: number;
  /** Rounds in a batch. */
  readonly batch: number;
  /**
   * Draws each batch from this many rounds' prompts only: a policy over candidates pays by the prompt. Every round keeps
   * the same chance. Default: any prompts.
   */
  readonly promptsPerBatch?: number;
  /** Peak learning rate of AdamW; warm-up over a tenth of the steps, cosine to a tenth of the peak. */
  readonly learningRate: number;
  readonly weightDecay?: number;
  /** Largest norm of a gradient; default 1. */
  readonly maxNorm?: number;
  /** Guard: training ends before the held-out estimate of KL(pi||pi0) exceeds this, in nats; default none. */
  readonly kl?: number;
  readonly seed?: number;
  /** Held-out figures are computed every so many steps, and at both ends; default 10. */
  readonly logEvery?: number;
  /** Loss of held-out text under the parameters, nats a token: watches general ability. */
  readonly textLoss?: (params: P) => number | Promise<number>;
  /** Held-out figures of `params`, where they are known already; else they are computed. */
  readonly start?: HeldOutFigures;
  readonly onStep?: (record: StepRecord) => void;
  /** Ends training after the current step. */
  readonly signal?: AbortSignal;
  /** Continues a run that was cut: what `TrainResult.state` was then. */
  readonly resume?: TrainState<P>;
}

/** One line of train.jsonl. */
export interface StepRecord {
  readonly step: number;
  /** Value of the objective on the step's batch before the step; null for the record of the start. */
  readonly objective: number | null;
  readonly gradient_norm: number | null;
  readonly learning_rate: number;
  readonly held_out?: HeldOutRecord;
  readonly alarms?: readonly Alarm[];
}

export interface HeldOutRecord {
  readonly utility: number | null;
  readonly utility_error: number | null;
  readonly diversity: number | null;
  readonly effective_sample_size: number;
  readonly mean_weight: number | null;
  readonly kl: number | null;
  readonly text_loss: number | null;
}

/** All that a later run needs to go on bit for bit, beside the parameters. */
export interface TrainState<P extends Tree = Tree> {
  readonly step: number;
  readonly optimizer: OptimizerState<P>;
  readonly random: readonly number[];
  /** Held-out figures at the very start, against which alarms are judged. */
  readonly start: HeldOutFigures | null;
}

export interface TrainResult<P extends Tree> {
  /** Held-out figures of the last record that has them. */
  readonly figures: HeldOutFigures | null;
  /** The last good parameters. */
  readonly params: P;
  readonly state: TrainState<P>;
  readonly records: readonly StepRecord[];
  readonly stopped: { readonly reason: 'done' | 'aborted' | 'kl_guard' | 'diverged'; readonly step: number; readonly message: string };
}

/**
 * Trains a policy from a log, fully offline. Each outer step draws a batch of rounds, fixes the anchor pi_k at the
 * present policy and raises the objective's lower bound by a few AdamW steps (T8: minorise, maximise).
 * Stops on divergence, keeping the last parameters whose objective and gradient were finite.
 * @throws PopeError where an option is outside of its domain or the rows lack what the objective needs.
 */
export async function trainPope<P extends Tree>(options: TrainOptions<P>): Promise<TrainResult<P>> {
  check(options);
  const { family, rows, steps, innerSteps = 2, batch: batchSize, learningRate, maxNorm = 1, logEvery = 10, resume } = options;
  const rate = warmupCosine({ peak: learningRate, warmup: Math.max(1, Math.round(steps / 10)), steps, final: learningRate / 10 });
  const random = resume === undefined ? seededRandom(options.seed ?? 0) : restoreRandom(resume.random);
  // imitation and preference have no bound that would have to be tight somewhere
  const needsAnchor = options.objective !== 'sft' && options.objective !== 'dpo';
  const draw = batchDrawer(rows, batchSize, options.promptsPerBatch);
  const judge = async (params: P): Promise<HeldOutFigures | null> =>
    options.heldOut === null ? null : heldOutFigures(options, params, options.heldOut);

  let params = options.params;
  let optimizer = resume?.optimizer ?? adamwInit(params);
  const start = resume === undefined ? (options.start ?? (await judge(params))) : resume.start;
  const records: StepRecord[] = [];
  let figures = start;
  const report = (record: StepRecord): void => {
    records.push(record);
    options.onStep?.(record);
  };
  const result = (reason: TrainResult<P>['stopped']['reason'], step: number, message: string): TrainResult<P> => ({
    figures,
    params,
    state: { step, optimizer, random: randomState(random), start },
    records,
    stopped: { reason, step, message },
  });
  if (start !== null && resume === undefined) {
    report({ step: 0, objective: null, gradient_norm: null, learning_rate: 0, held_out: heldOutRecord(start), alarms: [] });
  }

  for (let step = resume?.step ?? 0; step < steps; step++) {
    if (options.signal?.aborted) return result('aborted', step, `Training was stopped by request after step ${step}.`);
    const batch = draw(random);
    const anchor = needsAnchor ? stepAnchor(family, params, batch) : null;
    let value = Number.NaN;
    let norm = Number.NaN;
    let nextParams: P = params;
    let nextOptimizer: OptimizerState<P> = optimizer;
    for (let inner = 0; inner < innerSteps; inner++) {
      const moved = ownedScope(() => {
        const loss = valueAndGrad((p: P): Tensor => neg(objectiveValue(family.bind(p, { random }), batch, anchor, options)));
        const { value: negative, gradient } = loss(nextParams);
        const clipped = clipGradient(gradient, maxNorm);
        const taken = adamwStep(nextParams, clipped.gradient, nextOptimizer, {
          learningRate: rate(step + 1),
          ...(options.weightDecay !== undefined && { weightDecay: options.weightDecay }),
        });
        return { params: taken.params, optimizer: taken.state, negative, norm: clipped.norm };
      });
      const [negative, movedNorm] = [(await moved.negative.data())[0], (await moved.norm.data())[0]];
      dispose([moved.negative, moved.norm]);
      if (inner > 0) disposeOld(nextParams, nextOptimizer);
      nextParams = moved.params;
      nextOptimizer = moved.optimizer;
      if (inner === 0) [value, norm] = [-negative, movedNorm];
      if (!Number.isFinite(negative) || !Number.isFinite(movedNorm)) {
        disposeOld(nextParams, nextOptimizer);
        dispose(anchor ?? []);
        const what = Number.isFinite(negative) ? `the gradient norm became ${movedNorm}` : `the objective became ${-negative}`;
        return result('diverged', step, `Training diverged at step ${step + 1}: ${what}. The parameters are those after step ${step}. Lower the learning rate.`);
      }
    }
    dispose(anchor ?? []);

    const last = step + 1 === steps;
    const due = last || (step + 1) % logEvery === 0;
    const now = due ? await judge(nextParams) : null;
    if (now !== null && options.kl !== undefined && now.kl !== null && now.kl > options.kl) {
      disposeOld(nextParams, nextOptimizer);
      return result('kl_guard', step, `Training ended after step ${step}: the next checked step had KL(pi||pi0) ${now.kl.toFixed(3)} nats on held-out rounds, above ${options.kl}.`);
    }
    if (params !== options.params) dispose(params);
    if (optimizer !== resume?.optimizer) dispose([optimizer.firstMoment, optimizer.secondMoment]);
    params = nextParams;
    optimizer = nextOptimizer;
    figures = now ?? figures;
    report({
      step: step + 1,
      objective: value,
      gradient_norm: norm,
      learning_rate: rate(step + 1),
      ...(now !== null && { held_out: heldOutRecord(now), alarms: start === null ? [] : alarms(start, now) }),
    });
    // lets timers, signals and progress bars run
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
  return result('done', steps, `Training ended after ${steps} steps.`);
}

/** log pi_k of a batch's responses: the constant at which this step's bound is tight. */
function stepAnchor<P extends Tree>(family: PolicyFamily<P>, params: P, batch: Batch): Tensor {
  return ownedScope(() => {
    const policy: Policy = family.bind(params);
    return stopGradient(policy.logProb(batch.prompts, batch.responses));
  });
}

/** Rounds of a batch: without replacement, or, by prompt, as many draws from the rounds of each drawn round's prompt. */
function batchDrawer(rows: EvaluationRows, size: number, promptsPerBatch: number | undefined): (random: Random) => Batch {
  const n = rows.roundIndex.length;
  if (promptsPerBatch === undefined) return (random) => batchOf(rows, permutation(random, n).subarray(0, Math.min(size, n)));
  const { positionOf } = distinctPrompts(Array.from(rows.roundIndex, (i) => rows.log.prompts[i]));
  const roundsOf = new Map<number, number[]>();
  positionOf.forEach((p, i) => void (roundsOf.get(p)?.push(i) ?? roundsOf.set(p, [i])));
  const each = Math.max(1, Math.round(size / promptsPerBatch));
  return (random) =>
    batchOf(
      rows,
      Array.from({ length: promptsPerBatch }, () => {
        const same = roundsOf.get(positionOf[uniformInt(random, n)])!;
        return Array.from({ length: each }, () => same[uniformInt(random, same.length)]);
      }).flat(),
    );
}

function disposeOld(params: Tree, optimizer: OptimizerState): void {
  dispose(params);
  dispose([optimizer.firstMoment, optimizer.secondMoment]);
}

const heldOutRecord = (f: HeldOutFigures): HeldOutRecord => ({
  utility: f.utility,
  utility_error: f.utilityError,
  diversity: f.diversity,
  effective_sample_size: f.effectiveSampleSize,
  mean_weight: f.meanWeight,
  kl: f.kl,
  text_loss: f.textLoss,
});

function check<P extends Tree>(options: TrainOptions<P>): void {
  assertOneOf('objective', options.objective, objectives);
  assertOneOf('diversity', options.diversity, trainableDiversities);
  assertRange('tau', options.tau, 0, 1e6);
  assertInteger('steps', options.steps, 1);
  assertInteger('batch', options.batch, 1);
  assertInteger('promptsPerBatch', options.promptsPerBatch ?? 1, 1);
  assertInteger('innerSteps', options.innerSteps ?? 2, 1);
  if (!(options.learningRate > 0 && options.learningRate < 1e3)) throw invalid('learningRate', options.learningRate, 'a number above 0');
  if (options.clip !== undefined && !(options.clip > 0)) throw invalid('clip', options.clip, 'a number above 0');
  if (leavesOf(options.params).length === 0) throw new PopeError('params holds no tensor; expected the parameters to train.', { argument: 'params' });
  const bounded = options.objective === 'pope' || options.objective === 'utility' || options.objective === 'reward-weighted';
  const lowest = options.rows.utility.reduce((least, u) => Math.min(least, u), Infinity);
  if (bounded && lowest < (options.rewardFloor ?? 0)) {
    throw invalid('rewardFloor', options.rewardFloor ?? 0, `at most the smallest utility, ${lowest}`, 'The lower bound (T7) holds for rewards that are at least 0 after the floor is taken off.');
  }
}

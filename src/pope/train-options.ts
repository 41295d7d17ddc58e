import type { OptimizerState } from '../nn/index.js';
import type { PolicyFamily } from '../ope/index.js';
import type { Tree } from '../tensor/index.js';
import type { Alarm, HeldOutFigures } from './alarms.js';
import type { EvaluationRows } from './evaluation-rows.js';
import type { ObjectiveOptions } from './objective.js';

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
  /**
   * Guard: training ends with the last parameters whose held-out estimate of KL(pi||pi0) is at most this, in nats. It is
   * looked at after every step, so that the guard costs a pass over the held-out rounds a step. Default none.
   */
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
  /** Continues a run that was cut: what `TrainResult.state` was then; `params` are those of its result. */
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
  readonly effective_sample_size: number | null;
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

export type StopReason = 'done' | 'aborted' | 'kl_guard' | 'diverged';

export interface TrainResult<P extends Tree> {
  /** Held-out figures of the last record that has them. */
  readonly figures: HeldOutFigures | null;
  /** The last good parameters: those after step `state.step`. */
  readonly params: P;
  readonly state: TrainState<P>;
  readonly records: readonly StepRecord[];
  /** `step` is that of the parameters. */
  readonly stopped: { readonly reason: StopReason; readonly step: number; readonly message: string };
}

export const heldOutRecord = (f: HeldOutFigures): HeldOutRecord => ({
  utility: f.utility,
  utility_error: f.utilityError,
  diversity: f.diversity,
  effective_sample_size: f.effectiveSampleSize,
  mean_weight: f.meanWeight,
  kl: f.kl,
  text_loss: f.textLoss,
});

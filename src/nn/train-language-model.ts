import { valueAndGrad } from '../autograd/index.js';
import { backendOf, tensor } from '../backend/index.js';
import { crossEntropy } from '../ops/index.js';
import { type Random, uniformInt } from '../random/index.js';
import { dispose, scope, type Tensor } from '../tensor/index.js';
import { assertInteger, invalid, PopeError } from '../util/index.js';
import { type AdamwStepOptions, adamwInit, adamwStep, type OptimizerState } from './adamw.js';
import { clipGradient } from './clip-gradient.js';
import { type GptParams, gptLogits } from './gpt.js';
import { assertGptConfig, type GptConfig } from './gpt-config.js';
import type { Schedule } from './schedule.js';

/** What happened in one step; `params` and `state` are those after it, valid until the next. */
export interface StepReport {
  readonly step: number;
  /** Mean negative log-probability a token of the step's batch, in nats, before the update. */
  readonly loss: number;
  /** Norm of the gradient before clipping. */
  readonly norm: number;
  readonly learningRate: number;
  readonly params: GptParams;
  readonly state: OptimizerState<GptParams>;
}

export interface TrainLanguageModelOptions extends Omit<AdamwStepOptions, 'learningRate'> {
  /** Where to start; not freed. */
  readonly params: GptParams;
  readonly config: GptConfig;
  /** The text as token ids, at least `length` + 1. */
  readonly data: Int32Array;
  /** Steps in all, those behind `state` included. */
  readonly steps: number;
  /** Windows a step, at least 1. */
  readonly batch: number;
  /** Tokens a window, from 1 to `blockSize`, the default. */
  readonly length?: number;
  readonly schedule: Schedule;
  /** The gradient's largest norm; default 1. */
  readonly maxNorm?: number;
  /** Draws windows and dropout: its state at step k, with `params` and `state`, resumes a run bit for bit. */
  readonly random: Random;
  /** Awaited after every step. */
  readonly onStep?: (report: StepReport) => void | Promise<void>;
  /** An AbortSignal, looked at after every step. */
  readonly signal?: { readonly aborted: boolean } | undefined;
  /** The optimizer's state to go on from; not freed. */
  readonly state?: OptimizerState<GptParams>;
}

/**
 * Next-token training on a text: AdamW on windows drawn uniformly. Returns early where `signal` was aborted.
 * @throws PopeError at the step whose loss or gradient is not finite, before it changes the parameters.
 */
export async function trainLanguageModel(
  options: TrainLanguageModelOptions,
): Promise<{ params: GptParams; state: OptimizerState<GptParams>; step: number }> {
  const {
    config,
    data,
    steps,
    batch,
    length = config.blockSize,
    schedule,
    maxNorm = 1,
    random,
    onStep,
    signal,
  } = options;
  assertGptConfig(config);
  assertInteger('steps', steps, 0);
  assertInteger('batch', batch, 1);
  assertInteger('length', length, 1, config.blockSize);
  if (data.length < length + 1)
    throw invalid('data', `${data.length} tokens`, `at least length + 1 = ${length + 1} tokens`);
  const backend = backendOf(options.params.wte.weight);
  const lossAndGradient = valueAndGrad((params: GptParams, tokens: Tensor, targets: Tensor) =>
    crossEntropy(gptLogits(params, config, tokens, { random }), targets),
  );

  let params = options.params;
  let state = options.state ?? adamwInit(params);
  while (state.step < steps && signal?.aborted !== true) {
    const step = state.step + 1;
    const learningRate = schedule(step);
    const windows = drawWindows(data, batch, length, random);
    const next = scope(() => {
      const tokens = tensor(windows.tokens, { shape: [batch, length], backend });
      const targets = tensor(windows.targets, { shape: [batch, length], backend });
      const { value, gradient } = lossAndGradient(params, tokens, targets);
      const clipped = clipGradient(gradient, maxNorm);
      return {
        loss: value,
        norm: clipped.norm,
        ...adamwStep(params, clipped.gradient, state, { ...options, learningRate }),
      };
    });
    const [loss, norm] = [(await next.loss.data())[0]!, (await next.norm.data())[0]!];
    dispose([next.loss, next.norm]);
    if (!Number.isFinite(loss) || !Number.isFinite(norm)) {
      throw new PopeError(
        `training diverged at step ${step}: the loss is ${loss} and the norm of its gradient ${norm}; expected finite numbers. Lower the learning rate (${learningRate}) or clip harder.`,
        { argument: 'schedule', got: loss, expected: 'a finite loss', code: 'diverged' },
      );
    }
    if (params !== options.params) dispose(params);
    if (state !== options.state) dispose([state.firstMoment, state.secondMoment]);
    ({ params, state } = next);
    await onStep?.({ step, loss, norm, learningRate, params, state });
  }
  return { params, state, step: state.step };
}

function drawWindows(data: Int32Array, batch: number, length: number, random: Random) {
  const tokens = new Int32Array(batch * length);
  const targets = new Int32Array(batch * length);
  for (let row = 0; row < batch; row++) {
    const start = uniformInt(random, data.length - length);
    tokens.set(data.subarray(start, start + length), row * length);
    targets.set(data.subarray(start + 1, start + 1 + length), row * length);
  }
  return { tokens, targets };
}

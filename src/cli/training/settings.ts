import type { Command } from 'commander';
import type { Objective, Signal, TrainableDiversity } from '../../pope/index.js';
import { PopeError, show } from '../../util/index.js';
import type { TrainCommandOptions } from '../commands/train.js';
import { flagOf, wasGiven } from './start-model.js';

/** All that decides the bytes of a run, as result.json and trainer_state.json hold it. */
export interface TrainSettings {
  readonly objective: Objective;
  readonly diversity: TrainableDiversity;
  readonly signals: readonly Signal[];
  readonly tau: number;
  readonly steps: number;
  /** Steps of imitation of the log before. */
  readonly imitate: number;
  readonly learning_rate: number;
  readonly batch: number;
  readonly prompts_per_batch: number | null;
  readonly folds: number;
  readonly clip: number | null;
  readonly kl: number | null;
  readonly reward_floor: number;
  readonly beta: number;
  readonly val_fraction: number;
  readonly log_every: number;
  readonly length_exponent: number;
  readonly score_scale: number;
  readonly seed: number;
  readonly log_sha256: string;
  readonly candidates_sha256: string | null;
  readonly general_text_sha256: string | null;
}

export type InputHashes = Pick<TrainSettings, 'log_sha256' | 'candidates_sha256' | 'general_text_sha256'>;

/** The settings of a new run. `signals` is empty where the objective reads no feedback. */
export function settingsOf(
  options: TrainCommandOptions,
  signals: readonly Signal[],
  model: { readonly isNew: boolean; readonly score: { readonly lengthExponent: number; readonly scoreScale: number } },
  hashes: InputHashes,
): TrainSettings {
  return {
    objective: options.objective,
    diversity: options.diversity,
    signals,
    tau: options.tau,
    steps: options.steps,
    // a new model says what is in no log: weights near 0 teach it nothing, so that it imitates first
    imitate: options.imitate ?? (model.isNew && options.objective !== 'sft' ? options.steps : 0),
    learning_rate: options.lr,
    batch: options.batch,
    prompts_per_batch: options.promptsPerBatch ?? null,
    folds: options.folds,
    clip: options.clip ?? null,
    kl: options.kl ?? null,
    reward_floor: options.rewardFloor,
    beta: options.beta,
    val_fraction: options.valFraction,
    log_every: options.logEvery,
    length_exponent: model.score.lengthExponent,
    score_scale: model.score.scoreScale,
    seed: options.seed,
    ...hashes,
  };
}

const keyOf: Readonly<Record<string, keyof TrainSettings>> = {
  objective: 'objective',
  diversity: 'diversity',
  signal: 'signals',
  tau: 'tau',
  steps: 'steps',
  imitate: 'imitate',
  lr: 'learning_rate',
  batch: 'batch',
  promptsPerBatch: 'prompts_per_batch',
  folds: 'folds',
  clip: 'clip',
  kl: 'kl',
  rewardFloor: 'reward_floor',
  beta: 'beta',
  valFraction: 'val_fraction',
  logEvery: 'log_every',
  lengthExponent: 'length_exponent',
  scoreScale: 'score_scale',
  seed: 'seed',
};

/**
 * The settings of a run that is resumed are its own; options that are given again must agree, and so must the inputs.
 * @throws PopeError naming the first that does not.
 */
export function resumedSettings(
  stored: TrainSettings,
  options: TrainCommandOptions,
  hashes: InputHashes,
  command: Command,
): TrainSettings {
  for (const [attribute, key] of Object.entries(keyOf)) {
    const got = options[attribute as keyof TrainCommandOptions];
    if (!wasGiven(command, attribute) || JSON.stringify(got) === JSON.stringify(stored[key])) continue;
    const flag = flagOf(command, attribute);
    throw new PopeError(
      `${flag} is ${show(got)}, and the run to resume has ${show(stored[key])}; expected the same, or no ${flag}. For a run with other options start from this one with --init.`,
      {
        argument: flag,
      },
    );
  }
  const inputs = {
    log_sha256: 'the log',
    candidates_sha256: 'the file of --candidates',
    general_text_sha256: 'the file of --general-text',
  };
  for (const [key, name] of Object.entries(inputs) as [keyof InputHashes, string][]) {
    if (hashes[key] === stored[key]) continue;
    throw new PopeError(
      `${name} is not that of the run to resume (sha256 ${hashes[key] ?? 'none'}, there ${stored[key] ?? 'none'}); expected the same inputs.`,
      {
        argument: '--resume',
      },
    );
  }
  return stored;
}

import type { Command } from 'commander';
import { type BackendName, backendNames } from '../backend-option.js';
import { choiceOption, integerOption, numberOption } from '../options.js';

/** How a model is fitted or trained, whatever the objective. */
export interface StepOptions {
  readonly init?: string;
  readonly steps: number;
  readonly lr: number;
  readonly batch: number;
  readonly promptsPerBatch?: number;
  readonly folds: number;
  readonly candidates?: string;
  readonly lengthExponent?: number;
  readonly scoreScale?: number;
  readonly onError: 'stop' | 'skip';
  readonly backend?: BackendName;
}

/** Adds the options that `fit` and `train` share. */
export function withStepOptions(command: Command): Command {
  return command
    .option('--init <dir>', 'start from this checkpoint (default: a new model)')
    .option('--steps <n>', 'steps, each on one batch', integerOption('--steps', 1), 200)
    .option(
      '--lr <rate>',
      'peak learning rate of AdamW; warm-up, then a cosine to a tenth',
      numberOption('--lr', 0, 1000, { above: true, below: true }),
      1e-3,
    )
    .option('--batch <n>', 'rounds a batch', integerOption('--batch', 1), 16)
    .option(
      '--prompts-per-batch <n>',
      'draw a batch from this many prompts only: faster over candidates',
      integerOption('--prompts-per-batch', 1),
    )
    .option('--folds <n>', 'folds of a fit of pi0', integerOption('--folds', 2), 5)
    .option('--candidates <file>', 'JSONL of {"prompt", "candidates"}: the policy is normalised over them')
    .option(
      '--length-exponent <e>',
      'over candidates: a score is divided by its tokens to this power (default: that of --init, else 0)',
      numberOption('--length-exponent'),
    )
    .option(
      '--score-scale <s>',
      'over candidates: multiplies the score (default: that of --init, else 1)',
      numberOption('--score-scale', 0, Infinity, { above: true }),
    )
    .option(
      '--on-error <what>',
      'stop: a bad round refuses the log; skip: it is dropped and counted',
      choiceOption('--on-error', ['stop', 'skip'] as const),
      'stop',
    )
    .option(
      '--backend <name>',
      'where the model computes: wasm, js, gpu (over gpu.js, float32), or auto, the faster of gpu and the default by a measurement (default: wasm where it may run, else js)',
      choiceOption('--backend', backendNames),
    );
}

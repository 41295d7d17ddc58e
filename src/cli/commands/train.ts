import { join } from 'node:path';
import type { Command } from 'commander';
import type { Backend } from '../../backend/index.js';
import { readCandidates, readLog } from '../../data/node.js';
import type { GptConfig } from '../../nn/index.js';
import {
  type Objective,
  objectives,
  type Signal,
  type TrainableDiversity,
  trainableDiversities,
} from '../../pope/index.js';
import { PopeError } from '../../util/index.js';
import { assertNotInput, filesOf, runFiles } from '../assert-not-input.js';
import { openBackend } from '../backend-option.js';
import type { Context } from '../context.js';
import { abortOnInterrupt } from '../interrupt.js';
import { languageFamily, type ModelOptions, withModelOptions } from '../language-model.js';
import { type CommonOptions, choiceOption, common, integerOption, numberOption, repeat } from '../options.js';
import { assertOutFolder } from '../out-folder.js';
import { note, printResult, printWarnings } from '../output.js';
import { createProgress } from '../progress.js';
import { signalOption } from '../signal-option.js';
import { prepareRun } from '../training/prepare-run.js';
import { runTraining } from '../training/run-training.js';
import { policyExtra } from '../training/start-model.js';
import { type StepOptions, withStepOptions } from '../training/step-options.js';
import { heldOutEvaluation, trainResult, trainText } from '../training/train-result.js';
import { writeResult, writeRun } from '../training/training-folder.js';

export interface TrainCommandOptions extends CommonOptions, StepOptions, ModelOptions {
  readonly out: string;
  readonly objective: Objective;
  readonly diversity: TrainableDiversity;
  readonly signal?: readonly Signal[];
  readonly tau: number;
  readonly imitate?: number;
  readonly clip?: number;
  readonly kl?: number;
  readonly rewardFloor: number;
  readonly beta: number;
  readonly valFraction: number;
  readonly logEvery: number;
  readonly generalText?: string;
  readonly resume?: true;
}

/** Adds `pope train`. */
export function registerTrain(program: Command, context: Context): void {
  const above = (name: string) => numberOption(name, 0, Infinity, { above: true });
  const command = program
    .command('train')
    .summary('train a policy from a log, fully offline')
    .description(
      'Trains a language policy from a log with feedback and writes a checkpoint folder. A log without propensities has them fitted first (cross-fitted), and is labelled so. Held-out rounds judge the policy; it never learns from them.',
    )
    .argument('<log>', 'JSONL or CSV, also .gz')
    .requiredOption('--out <dir>', 'folder of the checkpoint, train.jsonl and result.json')
    .option('--objective <name>', objectives.join(', '), choiceOption('--objective', objectives), 'pope')
    .option(
      '--diversity <kind>',
      trainableDiversities.join(', '),
      choiceOption('--diversity', trainableDiversities),
      'anchored',
    )
    .option(
      '--signal <name[:transform[:weight]]>',
      'a feedback signal, repeatable; transform: identity, log1p, rank, share (default: the only one of the log)',
      repeat(signalOption),
    )
    .option('--tau <t>', 'weight of the diversity in the value', numberOption('--tau', 0, 1e6), 1)
    .option(
      '--imitate <n>',
      'steps that imitate the log first (default: --steps for a new model, else 0)',
      integerOption('--imitate', 0),
    )
    .option('--clip <m>', "weights of a step's anchor are min(rho, M)", above('--clip'))
    .option('--kl <nats>', 'end before the held-out KL to the logging policy exceeds this', numberOption('--kl', 0))
    .option(
      '--reward-floor <c>',
      'at most the smallest utility; taken off before the bound',
      numberOption('--reward-floor'),
      0,
    )
    .option('--beta <b>', 'sharpness of dpo', above('--beta'), 0.1)
    .option(
      '--val-fraction <f>',
      'share of rounds held out; 0 for none',
      numberOption('--val-fraction', 0, 1, { below: true }),
      0.1,
    )
    .option('--log-every <n>', 'look at held-out rounds every so many steps', integerOption('--log-every', 1), 10)
    .option('--general-text <file>', 'text whose loss watches general ability (default: responses of held-out rounds)')
    .option('--resume', 'go on with the run in --out, with its own options')
    .action((log: string, options: TrainCommandOptions) => trainCommand(log, options, context, command));
  common(withModelOptions(withStepOptions(command)), [
    'pope train log.jsonl --out runs/new',
    'pope train log.jsonl --out runs/dpo --init runs/pi0 --objective dpo --signal upvotes --steps 500',
    'pope train log.jsonl --out runs/new --candidates candidates.jsonl --diversity coverage --tau 0.5',
    'pope train log.jsonl --out runs/new --resume',
  ]);
}

async function trainCommand(
  path: string,
  options: TrainCommandOptions,
  context: Context,
  command: Command,
): Promise<void> {
  await assertOutFolder(options.out);
  await assertNotInput(filesOf(options.out, runFiles), [path, options.candidates, options.generalText]);
  if (options.diversity === 'coverage' && options.candidates === undefined) {
    throw new PopeError(
      '--diversity coverage needs a finite response space; expected --candidates FILE with an opinion on every candidate.',
      {
        argument: '--diversity',
      },
    );
  }
  const progress = createProgress(context.io.stderr, { quiet: options.quiet === true });
  const candidates = options.candidates === undefined ? undefined : await readCandidates(options.candidates);
  let hash = '';
  const log = await readLog(path, { onError: options.onError, candidates, onHash: (sha256) => void (hash = sha256) });
  const interrupt = abortOnInterrupt();
  let closeBackend = async (): Promise<void> => undefined;
  try {
    const say = (text: string): void => note(context, options, text);
    const place = async ({ blockSize, nEmbd }: GptConfig): Promise<Backend> => {
      const opened = await openBackend(options.backend, { rows: options.batch * blockSize, width: nEmbd }, say);
      closeBackend = opened.close;
      return opened.backend;
    };
    const ready = await prepareRun({
      path,
      log,
      hash,
      candidates,
      options,
      command,
      progress,
      signal: interrupt.signal,
      place,
      say,
    });
    const { settings, model, warnings, saved } = ready;
    const family = languageFamily(model, candidates, {
      lengthExponent: settings.length_exponent,
      scoreScale: settings.score_scale,
    });
    const run = await runTraining({ ...ready, family, candidates, saved, progress, signal: interrupt.signal });
    const { reason, message } = run.stopped;
    const failed = reason === 'aborted' || reason === 'diverged';
    const extra = policyExtra(candidates, {
      lengthExponent: settings.length_exponent,
      scoreScale: settings.score_scale,
    });
    const parts = {
      propensity: ready.propensity,
      rounds: {
        train: ready.rows.roundIndex.length,
        held_out: ready.heldOut?.roundIndex.length ?? 0,
        skipped: log.skipped,
      },
      warnings,
    };
    // whatever the evaluation comes to, the run is kept
    await writeRun(options.out, run, extra);
    let result = trainResult(run, { ...parts, evaluation: null });
    await writeResult(options.out, result);
    if (!failed && ready.heldOutLog?.logPropensity != null && settings.signals.length > 0) {
      const evaluation = await heldOutEvaluation(run, extra, ready.heldOutLog, candidates, progress);
      result = trainResult(run, { ...parts, evaluation });
      await writeResult(options.out, result);
    }
    for (const alarm of result.alarms) say(`alarm (${alarm.code}): ${alarm.message}`);
    if (failed) {
      const where = run.phase === 'imitate' ? ' (of the imitation)' : '';
      const next = reason === 'aborted' ? ' Go on with --resume.' : '';
      throw new PopeError(
        `${message.replace(/\.$/, '')}${where}. The checkpoint in ${options.out} is that of step ${run.stopped.step}.${next}`,
        { code: reason },
      );
    }
    if (reason === 'kl_guard') say(message);
    printResult(context, options, result, () => trainText(result, join(options.out)));
    printWarnings(context, options, result.warnings);
  } finally {
    progress.stop();
    interrupt.release();
    await closeBackend();
  }
}

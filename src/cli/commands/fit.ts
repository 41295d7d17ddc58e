import { join } from 'node:path';
import type { Command } from 'commander';
import { moveTo } from '../../backend/index.js';
import { jsonlText } from '../../data/index.js';
import { readCandidates, readLog, writeFileAtomic } from '../../data/node.js';
import { parameterCount } from '../../nn/index.js';
import { fitLogging } from '../../pope/index.js';
import { formatCount, formatNumber } from '../../report/index.js';
import { invalid, PopeError } from '../../util/index.js';
import { version } from '../../version.js';
import { assertNotInput, filesOf, runFiles } from '../assert-not-input.js';
import { openBackend } from '../backend-option.js';
import { writeCheckpoint } from '../checkpoint-folder.js';
import type { Context } from '../context.js';
import { abortOnInterrupt } from '../interrupt.js';
import { languageFamily, type ModelOptions, withModelOptions } from '../language-model.js';
import { type CommonOptions, common } from '../options.js';
import { assertOutFolder } from '../out-folder.js';
import { note, printResult, printWarnings } from '../output.js';
import { scorePolicy } from '../policy-folder.js';
import { createProgress } from '../progress.js';
import { fitOptions, writeFittedLog } from '../training/fitted-log.js';
import { policyExtra, startModel } from '../training/start-model.js';
import { type StepOptions, withStepOptions } from '../training/step-options.js';
import { writeResult } from '../training/training-folder.js';

interface FitCommandOptions extends CommonOptions, StepOptions, ModelOptions {
  readonly out: string;
}

/** Adds `pope fit`. */
export function registerFit(program: Command, context: Context): void {
  const command = program
    .command('fit')
    .summary('fit the logging policy of a log without propensities')
    .description(
      'Fits pi0 by maximum likelihood. It is cross-fitted: no round is scored by a model that saw it, or its cluster. Writes a checkpoint (fitted on all rounds) and log.jsonl, the log with log_propensity filled in and labelled fitted.',
    )
    .argument('<log>', 'JSONL or CSV, also .gz')
    .requiredOption('--out <dir>', 'folder of the checkpoint, log.jsonl, train.jsonl and result.json')
    .action((log: string, options: FitCommandOptions) => fitCommand(log, options, context, command));
  common(withModelOptions(withStepOptions(command)), [
    'pope fit log.jsonl --out runs/pi0 && pope evaluate runs/pi0/log.jsonl --target new=runs/new',
    'pope fit log.jsonl --out runs/pi0 --candidates candidates.jsonl --folds 10 --steps 400',
  ]);
}

async function fitCommand(path: string, options: FitCommandOptions, context: Context, command: Command): Promise<void> {
  await assertOutFolder(options.out);
  if (path === '-') throw invalid('LOG', path, 'a file, since it is read twice');
  await assertNotInput(filesOf(options.out, ['log.jsonl', ...runFiles]), [path, options.candidates]);
  const progress = createProgress(context.io.stderr, { quiet: options.quiet === true });
  const candidates = options.candidates === undefined ? undefined : await readCandidates(options.candidates);
  let hash = '';
  const log = await readLog(path, { onError: options.onError, candidates, onHash: (sha256) => void (hash = sha256) });
  if (log.propensity === 'logged') {
    throw new PopeError(
      `${path} has propensities already; expected a log without, since logged ones are better than fitted ones.`,
      {
        code: 'bad_log',
        file: path,
      },
    );
  }
  const interrupt = abortOnInterrupt();
  let closeBackend = async (): Promise<void> => undefined;
  try {
    const start = await startModel(log, candidates, options, command);
    const { config, tokenizer, score } = start;
    const size = { rows: options.batch * config.blockSize, width: config.nEmbd };
    const place = await openBackend(options.backend, size, (text) => note(context, options, text));
    closeBackend = place.close;
    const model = { ...start, params: await moveTo(start.params, place.backend) };
    note(
      context,
      options,
      `fitting ${options.folds} folds and the whole: ${formatCount(parameterCount(config))} parameters, ${tokenizer.vocabSize} ${tokenizer.kind} tokens, context ${config.blockSize}`,
    );
    progress.start('fitting pi0', (options.folds + 1) * options.steps);
    const fit = await fitLogging(
      fitOptions(log, model, languageFamily(model, candidates, score), {
        steps: options.steps,
        batch: options.batch,
        promptsPerBatch: options.promptsPerBatch,
        learningRate: options.lr,
        folds: options.folds,
        seed: options.seed,
        signal: interrupt.signal,
        onStep: (done) => progress.at(done),
      }),
    );
    progress.stop();
    const extra = policyExtra(candidates, score);
    const checkpoint = { config, tokenizer, params: fit.model.params, extra: { ...extra, fitted: 'pi0' } };
    const own = await scorePolicy({ checkpoint, candidates: candidates ?? null }, log, { label: 'scoring', progress });
    const result = {
      version,
      log: {
        rounds: log.rounds,
        responses: log.responseCount,
        skipped: log.skipped,
        sha256: hash,
        propensity: 'fitted' as const,
      },
      settings: {
        init: options.init ?? null,
        folds: options.folds,
        steps: options.steps,
        learning_rate: options.lr,
        batch: options.batch,
        prompts_per_batch: options.promptsPerBatch ?? null,
        length_exponent: score.lengthExponent,
        score_scale: score.scoreScale,
        seed: options.seed,
      },
      mean_log_propensity: mean(fit.logPropensity),
      mean_log_prob_in_sample: mean(own.logProb),
    };
    await writeFittedLog(path, join(options.out, 'log.jsonl'), log, fit.logPropensity);
    await writeCheckpoint(options.out, checkpoint);
    await writeFileAtomic(join(options.out, 'train.jsonl'), jsonlText(fit.model.records));
    await writeResult(options.out, result);
    printResult(context, options, result, () =>
      [
        `${formatCount(log.responseCount)} responses of ${formatCount(log.rounds)} rounds: mean log-propensity ${formatNumber(result.mean_log_propensity, 4)} nats, cross-fitted in ${options.folds} folds (${formatNumber(result.mean_log_prob_in_sample, 4)} by the model that saw them)`,
        `wrote ${options.out}; evaluate ${join(options.out, 'log.jsonl')}, labelled fitted`,
      ].join('\n'),
    );
    printWarnings(context, options, log.warnings);
  } finally {
    progress.stop();
    interrupt.release();
    await closeBackend();
  }
}

const mean = (values: Float64Array): number => values.reduce((sum, value) => sum + value, 0) / values.length;

import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Command } from 'commander';
import { type Backend, moveTo } from '../../backend/index.js';
import { type Candidates, splitLog } from '../../data/index.js';
import { hashFile, readLog, readText } from '../../data/node.js';
import { type GptConfig, parameterCount } from '../../nn/index.js';
import type { Log, Warning } from '../../ope/index.js';
import { crossFit, type EvaluationRows, evaluationRows, isLocal, needsAnchor, type Signal } from '../../pope/index.js';
import { seededRandom } from '../../random/index.js';
import { formatCount } from '../../report/index.js';
import { invalid, PopeError } from '../../util/index.js';
import { assertNotInput } from '../assert-not-input.js';
import type { TrainCommandOptions } from '../commands/train.js';
import { type LanguageModel, languageFamily, textLossOf } from '../language-model.js';
import type { Progress } from '../progress.js';
import { signalsOf } from '../signal-option.js';
import { fitOptions, writeFittedLog } from './fitted-log.js';
import type { RunInput } from './run-training.js';
import { resumedSettings, settingsOf, type TrainSettings } from './settings.js';
import { refuseModelOptions, startModel, wasGiven } from './start-model.js';
import { readRun, type SavedRun } from './training-folder.js';

export interface PrepareInput {
  readonly path: string;
  readonly log: Log;
  readonly hash: string;
  readonly candidates: Candidates | undefined;
  readonly options: TrainCommandOptions;
  readonly command: Command;
  readonly progress: Progress;
  readonly signal: AbortSignal;
  /** Opens the backend that a model of these sizes computes on. */
  readonly place: (config: GptConfig) => Promise<Backend>;
  readonly say: (text: string) => void;
}

export type PreparedRun = Pick<RunInput, 'settings' | 'model' | 'rows' | 'heldOut' | 'textLoss' | 'saved'> & {
  readonly heldOutLog: Log | null;
  readonly propensity: Log['propensity'];
  readonly warnings: readonly Warning[];
};

/** Settings, model, propensities, and the log cut into rounds to learn from and rounds that judge. */
export async function prepareRun(input: PrepareInput): Promise<PreparedRun> {
  const { log: read, options, command, candidates, say } = input;
  const { generalText } = options;
  const hashes = {
    log_sha256: input.hash,
    candidates_sha256: options.candidates === undefined ? null : await hashFile(options.candidates),
    general_text_sha256: generalText === undefined ? null : await hashFile(generalText),
  };
  let saved: SavedRun | undefined;
  let settings: TrainSettings;
  let model: LanguageModel;
  if (options.resume) {
    refuseModelOptions(command, '--resume');
    const stored = await readRun(options.out);
    settings = resumedSettings(stored.settings, options, hashes, command);
    const backend = await input.place(stored.model.config);
    const { params } = await moveTo({ params: stored.model.params }, backend);
    const { firstMoment, secondMoment } = stored.state.optimizer;
    const moments = await moveTo({ firstMoment, secondMoment }, backend);
    model = { ...stored.model, params };
    saved = { ...stored, model, state: { ...stored.state, optimizer: { ...stored.state.optimizer, ...moments } } };
    say(`going on after step ${saved.state.step}${saved.phase === 'imitate' ? ' of the imitation' : ''}`);
  } else {
    const signals = signalsFor(read, options);
    const start = await startModel(read, candidates, options, command);
    settings = settingsOf(options, signals, start, hashes);
    model = { ...start, params: await moveTo(start.params, await input.place(start.config)) };
    if (!wasGiven(command, 'diversity') && ['pope', 'policy-gradient', 'diversity'].includes(options.objective)) {
      say('diversity: anchored, -log(pi/pi0), the default for text; the paper has surprisal (--diversity surprisal)');
    }
    if (start.isNew) {
      const { config, tokenizer } = start;
      const first = settings.imitate > 0 ? `; it imitates the log for ${settings.imitate} steps first` : '';
      say(
        `a new model: ${formatCount(parameterCount(config))} parameters, ${tokenizer.vocabSize} ${tokenizer.kind} tokens, context ${config.blockSize}${first}`,
      );
    }
  }
  const log = await withPropensities(input, settings, model, saved !== undefined);
  const split =
    settings.val_fraction === 0
      ? { train: log, heldOut: null }
      : splitLog(log, settings.val_fraction, seededRandom(settings.seed));
  const heldOut = split.heldOut === null ? null : rowsOf(split.heldOut, settings.signals);
  const texts =
    generalText === undefined ? [...new Set(split.heldOut?.responses ?? [])] : [await wholeText(generalText)];
  const textLoss = textLossOf(model, texts);
  if (generalText !== undefined && textLoss === undefined)
    throw invalid('--general-text', generalText, 'a file with at least one character');
  return {
    settings,
    model,
    saved,
    rows: rowsOf(split.train, settings.signals),
    heldOut,
    heldOutLog: split.heldOut,
    textLoss,
    propensity: log.propensity,
    warnings: warningsOf(log, settings),
  };
}

/** The signals of the utility; none where nothing reads them. */
function signalsFor(log: Log, { objective, signal }: TrainCommandOptions): readonly Signal[] {
  const optional = objective === 'sft' || objective === 'diversity';
  return optional && signal === undefined && log.feedback.size !== 1 ? [] : signalsOf(log, signal);
}

function rowsOf(log: Log, signals: readonly Signal[]): EvaluationRows {
  if (signals.length > 0) return evaluationRows(log, signals, { withoutPropensity: true });
  const rows = evaluationRows(log, null, { withoutPropensity: true });
  // no signal, no utility: figures of it are then null, not 0
  return { ...rows, utility: rows.utility.fill(Number.NaN) };
}

/** The log as it is, or with a cross-fitted pi0 where the objective needs one; the fitted log is kept in the folder. */
async function withPropensities(
  input: PrepareInput,
  settings: TrainSettings,
  model: LanguageModel,
  resumed: boolean,
): Promise<Log> {
  const { path, log, candidates, options, progress, say } = input;
  if (log.logPropensity !== null || settings.objective === 'sft') return log;
  if (path === '-') {
    throw new PopeError(
      'the log has no propensities, and standard input can be read only once; expected a file, or a log that pope fit wrote.',
      {
        argument: 'LOG',
      },
    );
  }
  const out = join(options.out, 'log.jsonl');
  if (!resumed) await assertNotInput({ '--out (log.jsonl)': out }, [path, options.candidates]);
  if (resumed && (await stat(out).catch(() => null)) !== null) return readLog(out, { candidates });
  say(
    `the log has no propensities: fitting the logging policy first, cross-fitted in ${settings.folds} folds; all that follows is labelled fitted`,
  );
  const steps = settings.imitate || settings.steps;
  const score = { lengthExponent: settings.length_exponent, scoreScale: settings.score_scale };
  progress.start('fitting pi0', settings.folds * steps);
  const logPropensity = await crossFit(
    fitOptions(log, model, languageFamily(model, candidates, score), {
      steps,
      batch: settings.batch,
      promptsPerBatch: settings.prompts_per_batch ?? undefined,
      learningRate: settings.learning_rate,
      folds: settings.folds,
      seed: settings.seed,
      signal: input.signal,
      onStep: (done) => progress.at(done),
    }),
  );
  progress.stop();
  return writeFittedLog(path, out, log, logPropensity);
}

function warningsOf(log: Log, { signals, objective, val_fraction }: TrainSettings): Warning[] {
  const found = [...log.warnings];
  if (log.propensity === 'fitted') {
    found.push({
      code: 'estimated_propensity',
      message: 'The propensities were fitted, not logged: weights and intervals do not include the error of that fit.',
    });
  }
  if (signals.length > 0 && !isLocal(signals) && needsAnchor(objective)) {
    found.push({
      code: 'slate_signal',
      message:
        'rank and share depend on the whole slate, and training weighs each response alone: the objective is biased (T1b).',
    });
  }
  if (val_fraction === 0)
    found.push({
      code: 'no_held_out',
      message: 'No rounds are held out: nothing judges the policy, and no alarm can sound.',
    });
  return found;
}

async function wholeText(path: string): Promise<string> {
  let text = '';
  for await (const chunk of readText(path)) text += chunk;
  return text;
}

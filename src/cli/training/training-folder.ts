import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { jsonlText, jsonText } from '../../data/index.js';
import { writeFileAtomic } from '../../data/node.js';
import type { GptParams } from '../../nn/index.js';
import type { HeldOutFigures, StepRecord, TrainState } from '../../pope/index.js';
import { randomState, restoreRandom } from '../../random/index.js';
import { PopeError } from '../../util/index.js';
import { writeCheckpoint } from '../checkpoint-folder.js';
import type { LanguageModel } from '../language-model.js';
import { readCheckpoint } from '../policy-folder.js';
import type { TrainSettings } from './settings.js';

export type Phase = 'imitate' | 'train';
/** One line of train.jsonl. */
export type PhaseRecord = StepRecord & { readonly phase: Phase };

/** A run as a folder keeps it. */
export interface SavedRun {
  readonly model: LanguageModel;
  readonly phase: Phase;
  readonly state: TrainState<GptParams>;
  readonly settings: TrainSettings;
  readonly records: readonly PhaseRecord[];
}

/** Writes checkpoint and train.jsonl, each file whole or not at all. */
export async function writeRun(
  folder: string,
  { model, phase, state, settings, records }: SavedRun,
  extra: Record<string, unknown>,
): Promise<void> {
  await writeCheckpoint(folder, {
    ...model,
    optimizer: state.optimizer,
    step: state.step,
    random: restoreRandom(state.random),
    extra: { ...extra, phase, start: state.start, settings },
  });
  await writeFileAtomic(join(folder, 'train.jsonl'), jsonlText(records));
}

/** @throws PopeError where it cannot be written. */
export const writeResult = (folder: string, result: unknown): Promise<void> =>
  writeFileAtomic(join(folder, 'result.json'), `${jsonText(result, 2)}\n`);

/** Reads a run back to go on with it. @throws PopeError where the folder holds none, or it is damaged or done. */
export async function readRun(folder: string): Promise<SavedRun> {
  const { config, params, tokenizer, optimizer, random, step, extra } = await readCheckpoint(folder, { trainer: true });
  const settings = extra?.['settings'] as TrainSettings | undefined;
  const phase = extra?.['phase'];
  if (
    optimizer === undefined ||
    random === undefined ||
    step === undefined ||
    typeof settings?.steps !== 'number' ||
    (phase !== 'imitate' && phase !== 'train')
  ) {
    throw new PopeError(
      `${folder} holds a checkpoint, but no run of pope train to go on with; expected one, or --init ${folder} to start from it.`,
      {
        code: 'bad_file',
        file: folder,
      },
    );
  }
  if (phase === 'train' && step >= settings.steps) {
    throw new PopeError(
      `the run in ${folder} is done: it took its ${settings.steps} steps; expected one that was stopped. To train on, start from it with --init ${folder}.`,
      {
        argument: '--resume',
      },
    );
  }
  const lines = await readFile(join(folder, 'train.jsonl'), 'utf8').catch(() => '');
  const records = lines.split('\n').flatMap((line) => (line === '' ? [] : [recordOf(line, folder)]));
  return {
    model: { config, params, tokenizer },
    phase,
    state: { step, optimizer, random: randomState(random), start: (extra?.['start'] ?? null) as HeldOutFigures | null },
    settings,
    // a run that ended badly logged a step beyond its last good one
    records: records.filter((record) => (record.phase === phase ? record.step <= step : record.phase === 'imitate')),
  };
}

function recordOf(line: string, folder: string): PhaseRecord {
  try {
    return JSON.parse(line) as PhaseRecord;
  } catch (cause) {
    throw new PopeError(
      `${join(folder, 'train.jsonl')} has a line that is not JSON; expected the file as it was written.`,
      { code: 'bad_file', cause },
    );
  }
}

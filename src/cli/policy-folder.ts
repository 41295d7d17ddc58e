import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Candidates } from '../data/index.js';
import { loadCheckpoint } from '../entry/checkpoint.js';
import { candidatePolicy, gptPolicy } from '../nn/index.js';
import { distinctPrompts, type Log, type Prompt, promptKey, roundOfResponse } from '../ope/index.js';
import type { ScoredPolicy } from '../pope/index.js';
import { dispose, ownedScope } from '../tensor/index.js';
import { PopeError } from '../util/index.js';
import type { Progress } from './progress.js';

export type Checkpoint = ReturnType<typeof loadCheckpoint>;

/** A checkpoint ready to score: over free text, or normalised over the candidates of each prompt. */
export interface LoadedPolicy {
  readonly checkpoint: Checkpoint;
  readonly candidates: Candidates | null;
}

/** The folder's files that make a policy; training writes more, which scoring does not need. */
const FILES = ['config.json', 'model.safetensors', 'tokenizer.json'] as const;
const TRAINER = 'trainer_state.json';
const OPTIMIZER = 'optimizer.safetensors';
/** Responses, or prompts of a candidate policy, in one pass through the model. */
const CHUNK = { responses: 64, prompts: 4 };

export const isFolder = async (path: string): Promise<boolean> =>
  (await stat(path).catch(() => null))?.isDirectory() ?? false;

/**
 * Reads a checkpoint folder; with `trainer` also optimizer and generator, to go on with its training.
 * @throws PopeError naming the file that lacks or is damaged.
 */
export async function readCheckpoint(folder: string, { trainer: whole = false } = {}): Promise<Checkpoint> {
  if (!(await isFolder(folder))) {
    throw new PopeError(`${folder} is no folder; expected a checkpoint folder with ${FILES.join(', ')}.`, {
      code: 'bad_file',
      file: folder,
    });
  }
  const files: Record<string, Uint8Array | string> = {};
  for (const name of FILES) {
    const bytes = await readFile(join(folder, name)).catch(() => null);
    if (bytes === null) {
      throw new PopeError(`${folder} has no readable ${name}; expected a checkpoint folder with ${FILES.join(', ')}.`, {
        code: 'bad_file',
        file: folder,
      });
    }
    files[name] = name.endsWith('.json') ? bytes.toString('utf8') : new Uint8Array(bytes);
  }
  const trainer = await readFile(join(folder, TRAINER), 'utf8').catch(() => null);
  if (trainer !== null) files[TRAINER] = whole ? trainer : withoutOptimizer(trainer);
  if (whole) {
    const moments = await readFile(join(folder, OPTIMIZER)).catch(() => null);
    if (moments !== null) files[OPTIMIZER] = new Uint8Array(moments);
  }
  return loadCheckpoint(files);
}

/** What the trainer says about the policy, without the optimizer, whose file is large and not needed here. */
function withoutOptimizer(text: string): string {
  try {
    const { optimizer_step: _step, random_state: _state, ...rest } = JSON.parse(text) as Record<string, unknown>;
    return JSON.stringify(rest);
  } catch {
    return text;
  }
}

/**
 * The policy of a checkpoint folder: over candidates where they are given or the checkpoint was trained so.
 * @throws PopeError where the checkpoint needs candidates and none were given.
 */
export async function loadPolicy(folder: string, candidates: Candidates | undefined): Promise<LoadedPolicy> {
  const checkpoint = await readCheckpoint(folder);
  if (candidates === undefined && isOverCandidates(checkpoint)) {
    throw new PopeError(
      `the policy of ${folder} was trained over candidates; expected --candidates FILE with those of every prompt of the log.`,
      {
        argument: '--candidates',
      },
    );
  }
  return { checkpoint, candidates: candidates ?? null };
}

/** Does the checkpoint say that its policy is normalised over candidates? */
export const isOverCandidates = ({ extra }: Checkpoint): boolean => extra?.['policy'] === 'candidates';

/** What a text model is shown of a prompt: the text itself, or a feature record as JSON with sorted keys. */
export const promptText = (prompt: Prompt): string => promptKey(prompt);

/**
 * log pi(y|x) of all responses of the log in nats, at most 0; over candidates also that of each response's own class,
 * exact, where every candidate has an opinion.
 */
export async function scorePolicy(
  policy: LoadedPolicy,
  log: Log,
  { label, progress }: { readonly label: string; readonly progress: Progress },
): Promise<ScoredPolicy> {
  const scored = await (policy.candidates === null
    ? scoreText(policy, log, label, progress)
    : scoreCandidates(policy, policy.candidates, log, label, progress));
  progress.stop();
  const bad = scored.logProb.findIndex((value) => Number.isNaN(value));
  if (bad >= 0)
    throw new PopeError(
      `${label}: the model's log-probability of response ${JSON.stringify(log.responses[bad])} is NaN; expected a checkpoint with finite weights.`,
    );
  return scored;
}

async function scoreText(
  { checkpoint }: LoadedPolicy,
  log: Log,
  label: string,
  progress: Progress,
): Promise<ScoredPolicy> {
  const policy = gptPolicy(checkpoint.config, checkpoint.tokenizer).bind(checkpoint.params);
  const prompts = Array.from({ length: log.rounds }, (_, i) => promptText(log.prompts[i]));
  const roundOf = roundOfResponse(log);
  // Neighbours in length share a batch, so that little of it is padding.
  const size = (j: number): number => prompts[roundOf[j]].length + log.responses[j].length;
  const order = Array.from(roundOf.keys()).sort((a, b) => size(a) - size(b) || a - b);
  const logProb = new Float64Array(log.responseCount);
  progress.start(label, order.length);
  for (let from = 0; from < order.length; from += CHUNK.responses) {
    const chunk = order.slice(from, from + CHUNK.responses);
    const scored = ownedScope(() =>
      policy.logProb(
        chunk.map((j) => prompts[roundOf[j]]),
        chunk.map((j) => log.responses[j]),
      ),
    );
    const found = await scored.data();
    dispose(scored);
    chunk.forEach((j, k) => {
      logProb[j] = Math.min(0, found[k]);
    });
    progress.at(from + chunk.length);
  }
  return { logProb };
}

async function scoreCandidates(
  { checkpoint }: LoadedPolicy,
  candidates: Candidates,
  log: Log,
  label: string,
  progress: Progress,
): Promise<ScoredPolicy> {
  const textsOf = new Map([...candidates].map(([key, space]) => [key, space.map(({ text }) => text)]));
  const policy = candidatePolicy(
    checkpoint.config,
    checkpoint.tokenizer,
    (prompt) => textsOf.get(prompt) ?? [],
    scoreOptions(checkpoint),
  ).bind(checkpoint.params);
  const { distinct, positionOf } = distinctPrompts(log.prompts);
  const keys = distinct.map(promptKey);
  const found: ArrayLike<number>[] = [];
  progress.start(label, keys.length);
  for (let from = 0; from < keys.length; from += CHUNK.prompts) {
    const chunk = keys.slice(from, from + CHUNK.prompts);
    const rows = ownedScope(() => policy.distribution(chunk));
    found.push(...(await Promise.all(rows.map((row) => row.data()))));
    dispose(rows);
    progress.at(from + chunk.length);
  }
  const logProb = new Float64Array(log.responseCount);
  const classLogProb = new Float64Array(log.responseCount);
  for (let i = 0; i < log.rounds; i++) {
    const row = found[positionOf[i]];
    const space = candidates.get(keys[positionOf[i]]) ?? [];
    for (let j = log.offsets[i]; j < log.offsets[i + 1]; j++) {
      const own = space.findIndex(({ text }) => text === log.responses[j]);
      logProb[j] = own < 0 ? Number.NaN : Math.min(0, row[own]);
      const opinion = log.opinions?.[j] ?? space[own]?.opinion;
      classLogProb[j] = Math.min(0, logSum(space.flatMap((c, k) => (c.opinion === opinion ? [row[k]] : []))));
    }
  }
  const classified = [...candidates.values()].every((space) => space.every(({ opinion }) => opinion !== undefined));
  return classified ? { logProb, classLogProb } : { logProb };
}

/** log of the sum of exponentials, relative to the largest: a class of probability exp(-800) is not 0. */
function logSum(logs: readonly number[]): number {
  const top = Math.max(...logs);
  return top === -Infinity ? top : top + Math.log(logs.reduce((sum, l) => sum + Math.exp(l - top), 0));
}

/** How a candidate policy scores, as training wrote it down. */
export function scoreOptions({ extra }: Pick<Checkpoint, 'extra'>): { lengthExponent: number; scoreScale: number } {
  const number = (key: string, otherwise: number): number => {
    const value = extra?.[key];
    return typeof value === 'number' ? value : otherwise;
  };
  return { lengthExponent: number('length_exponent', 0), scoreScale: number('score_scale', 1) };
}

import { type Random, randomState, restoreRandom } from '../random/index.js';
import { namedLeaves, type Tree } from '../tensor/index.js';
import { invalid, PopeError } from '../util/index.js';
import type { OptimizerState } from './adamw.js';
import { configFromJson, configToJson } from './config-json.js';
import type { GptParams } from './gpt.js';
import { assertGptConfig, type GptConfig } from './gpt-config.js';
import { assertFits } from './gpt-policy.js';
import { type LoadOptions, paramsFromTensors } from './params-from-tensors.js';
import { readSafetensors, type StoredTensor, writeSafetensors } from './safetensors.js';
import { type Tokenizer, tokenizerFromJson } from './tokenizer/index.js';

/** The files of a checkpoint folder by name; who has a disk writes them there. */
export type CheckpointFiles = Readonly<Record<string, Uint8Array | string>>;

export interface Checkpoint {
  readonly config: GptConfig;
  readonly params: GptParams;
  readonly tokenizer: Tokenizer;
  /** For resuming a training. */
  readonly optimizer?: OptimizerState<GptParams> | undefined;
  /** Steps taken; default that of the optimizer. */
  readonly step?: number | undefined;
  /** The generator as it stands: with it, a resumed run is bit for bit the run that was never stopped. */
  readonly random?: Random | undefined;
  /** JSON of the trainer's own. */
  readonly extra?: Readonly<Record<string, unknown>> | undefined;
}

/**
 * The files of a checkpoint: model.safetensors (GPT-2's names), config.json (GPT-2's fields), tokenizer.json; and with
 * an optimizer, step, generator or `extra` also trainer_state.json and optimizer.safetensors.
 */
export async function checkpointFiles(checkpoint: Checkpoint): Promise<Record<string, Uint8Array | string>> {
  const { config, params, tokenizer, optimizer, random, extra } = checkpoint;
  assertGptConfig(config);
  assertFits(config, tokenizer);
  const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;
  const files: Record<string, Uint8Array | string> = {
    'model.safetensors': writeSafetensors(await stored(params), { format: 'pt' }),
    'config.json': json(configToJson(config, tokenizer.eosId)),
    'tokenizer.json': json(tokenizer.toJSON()),
  };
  const step = checkpoint.step ?? optimizer?.step;
  if (step === undefined && random === undefined && extra === undefined) return files;
  files['trainer_state.json'] = json({
    step: step ?? 0,
    ...(optimizer === undefined ? {} : { optimizer_step: optimizer.step }),
    ...(random === undefined ? {} : { random_state: randomState(random) }),
    ...(extra === undefined ? {} : { extra }),
  });
  if (optimizer !== undefined) {
    const moments = { first_moment: optimizer.firstMoment, second_moment: optimizer.secondMoment };
    files['optimizer.safetensors'] = writeSafetensors(await stored(moments));
  }
  return files;
}

/**
 * A checkpoint from its files; everything in it is checked. Other files are ignored.
 * @param options.dtype convert parameters and moments to it; default that of the file.
 * @throws PopeError naming file and field for anything that is missing, malformed or does not fit together.
 */
export function loadCheckpoint(files: CheckpointFiles, options: LoadOptions = {}): Checkpoint {
  const config = configFromJson(jsonOf(files, 'config.json'));
  const tokenizer = within('tokenizer.json', () => tokenizerFromJson(jsonOf(files, 'tokenizer.json')));
  if (tokenizer.vocabSize > config.vocabSize) {
    throw new PopeError(
      `tokenizer.json has ${tokenizer.vocabSize} tokens; expected at most vocab_size of config.json, ${config.vocabSize}.`,
      { argument: 'vocab_size', file: 'tokenizer.json' },
    );
  }
  const params = paramsFromTensors(tensorsOf(files, 'model.safetensors'), config, 'model.safetensors', options);
  if (files['trainer_state.json'] === undefined) return { config, params, tokenizer };

  const trainer = jsonOf(files, 'trainer_state.json');
  if (typeof trainer !== 'object' || trainer === null || Array.isArray(trainer))
    throw invalid('trainer_state.json', trainer, 'an object');
  const fields = trainer as Readonly<Record<string, unknown>>;
  const count = (field: string): number => {
    const value = fields[field];
    if (!Number.isSafeInteger(value) || (value as number) < 0)
      throw invalid(`trainer_state.json: ${field}`, value, 'an integer of at least 0');
    return value as number;
  };
  const extra = fields['extra'];
  if (extra !== undefined && (typeof extra !== 'object' || extra === null || Array.isArray(extra))) {
    throw invalid('trainer_state.json: extra', extra, 'an object');
  }
  const state = fields['random_state'];
  let optimizer: OptimizerState<GptParams> | undefined;
  if (fields['optimizer_step'] !== undefined) {
    const file = 'optimizer.safetensors';
    const moments = tensorsOf(files, file);
    const stray = [...moments.keys()].find((name) => !/^(first|second)_moment\./.test(name));
    if (stray !== undefined)
      throw new PopeError(
        `${file}: tensor ${stray} is no moment; expected names that begin with first_moment. or second_moment.`,
        { argument: stray, file },
      );
    optimizer = {
      step: count('optimizer_step'),
      firstMoment: paramsFromTensors(moments, config, file, options, 'first_moment.'),
      secondMoment: paramsFromTensors(moments, config, file, options, 'second_moment.'),
    };
    if (
      leafDType(optimizer.firstMoment) !== leafDType(params) ||
      leafDType(optimizer.secondMoment) !== leafDType(params)
    ) {
      throw new PopeError(
        `${file} holds another number type than model.safetensors; expected one type. Give options.dtype to convert.`,
        { argument: 'dtype', file },
      );
    }
  }
  return {
    config,
    params,
    tokenizer,
    step: count('step'),
    ...(optimizer === undefined ? {} : { optimizer }),
    ...(state === undefined
      ? {}
      : { random: within('trainer_state.json: random_state', () => restoreRandom(state as number[])) }),
    ...(extra === undefined ? {} : { extra: extra as Readonly<Record<string, unknown>> }),
  };
}

const leafDType = (tree: Tree): string => namedLeaves(tree)[0]![1].dtype;

async function stored(tree: Tree): Promise<Record<string, StoredTensor>> {
  const entries: Record<string, StoredTensor> = {};
  for (const [name, leaf] of namedLeaves(tree)) {
    const data = await leaf.data();
    const shape = [...leaf.shape];
    if (data instanceof Float32Array) entries[name] = { dtype: 'F32', shape, data };
    else if (data instanceof Float64Array) entries[name] = { dtype: 'F64', shape, data };
    else throw invalid(name, leaf.dtype, 'float32 or float64');
  }
  return entries;
}

function tensorsOf(files: CheckpointFiles, file: string): ReadonlyMap<string, StoredTensor> {
  const bytes = present(files, file);
  if (typeof bytes === 'string') throw invalid(file, 'text', 'bytes');
  return readSafetensors(bytes, file).tensors;
}

function jsonOf(files: CheckpointFiles, file: string): unknown {
  const content = present(files, file);
  const text = typeof content === 'string' ? content : new TextDecoder().decode(content);
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new PopeError(`${file} is not JSON: ${(cause as Error).message}.`, { argument: file, file, cause });
  }
}

function present(files: CheckpointFiles, file: string): Uint8Array | string {
  const content = files[file];
  if (content === undefined) {
    const names = Object.keys(files);
    throw new PopeError(
      `${file} is missing from the checkpoint; it has ${names.length === 0 ? 'no files' : names.join(', ')}.`,
      {
        argument: file,
        file,
        code: 'missing_file',
      },
    );
  }
  return content;
}

/** Puts the file's name before the sentence of a reader that does not know it. */
function within<T>(file: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    if (!(cause instanceof PopeError) || cause.message.startsWith(file)) throw cause;
    throw new PopeError(`${file}: ${cause.message}`, { argument: cause.argument ?? file, got: cause.got, file, cause });
  }
}

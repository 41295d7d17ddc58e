import { realpath } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { PopeError } from '../util/index.js';

/**
 * Refuses to write over a file that is being read, by whatever path it is named.
 * @param outputs option -> path that will be written. @param inputs what is read; '-' and undefined are none.
 * @throws PopeError naming option and file; also where two outputs are one file.
 */
export async function assertNotInput(
  outputs: Readonly<Record<string, string | undefined>>,
  inputs: readonly (string | undefined)[],
): Promise<void> {
  const real = (path: string): Promise<string> => realpath(path).catch(() => resolve(path));
  const taken = new Map<string, string>();
  for (const input of inputs) if (input !== undefined && input !== '-') taken.set(await real(input), 'which is read');
  for (const [option, path] of Object.entries(outputs)) {
    if (path === undefined || path === '-') continue;
    const at = await real(path);
    const why = taken.get(at);
    if (why !== undefined) {
      throw new PopeError(`${option} would write ${path}, ${why}; expected another file.`, {
        argument: option,
        got: path,
      });
    }
    taken.set(at, `which ${option} writes`);
  }
}

/** What a training run writes into its folder. */
export const runFiles: readonly string[] = [
  'model.safetensors',
  'config.json',
  'tokenizer.json',
  'trainer_state.json',
  'optimizer.safetensors',
  'train.jsonl',
  'result.json',
];

/** The files of a folder as outputs of --out. */
export const filesOf = (folder: string, names: readonly string[]): Record<string, string> =>
  Object.fromEntries(names.map((name) => [`--out (${name})`, join(folder, name)]));

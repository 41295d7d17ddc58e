import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { PopeError } from '../../util/index.js';

/** The folder of the data. @throws PopeError naming the sets that are not below it. */
export async function dataFolder(path: string, needs: readonly string[]): Promise<string> {
  const missing: string[] = [];
  for (const name of needs) {
    if ((await stat(join(path, name)).catch(() => null))?.isDirectory() !== true) missing.push(name);
  }
  if (missing.length > 0) {
    throw new PopeError(
      `--data is ${JSON.stringify(path)}; expected a folder with ${needs.join(', ')} in it, but ${missing.join(', ')} ${missing.length === 1 ? 'is' : 'are'} not there. This data may not be in the package; see docs/experiments/index.md for where it comes from.`,
      { argument: '--data', got: path },
    );
  }
  return path;
}

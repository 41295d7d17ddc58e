import { access, constants, mkdir, rmdir, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { PopeError } from '../util/index.js';

/**
 * Tries, before long work begins, that a folder can be made and written to; leaves nothing behind.
 * @throws PopeError naming the option and what stands in the way.
 */
export async function assertOutFolder(path: string, option = '--out'): Promise<void> {
  const refused = (what: string): PopeError =>
    new PopeError(`${option} is ${JSON.stringify(path)}; expected a folder that can be written, but ${what}.`, {
      argument: option,
      got: path,
    });
  const missing: string[] = [];
  let at = resolve(path);
  for (;;) {
    const found = await stat(at).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return null;
      throw refused(error.code === 'ENOTDIR' ? 'a file is on its way' : `it cannot be looked at (${error.code})`);
    });
    if (found !== null) {
      if (!found.isDirectory()) throw refused(missing.length === 0 ? 'it is a file' : `${at} is a file`);
      break;
    }
    missing.push(at);
    at = dirname(at);
  }
  await access(at, constants.W_OK).catch(() => {
    throw refused(`${at} cannot be written`);
  });
  // some places say that they can be written and cannot: try, one folder at a time, and take each back
  const made: string[] = [];
  try {
    for (const folder of missing.reverse()) {
      await mkdir(folder);
      made.push(folder);
    }
  } catch (error) {
    throw refused(`it cannot be made (${(error as NodeJS.ErrnoException).code})`);
  } finally {
    for (const folder of made.reverse()) await rmdir(folder).catch(() => undefined);
  }
}

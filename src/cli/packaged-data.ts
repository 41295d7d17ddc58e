import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { PopeError } from '../util/index.js';

/** A file of the package's data folder, from src/cli and from dist/cli alike. @throws PopeError where it is not there. */
export async function packagedData(name: string): Promise<Uint8Array> {
  const path = fileURLToPath(new URL(`../../data/${name}`, import.meta.url));
  const bytes = await readFile(path).catch(() => null);
  if (bytes !== null) return bytes;
  throw new PopeError(`${path} cannot be read; expected the data beside the installed package.`, { code: 'bad_file' });
}

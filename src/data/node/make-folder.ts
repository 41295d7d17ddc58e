import { statSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';

/**
 * Makes a folder, and those above it that are missing. Not by the `recursive` of `mkdir`: where the system says ENOENT of
 * a folder whose parent is there (below /proc), that never returns in Node.
 */
export async function makeFolder(path: string): Promise<void> {
  const whole = resolve(path);
  const make = async (): Promise<void> => {
    try {
      await mkdir(whole);
    } catch (error) {
      if (statSync(whole, { throwIfNoEntry: false })?.isDirectory() !== true) throw error;
    }
  };
  try {
    await make();
  } catch (error) {
    const parent = dirname(whole);
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || parent === whole) throw error;
    await makeFolder(parent);
    await make();
  }
}

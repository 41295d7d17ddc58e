import { join } from 'node:path';
import { writeFileAtomic } from '../data/node.js';
import { type Checkpoint, checkpointFiles } from '../entry/checkpoint.js';

/** Writes a checkpoint into a folder, each file by a temporary one and a rename. */
export async function writeCheckpoint(folder: string, checkpoint: Checkpoint): Promise<void> {
  const files = await checkpointFiles(checkpoint);
  for (const [name, content] of Object.entries(files)) await writeFileAtomic(join(folder, name), content);
}

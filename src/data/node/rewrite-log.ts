import type { Log } from '../../ope/log.js';
import { PopeError } from '../../util/index.js';
import { csvText } from '../csv-text.js';
import { entries } from '../entries.js';
import type { RoundRecord } from '../record.js';
import { type RecordMapper, rewritten } from '../rewritten.js';
import { nameOf } from './bytes.js';
import { formatOf, nodeCsvParse, readText } from './read-log.js';
import { writeFileAtomic } from './write-atomic.js';

/**
 * Writes a log back with every record passed through `map`, unknown keys kept. The output is CSV where its name ends in
 * .csv (the table is then held in memory), else JSON Lines.
 * log: what `inPath` was read into; give it where rounds may have been skipped, so that indices agree.
 * @throws PopeError for standard input, which can be read only once, and where a file cannot be read or written.
 */
export async function rewriteLog(inPath: string, outPath: string, map: RecordMapper, log?: Log): Promise<void> {
  if (inPath === '-') {
    throw new PopeError('the log to write back is standard input, which can be read only once; expected a file.', {
      argument: 'inPath',
      got: inPath,
    });
  }
  const source = entries(readText(inPath), nameOf(inPath), formatOf(inPath), nodeCsvParse);
  const batches = rewritten(source, map, log);
  await writeFileAtomic(outPath, outPath.toLowerCase().endsWith('.csv') ? csvChunks(batches) : jsonlChunks(batches));
}

async function* jsonlChunks(batches: AsyncIterable<readonly unknown[]>): AsyncGenerator<string> {
  for await (const batch of batches) {
    // JSON.stringify writes -Infinity as null, which is how files spell a target that never says a response.
    yield batch.map((record) => `${JSON.stringify(record)}\n`).join('');
  }
}

async function* csvChunks(batches: AsyncIterable<readonly unknown[]>): AsyncGenerator<string> {
  const records: RoundRecord[] = [];
  for await (const batch of batches) for (const record of batch) records.push(record as RoundRecord);
  yield csvText(records);
}

import { PopeError } from '../../util/index.js';
import type { Chunks } from '../lines.js';
import type { ReadOptions } from '../log-builder.js';
import { type LineBlock, lineBlocks } from './line-blocks.js';
import { createLineReader, type LineReader } from './line-reader.js';

/** The text of one file of a log. */
export interface Shard {
  /** The name that errors give to it. */
  readonly file: string;
  readonly chunks: Chunks;
}

/** Lines that follow one another, and the reader that stands at the first of them. */
export interface Stretch {
  readonly reader: LineReader;
  /** Whether the reader stands at a line of the stretch. */
  hasMore(): boolean;
}

/** A shard whose reader stands at a line. */
interface Head extends Stretch {
  readonly cluster: string;
  /** Goes to the shard's next line of another cluster, or of another block; false at its end. */
  next(): Promise<boolean>;
  close(): Promise<unknown>;
}

/**
 * The lines of all shards, each cluster's together: a merge of shards that are sorted by cluster, in the order of
 * JavaScript's `<`, rounds without one first. Of equal clusters the first shard's come first; a line that is no round
 * follows the line before it.
 * One shard alone need not be sorted, and is read as it is.
 * @throws PopeError (code `bad_log`) for one of several shards whose clusters are not in order, naming its line.
 */
export async function* mergedLines(shards: readonly Shard[], options: ReadOptions): AsyncGenerator<Stretch> {
  if (shards.length === 1) {
    const reader = createLineReader({ ...options, file: shards[0].file });
    for await (const block of lineBlocks(shards[0].chunks, shards[0].file)) {
      reader.open(block);
      yield { reader, hasMore: reader.hasMore };
    }
    return;
  }
  const heads: Head[] = [];
  try {
    for (const shard of shards) {
      const head = openShard(shard, options);
      if (await head.next()) heads.push(head);
    }
    while (heads.length > 0) {
      const first = heads.reduce((least, head) => (head.cluster < least.cluster ? head : least));
      yield first;
      if (!(await first.next())) heads.splice(heads.indexOf(first), 1);
    }
  } finally {
    await Promise.all(heads.map((head) => head.close()));
  }
}

function openShard({ file, chunks }: Shard, options: ReadOptions): Head {
  const reader = createLineReader({ ...options, file });
  const blocks: AsyncGenerator<LineBlock> = lineBlocks(chunks, file);
  let cluster = '';

  /** The cluster that the next line belongs to. */
  function clusterAhead(): string {
    const ahead = reader.cluster() ?? cluster;
    if (ahead < cluster) {
      throw new PopeError(
        `${file} line ${reader.line}: cluster is ${ahead === '' ? 'missing' : JSON.stringify(ahead)} after ${JSON.stringify(cluster)}; expected each of several files sorted by cluster, rounds without one first. Sort it, or read it as the only file.`,
        { code: 'bad_log', file, line: reader.line },
      );
    }
    return ahead;
  }

  return {
    reader,
    get cluster() {
      return cluster;
    },
    hasMore: () => reader.hasMore() && clusterAhead() === cluster,
    async next() {
      while (!reader.hasMore()) {
        const block = await blocks.next();
        if (block.done) return false;
        reader.open(block.value);
      }
      cluster = clusterAhead();
      return true;
    },
    close: () => blocks.return(undefined),
  };
}

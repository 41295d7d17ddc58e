import type { Entry } from '../entries.js';
import { lineEntry } from '../json-entries.js';
import { withoutReturn } from '../lines.js';
import { addEntry, type OpenLogBuilder, type ReadOptions } from '../log-builder.js';
import { isObject } from '../record.js';
import { NEWLINE } from './json-bytes.js';
import type { LineBlock } from './line-blocks.js';
import { createRoundScanner } from './round-scanner.js';

/** Walks the lines of JSON Lines text; what the scanner does not take goes the way of `JSON.parse` and `checkRound`. */
export interface LineReader {
  /** Begins a block; `take`, `peek` and `hasMore` are about its lines. */
  open(block: LineBlock): void;
  hasMore(): boolean;
  /** The entry on the next line, which stays the next; null where it is blank. */
  peek(): Entry | null;
  /** Gives the next line's round to the builder: its cluster, undefined without one or where it is no round; null for a blank line. */
  take(builder: OpenLogBuilder): string | undefined | null;
}

export function createLineReader({ file = 'log', candidates }: ReadOptions): LineReader {
  const scanner = createRoundScanner();
  let block: LineBlock = { text: '', bytes: new Uint8Array(0), length: 0 };
  let at = 0;
  let wide = 0;
  let line = 0;

  const lineEnd = (): number => block.text.indexOf('\n', at - wide);
  const entryAt = (end: number): Entry | null => {
    return lineEntry(withoutReturn(block.text.slice(at - wide, end)), file, line + 1);
  };

  return {
    open(next) {
      block = next;
      at = 0;
      wide = 0;
    },
    hasMore: () => at < block.length,
    peek: () => entryAt(lineEnd()),
    take(builder) {
      if (candidates === undefined) {
        const next = scanner.take(builder.columns, builder.ids, block, at, wide, line + 1);
        if (next >= 0) {
          at = next;
          wide = scanner.wide;
          line++;
          return builder.columns.clusters[builder.columns.clusters.length - 1];
        }
      }
      const end = lineEnd();
      const entry = entryAt(end);
      at = block.bytes.indexOf(NEWLINE, at) + 1;
      wide = at - (end + 1);
      line++;
      if (entry === null) return null;
      addEntry(builder, entry);
      return clusterOf(entry);
    },
  };
}

export function clusterOf({ value }: Entry): string | undefined {
  const cluster = isObject(value) ? value['cluster'] : undefined;
  return typeof cluster === 'string' ? cluster : undefined;
}

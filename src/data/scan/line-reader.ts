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
  /** The number of the next line. */
  readonly line: number;
  /** Begins a block; `take`, `cluster` and `hasMore` are about its lines. */
  open(block: LineBlock): void;
  hasMore(): boolean;
  /** The cluster of the round on the next line, which stays the next: '' without one; null where there is no round. */
  cluster(): string | null;
  /** Gives the next line's round to the builder: whether there was one, good or bad, or the line was blank. */
  take(builder: OpenLogBuilder): boolean;
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
    get line() {
      return line + 1;
    },
    open(next) {
      block = next;
      at = 0;
      wide = 0;
    },
    hasMore: () => at < block.length,
    cluster() {
      const cluster = scanner.cluster(block, at, wide);
      if (cluster !== null) return cluster;
      const entry = entryAt(lineEnd());
      return entry && clusterOf(entry.value);
    },
    take(builder) {
      if (candidates === undefined) {
        builder.from(file, 'line');
        const next = scanner.take(builder, block, at, wide, line + 1);
        if (next >= 0) {
          at = next;
          wide = scanner.wide;
          line++;
          return true;
        }
      }
      const end = lineEnd();
      const entry = entryAt(end);
      at = block.bytes.indexOf(NEWLINE, at) + 1;
      wide = at - (end + 1);
      line++;
      if (entry !== null) addEntry(builder, entry);
      return entry !== null;
    },
  };
}

function clusterOf(round: unknown): string | null {
  if (!isObject(round)) return null;
  const cluster = round['cluster'] ?? '';
  return typeof cluster === 'string' ? cluster : null;
}

import type { Random } from '../../random/index.js';
import { assertInteger } from '../../util/index.js';
import type { PoissonTables } from './poisson-tables.js';
import { BLOCK_ROWS } from './resampler.js';
import { splitDraws } from './split-draws.js';
import { CHUNK_WORDS, draw, type Stream, startStream } from './stream.js';

/** `resamples` keys of four words. */
export function resampleKeys(random: Random, resamples: number): Int32Array {
  return Int32Array.from({ length: 4 * resamples }, () => random.next());
}

/** Memory for the words of a stream. */
export const streamWords = (): Int32Array => new Int32Array(CHUNK_WORDS + 80);

/** Counts of `draws` uniform draws of one of the first `rows` places. Modulo 256, which no sane number of draws reaches. */
export function drawRows(stream: Stream, draws: number, rows: number, counts: Uint8Array): void {
  counts.fill(0, 0, rows);
  const mask = rows > 1 ? 2 ** (32 - Math.clz32(rows - 1)) - 1 : 0;
  const { words } = stream;
  for (let left = draws; left > 0; ) {
    const now = Math.min(left, 2 * CHUNK_WORDS);
    draw(stream, (now + 7) >>> 3);
    for (let i = 0; i < now; i++) {
      const row = (words[i >>> 1]! >>> ((i & 1) << 4)) & mask;
      if (row >= rows) continue;
      counts[row] = counts[row]! + 1;
      left--;
    }
  }
}

/** Counts of at most 3 by four bits. */
const fewByBits = Uint8Array.of(0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 2, 2, 2, 3);

function reached(word: number, thresholds: Int32Array): number {
  let [low, high] = [0, thresholds.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (word >= thresholds[middle]!) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * Independent Poisson(1) counts of the first `rows` places; returns the places of counts above 3, as they were found.
 * counts: `BLOCK_ROWS` of them, what is beyond the rows is scratch.
 */
export function drawPoisson(stream: Stream, rows: number, counts: Uint8Array, tables: PoissonTables): number[] {
  const { words } = stream;
  draw(stream, (rows + 31) >>> 5);
  // eight at a time: there is room for what is beyond the rows
  for (let i = 0; i < rows; i += 8) {
    const word = words[i >>> 3]!;
    counts[i] = fewByBits[word & 15]!;
    counts[i + 1] = fewByBits[(word >>> 4) & 15]!;
    counts[i + 2] = fewByBits[(word >>> 8) & 15]!;
    counts[i + 3] = fewByBits[(word >>> 12) & 15]!;
    counts[i + 4] = fewByBits[(word >>> 16) & 15]!;
    counts[i + 5] = fewByBits[(word >>> 20) & 15]!;
    counts[i + 6] = fewByBits[(word >>> 24) & 15]!;
    counts[i + 7] = fewByBits[word >>> 28]!;
  }
  draw(stream, 1);
  const isWhole = rows === BLOCK_ROWS;
  const hits = reached(words[0]!, isWhole ? tables.hits : tables.lastHits);
  const places = isWhole ? BLOCK_ROWS : tables.lastPlaces;
  draw(stream, ((hits + 3) >>> 2) * 2);
  const found: number[] = [];
  for (let hit = 0; hit < hits; hit++) {
    const at = ((hit >>> 2) << 3) + (hit & 3);
    const place = words[at]! & (places - 1);
    if (place >= rows || counts[place]! > 3) continue;
    counts[place] = 4 + reached(words[at + 4]!, tables.rest);
    found.push(place);
  }
  return found;
}

/**
 * How often each of `rows` rows is in one resample of as many, drawn with replacement: exactly multinomial, the counts
 * that the multinomial bootstrap draws from the same state of `random`, which advances by four draws.
 * @throws PopeError unless `rows` is an integer from 1 to 2^31 - 1.
 */
export function resampleCounts(random: Random, rows: number): Uint8Array {
  assertInteger('rows', rows, 1, 2147483647);
  const stream = startStream(resampleKeys(random, 1), 0, streamWords());
  const draws = new Int32Array(Math.ceil(rows / BLOCK_ROWS));
  splitDraws(stream, rows, rows, BLOCK_ROWS, draws);
  const counts = new Uint8Array(rows);
  draws.forEach((wanted, b) => {
    const part = counts.subarray(b * BLOCK_ROWS, (b + 1) * BLOCK_ROWS);
    drawRows(stream, wanted, part.length, part);
  });
  return counts;
}

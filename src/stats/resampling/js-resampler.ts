import { drawPoisson, drawRows, streamWords } from './draw-counts.js';
import { BLOCK_ROWS, type ResampleRequest } from './resampler.js';
import { splitDraws } from './split-draws.js';
import { type Stream, startStream } from './stream.js';

/** Rows whose partial sums are added up together. */
const RUN = 128;

/** A pair of which one row, or both, may lie beyond the end. */
function pairOf(few: Float64Array, x: Float64Array, first: number, i: number, end: number): number {
  return (i < end ? few[i]! * x[first + i]! : 0) + (i + 1 < end ? few[i + 1]! * x[first + i + 1]! : 0);
}

/**
 * Adds sum(count x) over a block to `sum`, in the order of the kernels: what counts have above 3, row by row; then runs
 * of 128 rows, in which pair p of two rows goes to partial sum p mod 4.
 */
function weigh(sum: number, { counts, few, many, size }: Block, x: Float64Array, first: number): number {
  let total = sum;
  for (const i of many) total += (counts[i]! - 3) * x[first + i]!;
  for (let run = 0; run < size; run += RUN) {
    let [a, b, c, d] = [0, 0, 0, 0];
    const end = Math.min(run + RUN, size);
    let i = run;
    for (; i + 8 <= end; i += 8) {
      const at = first + i;
      a += few[i]! * x[at]! + few[i + 1]! * x[at + 1]!;
      b += few[i + 2]! * x[at + 2]! + few[i + 3]! * x[at + 3]!;
      c += few[i + 4]! * x[at + 4]! + few[i + 5]! * x[at + 5]!;
      d += few[i + 6]! * x[at + 6]! + few[i + 7]! * x[at + 7]!;
    }
    if (i < end) {
      a += pairOf(few, x, first, i, end);
      b += pairOf(few, x, first, i + 2, end);
      c += pairOf(few, x, first, i + 4, end);
      d += pairOf(few, x, first, i + 6, end);
    }
    total += a + b + (c + d);
  }
  return total;
}

interface Block {
  readonly counts: Uint8Array;
  /** The counts, or 3 where they are above. */
  readonly few: Float64Array;
  /** Rows with counts above 3, in the order in which they are added. */
  readonly many: readonly number[];
  readonly size: number;
}

/** Resamples in plain JavaScript: the reference, bit for bit what the kernels compute. */
export function jsResampler({ resampling, rows, columns, keys, tables }: ResampleRequest): Float64Array {
  const resamples = keys.length / 4;
  const width = columns.length + 1;
  const sums = new Float64Array(resamples * width);
  const counts = new Uint8Array(BLOCK_ROWS);
  const words = streamWords();
  const blocks = Math.ceil(rows / BLOCK_ROWS);
  const draws = new Int32Array(blocks);
  const few = new Float64Array(BLOCK_ROWS);
  /** The rows with many; those of the Poisson counts as they were hit. */
  const drawBlock = (stream: Stream, b: number, size: number): number[] => {
    if (resampling === 'poisson') return drawPoisson(stream, size, counts, tables);
    drawRows(stream, draws[b]!, size, counts);
    const many: number[] = [];
    for (let i = 0; i < size; i++) if (counts[i]! > 3) many.push(i);
    return many;
  };
  for (let r = 0; r < resamples; r++) {
    const stream = startStream(keys, r, words);
    if (resampling === 'multinomial') splitDraws(stream, rows, rows, BLOCK_ROWS, draws);
    const to = r * width;
    for (let b = 0; b < blocks; b++) {
      const first = b * BLOCK_ROWS;
      const size = Math.min(BLOCK_ROWS, rows - first);
      const block = { counts, few, many: drawBlock(stream, b, size), size };
      let drawn = 0;
      for (let i = 0; i < size; i++) {
        const k = counts[i]!;
        drawn += k;
        few[i] = Math.min(3, k);
      }
      sums[to + columns.length]! += drawn;
      for (let j = 0; j < columns.length; j++) sums[to + j] = weigh(sums[to + j]!, block, columns[j]!, first);
    }
  }
  return sums;
}

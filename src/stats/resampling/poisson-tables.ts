import { BLOCK_ROWS } from './resampler.js';

/**
 * Poisson(1) by four random bits: given that it is at most 3, the count is 0, 1, 2 or 3 with exactly 6, 6, 3 and 1 in 16.
 * The other rows, 1.9 % of them, are those that are hit: Poisson many hits are thrown anywhere, so that only few rows
 * need another number. All thresholds are signed 32-bit words, of which a random word reaches so many, to 2^-32 exactly.
 */
export interface PoissonTables {
  /** Hits of a block of `BLOCK_ROWS` places. */
  readonly hits: Int32Array;
  /** Hits of the last block, whose places are the power of two that holds its rows. */
  readonly lastHits: Int32Array;
  readonly lastPlaces: number;
  /** Of how much the count of a row that was hit is above 4, up to 8; P(count > 12) is 2^-34. */
  readonly rest: Int32Array;
}

/** P(count <= 3) = 16/6 e^-1. */
const fewShare = (16 / 6) * Math.exp(-1);

/** Where the signed words of distributions end, from their probabilities; what is above 2^-33 of the end is left out. */
function thresholds(probabilities: Iterable<number>): Int32Array {
  const ends: number[] = [];
  let sum = 0;
  for (const p of probabilities) {
    sum += p;
    const end = Math.round(sum * 2 ** 32);
    if (end >= 2 ** 32) break;
    ends.push(end - 2 ** 31);
  }
  return Int32Array.from(ends);
}

function* poisson(mean: number): Generator<number> {
  for (let k = 0, p = Math.exp(-mean); ; k++, p *= mean / k) yield p;
}

function restOfPoisson(): Int32Array {
  const rest: number[] = [];
  for (let k = 4, p = Math.exp(-1) / 24; k < 12; p /= ++k) rest.push(p / (1 - fewShare));
  return thresholds(rest);
}

/** The tables for a number of rows. */
export function poissonTables(rows: number): PoissonTables {
  const last = ((rows - 1) % BLOCK_ROWS) + 1;
  const lastPlaces = 2 ** (32 - Math.clz32(last - 1));
  // a row is not hit with probability e^-mean
  const hitsOf = (places: number): Int32Array => thresholds(poisson(-Math.log(fewShare) * places));
  const hits = hitsOf(BLOCK_ROWS);
  return { hits, lastHits: lastPlaces === BLOCK_ROWS ? hits : hitsOf(lastPlaces), lastPlaces, rest: restOfPoisson() };
}

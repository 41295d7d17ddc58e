import { CHUNK_WORDS, draw, type Stream } from './stream.js';

function ones(word: number): number {
  let x = word - ((word >>> 1) & 0x55555555);
  x = (x & 0x33333333) + ((x >>> 2) & 0x33333333);
  return Math.imul((x + (x >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}

/** How many of `coins` fair coins show heads. */
function heads(stream: Stream, coins: number): number {
  let found = 0;
  for (let left = coins; left > 0; ) {
    const now = Math.min(left, CHUNK_WORDS * 32);
    draw(stream, (now + 127) >>> 7);
    const whole = now >>> 5;
    for (let i = 0; i < whole; i++) found += ones(stream.words[i]!);
    if (now & 31) found += ones(stream.words[whole]! & ((1 << (now & 31)) - 1));
    left -= now;
  }
  return found;
}

/**
 * Binomial(draws, left/total), exactly and in whole numbers: each draw compares a random binary fraction with
 * left/total, digit by digit, and all that are undecided throw their next coins together.
 */
export function binomial(stream: Stream, draws: number, left: number, total: number): number {
  let [won, undecided, part] = [0, draws, left];
  while (undecided > 0 && part > 0) {
    part *= 2;
    const equal = heads(stream, undecided);
    if (part >= total) {
      part -= total;
      won += undecided - equal;
      undecided = equal;
    } else {
      undecided -= equal;
    }
  }
  return won;
}

/**
 * How many of `draws` uniform draws of a row fall into each block of `block` rows, from `out[first]` on. Left parts are
 * powers of two of blocks, whose halves cost one coin a draw.
 */
export function splitDraws(
  stream: Stream,
  draws: number,
  rows: number,
  block: number,
  out: Int32Array,
  first = 0,
): void {
  let [rest, wanted, at] = [rows, draws, first];
  while (rest > block) {
    let left = block;
    while (left < rest - left) left *= 2;
    const won = binomial(stream, wanted, left, rest);
    splitDraws(stream, won, left, block, out, at);
    at += left / block;
    wanted -= won;
    rest -= left;
  }
  out[at] = wanted;
}

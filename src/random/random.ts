import { xoroshiro128plus, xoroshiro128plusFromState } from 'pure-rand/generator/xoroshiro128plus';
import { assertInteger, invalid } from '../util/index.js';

/**
 * A seeded generator, passed explicitly: drawing from it advances it, and nothing else does.
 * Its whole state is four 32-bit words (`randomState`), so a run can be stopped and resumed bit for bit.
 */
export interface Random {
  /** The next 32 bits as a signed integer; the low bits are the weaker ones. */
  next(): number;
  getState(): readonly number[];
}

/** MurmurHash3's finaliser: every bit of the input reaches every bit of the output. */
function mix(word: number): number {
  let h = word | 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) | 0;
}

const GOLDEN = 0x9e3779b9;

/** A state of four well-mixed words out of two; never all zero, the one state from which nothing comes. */
function expand(high: number, low: number): Random {
  const words: number[] = [];
  let chain = mix(high);
  for (let k = 1; k <= 4; k++) words.push((chain = mix(chain ^ mix((low + Math.imul(k, GOLDEN)) | 0))));
  return words.every((word) => word === 0) ? xoroshiro128plus(1) : xoroshiro128plusFromState(words);
}

/**
 * A generator (xoroshiro128+) from a seed, any safe integer. The seed is hashed first: the bare generator gives
 * neighbouring seeds neighbouring first outputs.
 * @throws PopeError where the seed is not a safe integer.
 */
export function seededRandom(seed: number): Random {
  assertInteger('seed', seed, Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER);
  return expand(Math.floor(seed / 0x1_0000_0000), seed | 0);
}

/**
 * An independent stream, derived from the next outputs of `random` (which advances by two draws).
 * A hash and not a jump: with jumps, the child's first child would be its sibling's stream.
 */
export function splitRandom(random: Random): Random {
  const high = random.next();
  return expand(high ^ 0x5bd1e995, random.next());
}

/** The whole state, four 32-bit integers; JSON keeps it exactly. */
export function randomState(random: Random): readonly number[] {
  return [...random.getState()];
}

/**
 * The generator that continues exactly where `randomState` was taken.
 * @throws PopeError unless `state` is four 32-bit integers, not all zero.
 */
export function restoreRandom(state: readonly number[]): Random {
  const valid =
    Array.isArray(state) && state.length === 4 && state.every((word) => Number.isInteger(word) && word === (word | 0));
  if (!valid || state.every((word) => word === 0)) {
    throw invalid('state', state, 'four 32-bit integers, not all zero, as randomState gives them');
  }
  return xoroshiro128plusFromState(state);
}

import type { Log } from '../ope/log.js';
import { permutation, type Random } from '../random/index.js';
import { assertInteger, invalid, PopeError } from '../util/index.js';
import { selectRounds } from './select-rounds.js';

/**
 * Splits a log at random into rounds to train on and rounds held out. Rounds of one cluster stay together.
 * fraction: share of rounds held out, strictly between 0 and 1; each side gets at least one round (or cluster).
 * @throws PopeError where the fraction is out of range or there are fewer than two rounds (or clusters).
 */
export function splitLog(log: Log, fraction: number, random: Random): { readonly train: Log; readonly heldOut: Log } {
  if (!(fraction > 0 && fraction < 1)) throw invalid('fraction', fraction, 'a number strictly between 0 and 1');
  const clusters = shuffledClusters(log, random);
  requireClusters(log, clusters.length, 2);
  const heldOut: number[] = [];
  const train: number[] = [];
  clusters.forEach((rounds, c) => {
    const wanted = heldOut.length === 0 || heldOut.length + rounds.length / 2 <= fraction * log.rounds;
    const side = wanted && c < clusters.length - (train.length === 0 ? 1 : 0) ? heldOut : train;
    for (const i of rounds) side.push(i);
  });
  return { train: selectRounds(log, train.sort(ascending)), heldOut: selectRounds(log, heldOut.sort(ascending)) };
}

/**
 * Folds for cross-fitting: a fold number 0 .. k - 1 for every round (length N), of nearly equal sizes, with the
 * rounds of one cluster in one fold.
 * k: integer from 2 to the number of rounds (or clusters).
 */
export function foldsOf(log: Log, k: number, random: Random): Int32Array {
  assertInteger('k', k, 2);
  const clusters = shuffledClusters(log, random);
  requireClusters(log, clusters.length, k);
  const folds = new Int32Array(log.rounds);
  const sizes = new Array<number>(k).fill(0);
  // Largest clusters first, each into the fold that is smallest so far.
  for (const rounds of clusters.sort((a, b) => b.length - a.length)) {
    let fold = 0;
    for (let f = 1; f < k; f++) if (sizes[f] < sizes[fold]) fold = f;
    sizes[fold] += rounds.length;
    for (const i of rounds) folds[i] = fold;
  }
  return folds;
}

function shuffledClusters(log: Log, random: Random): number[][] {
  const groups = new Map<string | number, number[]>();
  for (let i = 0; i < log.rounds; i++) {
    const key = log.clusters?.[i] ?? i;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [i]);
    else group.push(i);
  }
  const all = [...groups.values()];
  return Array.from(permutation(random, all.length), (c) => all[c]);
}

function requireClusters(log: Log, count: number, needed: number): void {
  if (count >= needed) return;
  const what = log.clusters === null ? 'rounds' : 'clusters';
  throw new PopeError(`the log has ${count} ${what}; expected at least ${needed} to divide it into ${needed} parts.`, {
    argument: 'log',
  });
}

const ascending = (a: number, b: number) => a - b;

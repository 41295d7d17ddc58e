import { distinctPrompts } from '../ope/index.js';
import { permutation, type Random, uniformInt } from '../random/index.js';
import { type Batch, batchOf, type EvaluationRows } from './evaluation-rows.js';

/**
 * Draws batches of rounds in which every round has the same chance: without replacement, or, with `promptsPerBatch`, that
 * many rounds are drawn, and from the rounds of each one's prompt an equal share of the batch, with replacement.
 */
export function batchDrawer(
  rows: EvaluationRows,
  size: number,
  promptsPerBatch: number | undefined,
): (random: Random) => Batch {
  const n = rows.roundIndex.length;
  if (promptsPerBatch === undefined)
    return (random) => batchOf(rows, permutation(random, n).subarray(0, Math.min(size, n)));
  const { positionOf } = distinctPrompts(Array.from(rows.roundIndex, (i) => rows.log.prompts[i]));
  const roundsOf = new Map<number, number[]>();
  positionOf.forEach((p, i) => void (roundsOf.get(p)?.push(i) ?? roundsOf.set(p, [i])));
  const each = Math.max(1, Math.round(size / promptsPerBatch));
  return (random) =>
    batchOf(
      rows,
      Array.from({ length: promptsPerBatch }, () => {
        const same = roundsOf.get(positionOf[uniformInt(random, n)])!;
        return Array.from({ length: each }, () => same[uniformInt(random, same.length)]);
      }).flat(),
    );
}

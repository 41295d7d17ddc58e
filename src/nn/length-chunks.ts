/**
 * Rows 0 .. n - 1 in groups of similar length: sorted by length, each group at most `maxTokens` with its padding
 * (a single row may be longer), and no row more than half as long again as the shortest of a group of some size.
 */
export function lengthChunks(lengths: ArrayLike<number>, maxTokens: number): number[][] {
  const order = Array.from({ length: lengths.length }, (_, i) => i).sort((a, b) => lengths[a]! - lengths[b]! || a - b);
  const chunks: number[][] = [];
  let chunk: number[] = [];
  for (const row of order) {
    const length = lengths[row]!;
    const isFull = (chunk.length + 1) * length > maxTokens;
    const isWasteful = chunk.length * length >= maxTokens / 8 && length > 1.5 * lengths[chunk[0]!]!;
    if (chunk.length > 0 && (isFull || isWasteful)) {
      chunks.push(chunk);
      chunk = [];
    }
    chunk.push(row);
  }
  if (chunk.length > 0) chunks.push(chunk);
  return chunks;
}

import type { Log } from '../../ope/index.js';
import { PopeError } from '../../util/index.js';

/** Cluster names remembered; a log with more is not checked any further for clusters that two parts share. */
export const clusterLimit = 10_000;

/**
 * The clusters of the used rounds, sorted; null beyond the limit. A round without one stands alone under its id, which
 * shards may repeat: no name.
 */
export function clusterNames({ clusters, ids }: Log, rounds: Int32Array): readonly string[] | null {
  if (clusters === null) return [];
  const names = new Set<string>();
  for (const i of rounds) if (clusters[i] !== `round ${ids[i]}`) names.add(clusters[i]);
  return names.size > clusterLimit ? null : [...names].sort();
}

/** @throws PopeError where one name is in both: half a cluster in each part would count as two. */
export function mergeClusters(x: readonly string[] | null, y: readonly string[] | null): readonly string[] | null {
  if (x === null || y === null) return null;
  const known = new Set(x);
  const shared = y.find((name) => known.has(name));
  if (shared !== undefined) {
    throw new PopeError(
      `cluster ${JSON.stringify(shared)} is in two parts of the log; expected every cluster in one part, since half a cluster in each would count as two. Sort the log by cluster, or evaluate it whole.`,
      { argument: 'cluster', got: shared },
    );
  }
  return x.length + y.length > clusterLimit ? null : [...x, ...y].sort();
}

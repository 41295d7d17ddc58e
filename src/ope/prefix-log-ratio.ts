import { backendOf, tensor, zeros } from '../backend/index.js';
import { add, concat, gather } from '../ops/index.js';
import type { Tensor } from '../tensor/index.js';
import { invalid } from '../util/index.js';

// #region prefix
/**
 * log rho(y_1 .. y_j) = sum_{k <= j} log rho_k within the round, [M] to [M]: the ratio of each response together with
 * those shown before it. The order of a round is the order in which its responses stand in the columns. The factors
 * may be marginal (responses drawn independently) or each conditional on the responses before it: their product is the
 * ratio of the prefix either way. Differentiable; -Infinity (never said) stays -Infinity for all that follow.
 * @param logRatio log rho, [M]. @param roundOf int32 [M], from 0 to rounds - 1.
 * @throws PopeError where the two differ in length.
 */
export function prefixLogRatio(logRatio: Tensor, roundOf: Tensor): Tensor {
  let before = predecessors(logRatio, roundOf);
  let sums = logRatio;
  // sums over 1, 2, 4 ... responses: as many steps as the longest round has binary digits
  while (before.some((p) => p < before.length)) {
    sums = add(sums, orZeroBefore(sums, before));
    before = before.map((p) => (p < before.length ? before[p] : p));
  }
  return sums;
}
// #endregion prefix

/** The prefix ratio without the response's own factor: `prefixLogRatio` of the response before it, 0 for the first. */
export function priorLogRatio(logRatio: Tensor, roundOf: Tensor): Tensor {
  return orZeroBefore(prefixLogRatio(logRatio, roundOf), predecessors(logRatio, roundOf));
}

/** Entry i of the result is x at before[i], or 0 where before[i] is the length of x. */
function orZeroBefore(x: Tensor, before: Int32Array): Tensor {
  const backend = backendOf(x);
  return gather(concat([x, zeros([1], { dtype: x.dtype, backend })], 0), tensor(before, { backend }), 0);
}

/** The position of the response before each one in its round; M where it is the first. */
function predecessors(logRatio: Tensor, roundOf: Tensor): Int32Array {
  const m = logRatio.size;
  if (logRatio.rank !== 1) throw invalid('logRatio', logRatio.shape, 'shape [M], one number a response');
  if (roundOf.rank !== 1 || roundOf.size !== m)
    throw invalid('roundOf', roundOf.shape, `shape [${m}], one round a response`);
  const last = new Map<number, number>();
  return Int32Array.from(roundOf.dataSync(), (round, j) => {
    const before = last.get(round) ?? m;
    last.set(round, j);
    return before;
  });
}

/** The place of each response in its round, from 0, int32 [M]: its slot. */
export function slotOfResponse(roundOf: ArrayLike<number>): Int32Array {
  const seen = new Map<number, number>();
  return Int32Array.from(roundOf, (round) => {
    const slot = seen.get(round) ?? 0;
    seen.set(round, slot + 1);
    return slot;
  });
}

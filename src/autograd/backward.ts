import { ownedScope, type Tensor } from '../tensor/index.js';
import { addCotangents } from './accumulate.js';
import { releaseNode, type Tape } from './tape.js';

/**
 * The backward walk: cotangents of `targets`, given those of `outputs`; null where a target was not reached.
 * The caller owns one reference of each cotangent. With `consume` each node's activations are freed as soon as it was walked.
 */
export function backward(
  tape: Tape,
  outputs: readonly (readonly [Tensor, Tensor])[],
  targets: readonly Tensor[],
  consume: boolean,
): (Tensor | null)[] {
  const cotangents = new Map<Tensor, Tensor>();
  const accumulate = (x: Tensor, owned: Tensor): void => {
    const before = cotangents.get(x);
    if (before === undefined) {
      cotangents.set(x, owned);
      return;
    }
    cotangents.set(
      x,
      ownedScope(() => addCotangents(before, owned)),
    );
    before.release();
    owned.release();
  };
  for (const [y, dy] of outputs) if (tape.tracked.has(y)) accumulate(y, dy.retain());
  const wanted = new Set(targets);
  for (let n = tape.nodes.length - 1; n >= 0; n--) {
    const node = tape.nodes[n];
    const dz = node.outs.map((y) => cotangents.get(y) ?? null);
    if (dz.some((d) => d !== null) && node.pullback !== null) {
      const { pullback } = node;
      const needs = node.inputs.map((x) => tape.tracked.has(x));
      // ownedScope gives one owner per distinct tensor; a cotangent that serves two inputs needs one more.
      const seen = new Set<Tensor>();
      const grads = ownedScope(() => pullback(dz, needs).map((g, i) => (needs[i] ? g : null)));
      grads.forEach((g, i) => {
        if (g === null) return;
        if (seen.has(g)) g.retain();
        seen.add(g);
        accumulate(node.inputs[i], g);
      });
    }
    for (const y of node.outs) {
      const d = cotangents.get(y);
      if (d === undefined || wanted.has(y)) continue;
      d.release();
      cotangents.delete(y);
    }
    if (consume) {
      tape.nodes.pop();
      releaseNode(node);
    }
  }
  const found = targets.map((x) => cotangents.get(x) ?? null);
  for (const [x, d] of cotangents) if (!wanted.has(x)) d.release();
  return found;
}

import { ownedScope, type Tensor } from '../tensor/index.js';
import { addCotangents } from './accumulate.js';
import type { Node } from './op.js';
import { releaseNode, type Tape } from './tape.js';

/** What the walk has found so far; it owns one reference of each cotangent. */
type Found = Map<Tensor, Tensor>;

/**
 * The backward walk: cotangents of `targets`, given those of `outputs`; null where a target was not reached.
 * The caller owns one reference of each cotangent. With `consume` each node's activations are freed as soon as it was walked.
 * Where a derivative throws, every cotangent is freed; the nodes not yet walked stay the tape's.
 */
export function backward(
  tape: Tape,
  outputs: readonly (readonly [Tensor, Tensor])[],
  targets: readonly Tensor[],
  consume: boolean,
): (Tensor | null)[] {
  const found: Found = new Map();
  const wanted = new Set(targets);
  let done = false;
  try {
    for (const [y, dy] of outputs) if (tape.tracked.has(y)) accumulate(found, y, dy.retain());
    for (let n = tape.nodes.length - 1; n >= 0; n--) {
      const node = tape.nodes[n];
      pullBack(tape, node, found);
      for (const y of node.outs) {
        const d = found.get(y);
        if (d === undefined || wanted.has(y)) continue;
        d.release();
        found.delete(y);
      }
      if (consume) {
        tape.nodes.pop();
        releaseNode(node);
      }
    }
    done = true;
  } finally {
    for (const [x, d] of found) if (!done || !wanted.has(x)) d.release();
  }
  return targets.map((x) => found.get(x) ?? null);
}

/** Adds to what was found the cotangents of one node's inputs. */
function pullBack(tape: Tape, { pullback, inputs, outs }: Node, found: Found): void {
  const dz = outs.map((y) => found.get(y) ?? null);
  if (pullback === null || dz.every((d) => d === null)) return;
  const needs = inputs.map((x) => tape.tracked.has(x));
  const grads = ownedScope(() => pullback(dz, needs).map((g, i) => (needs[i] ? g : null)));
  // ownedScope gives one owner per distinct tensor; a cotangent that serves two inputs needs one more.
  const seen = new Set<Tensor>();
  const pending: [Tensor, Tensor][] = [];
  grads.forEach((g, i) => {
    if (g === null) return;
    pending.push([inputs[i], seen.has(g) ? g.retain() : g]);
    seen.add(g);
  });
  try {
    for (let next = pending.shift(); next !== undefined; next = pending.shift()) accumulate(found, ...next);
  } finally {
    for (const [, g] of pending) g.release();
  }
}

/** Adds an owned cotangent of x to the one found before, which it replaces. */
function accumulate(found: Found, x: Tensor, owned: Tensor): void {
  const before = found.get(x);
  if (before === undefined) {
    found.set(x, owned);
    return;
  }
  found.delete(x);
  try {
    found.set(
      x,
      ownedScope(() => addCotangents(before, owned)),
    );
  } finally {
    before.release();
    owned.release();
  }
}

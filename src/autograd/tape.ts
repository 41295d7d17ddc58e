import { onScopeEnd, type Tensor } from '../tensor/index.js';
import type { Node } from './op.js';

/**
 * What was executed since the tape opened, as far as it depends on the watched tensors.
 * Tapes nest, and each open one hears of every op: the backward walk of an inner gradient is itself made of ops,
 * so an outer gradient differentiates through it.
 */
export interface Tape {
  readonly nodes: Node[];
  readonly tracked: Set<Tensor>;
  /** Whether the nodes were let go: a walk over what is left would find zeros. */
  released: boolean;
}

type Listener = (node: Node) => void;

const openTapes: Tape[] = [];
const listeners = new Set<Listener>();

/** Whether anybody would hear of an op. */
export const isHeard = (): boolean => openTapes.length > 0 || listeners.size > 0;

/** Called by the op runner after every op that somebody hears of. */
export function notify(node: Node): void {
  for (const tape of openTapes) {
    if (node.pullback === null || !node.inputs.some((x) => tape.tracked.has(x))) continue;
    tape.nodes.push(node);
    for (const x of node.inputs) x.retain();
    for (const y of node.outs) {
      y.retain();
      tape.tracked.add(y);
    }
  }
  for (const listener of listeners) listener(node);
}

/** Runs `fn` while `listener` hears of every op, tracked or not: for `trace`. */
export function listen<T>(listener: Listener, fn: () => T): T {
  listeners.add(listener);
  try {
    return fn();
  } finally {
    listeners.delete(listener);
  }
}

/** Runs `fn` with a new tape open that watches `watched`. On an error the tape lets go of all it holds. */
export function record<T>(watched: readonly Tensor[], fn: () => T): { tape: Tape; result: T } {
  const tape: Tape = { nodes: [], tracked: new Set(watched), released: false };
  openTapes.push(tape);
  let done = false;
  try {
    const result = fn();
    done = true;
    return { tape, result };
  } finally {
    openTapes.splice(openTapes.indexOf(tape), 1);
    if (!done) releaseTape(tape);
  }
}

/** Lets go of every tensor that the tape still holds. */
export function releaseTape(tape: Tape): void {
  tape.released = true;
  for (const node of tape.nodes.splice(0)) releaseNode(node);
}

/** Lets go of what one node holds. */
export function releaseNode(node: Node): void {
  for (const x of node.inputs) x.release();
  for (const y of node.outs) y.release();
}

/** Frees the tape when the scope around ends: for pullbacks that may be called any number of times. */
export function freeWithScope(tape: Tape): void {
  onScopeEnd(() => releaseTape(tape));
}

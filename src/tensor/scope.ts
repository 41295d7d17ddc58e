import { PopeError } from '../util/index.js';
import type { Tensor } from './tensor.js';
import { leavesOf, type Tree } from './tree.js';

interface Frame {
  readonly made: Set<Tensor>;
  readonly finalizers: (() => void)[];
  readonly parent: Frame | null;
}

let current: Frame | null = null;

/** Every new tensor belongs to the innermost open scope; outside of all scopes the garbage collector owns it. */
export function registerInScope(tensor: Tensor): void {
  if (current === null) tensor.watch();
  else current.made.add(tensor);
}

/** Runs `finalizer` when the innermost open scope ends (a tape frees what it still holds); at once never, without one. */
export function onScopeEnd(finalizer: () => void): void {
  current?.finalizers.push(finalizer);
}

/**
 * Runs `fn`, then frees every tensor that was made in it and is not part of what it returns.
 * What it returns belongs to the scope around, if there is one.
 * @throws PopeError where `fn` is asynchronous: await outside, read inside with dataSync.
 */
export function scope<T>(fn: () => T): T {
  const { result, made } = enter(fn);
  for (const tensor of new Set(leavesOf(result))) {
    if (current !== null) giveToScope(tensor);
    else if (made.has(tensor)) tensor.watch();
    else tensor.release();
  }
  return result;
}

/**
 * As `scope`, but every distinct tensor of the result gets one owner for the caller, who must release it:
 * the form that the backward walk needs, which frees each cotangent as soon as it is consumed.
 */
export function ownedScope<T>(fn: () => T): T {
  return enter(fn).result;
}

function enter<T>(fn: () => T): { result: T; made: ReadonlySet<Tensor> } {
  const frame: Frame = { made: new Set(), finalizers: [], parent: current };
  current = frame;
  try {
    const result = fn();
    if (result instanceof Promise) {
      throw new PopeError(
        'scope() got an asynchronous function; expected a synchronous one. Await outside of the scope.',
        {
          argument: 'fn',
        },
      );
    }
    for (const tensor of new Set(leavesOf(result))) tensor.retain();
    return { result, made: frame.made };
  } finally {
    current = frame.parent;
    for (const finalizer of frame.finalizers) finalizer();
    for (const tensor of frame.made) tensor.release();
  }
}

/** Hands a tensor that the caller owns to the innermost open scope. */
export function giveToScope(tensor: Tensor): Tensor {
  if (current?.made.has(tensor)) tensor.release();
  else registerInScope(tensor);
  return tensor;
}

/** Frees the tensors of a tree now: for loops that replace parameters outside of any scope. */
export function dispose(tree: Tree | unknown): void {
  for (const tensor of new Set(leavesOf(tree))) tensor.release();
}

import { dtypeOf, type Handle, type TypedArray } from '../../tensor/index.js';
import type { Backend, Operand } from '../backend.js';
import { createJsBackend } from '../js/index.js';
import type { Block, Memory } from './memory.js';

/** The verbs of a backend that compute; the rest handles buffers. */
export type Verbs = Omit<Backend, 'name' | 'read' | 'readSync' | 'free' | 'watch' | 'upload' | 'fill'>;

/** All that the js backend has: the linear layer and the packed attention are compositions there. */
type JsVerbs = Required<Omit<Verbs, 'linear' | 'linearGelu' | 'selfAttention' | 'selfAttentionGrad'>>;

/** A copy of the numbers in linear memory. */
export function store(memory: Memory, data: TypedArray): Block {
  const block = memory.allocate(data.byteLength);
  memory.view(block.address, dtypeOf(data), data.length).set(data);
  return block;
}

/**
 * Every verb, computed by the js backend on views of linear memory: what has no kernel yet has the same meaning, and
 * the reference is never further away than one property.
 */
export function throughJs(memory: Memory): JsVerbs {
  const js = createJsBackend({ keepBytes: 64 * 1024 * 1024 });
  const isOperand = (x: unknown): x is Operand => typeof x === 'object' && x !== null && 'handle' in x;
  const viewed = (x: unknown): unknown => {
    if (isOperand(x)) return { ...x, handle: memory.view((x.handle as Block).address, x.dtype, x.size) };
    return Array.isArray(x) && isOperand(x[0]) ? x.map(viewed) : x;
  };
  const stored = (result: Handle): Block => {
    const array = result as TypedArray;
    const block = store(memory, array);
    js.free(array, dtypeOf(array), array.length);
    return block;
  };
  const { name, read, readSync, free, upload, fill, ...verbs } = js;
  const wrapped = Object.entries(verbs).map(([key, verb]) => [
    key,
    (...args: unknown[]) => {
      const result = (verb as (...args: unknown[]) => Handle | Handle[])(...args.map(viewed));
      return Array.isArray(result) ? result.map(stored) : stored(result);
    },
  ]);
  return Object.fromEntries(wrapped) as JsVerbs;
}

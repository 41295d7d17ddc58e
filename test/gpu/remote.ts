import type { Backend, Operand } from '../../src/backend/index.js';
import { bytesPerElement, type DType, type Handle, newArray, type TypedArray } from '../../src/tensor/index.js';

// The shared suites read at once, which a GPU cannot. Here it lives in a worker: this side sends every verb there and
// stops until it is answered, so the suites run unchanged.

/** Where both sides meet: [state, bytes of the answer], then the answer. */
export interface Channel {
  readonly state: Int32Array;
  readonly bytes: Uint8Array;
}
export const WAITING = 0;
export const DONE = 1;
export const FAILED = 2;

export const openChannel = (shared: SharedArrayBuffer): Channel => ({
  state: new Int32Array(shared, 0, 2),
  bytes: new Uint8Array(shared, 8),
});
export const CHANNEL_BYTES = 2 ** 25;

/** A number, a list, or an operand whose handle is the number that the worker knows it by. */
export interface Request {
  readonly verb: string;
  readonly args: readonly unknown[];
}

/** The verbs of `Backend` that make something. */
const VERBS = [
  'upload',
  'fill',
  'cast',
  'map',
  'zip',
  'where',
  'reduce',
  'argmax',
  'matmul',
  'dropout',
  'permute',
  'expand',
  'slice',
  'pad',
  'concat',
  'gather',
  'scatterAdd',
  'takeAlong',
  'putAlongAdd',
  'softmax',
  'softmaxGrad',
  'logSoftmax',
  'logSoftmaxGrad',
  'gatherLogProb',
  'gatherLogProbGrad',
  'layerNorm',
  'layerNormGrad',
  'adamw',
] as const;

const isOperand = (x: unknown): x is Operand => typeof x === 'object' && x !== null && 'handle' in x;
const plain = (x: unknown): unknown =>
  isOperand(x)
    ? { handle: x.handle, shape: x.shape, size: x.size, dtype: x.dtype }
    : Array.isArray(x) && isOperand(x[0])
      ? x.map(plain)
      : x;

/** A backend that is another one in a worker. `wait` stops until the worker has notified; it may return before. */
export function remoteBackend(
  channel: Channel,
  send: (request: Request) => void,
  wait: (channel: Channel) => void,
): Backend {
  const call = (verb: string, args: readonly unknown[]): Uint8Array => {
    Atomics.store(channel.state, 0, WAITING);
    send({ verb, args: args.map(plain) });
    // again: the last answer's notify may come after this request was sent, and wakes this side too early
    while (Atomics.load(channel.state, 0) === WAITING) wait(channel);
    const answer = channel.bytes.slice(0, channel.state[1]);
    if (Atomics.load(channel.state, 0) === FAILED) throw new Error(new TextDecoder().decode(answer));
    return answer;
  };
  const made = (answer: Uint8Array): Handle | Handle[] => JSON.parse(new TextDecoder().decode(answer)) as Handle;
  const readSync = (handle: Handle, dtype: DType, size: number): TypedArray => {
    const out = newArray(dtype, size);
    new Uint8Array(out.buffer).set(call('read', [handle, dtype, size]).subarray(0, size * bytesPerElement[dtype]));
    return out;
  };
  const verbs = VERBS.map((verb) => [verb, (...args: unknown[]) => made(call(verb, args))]);
  return {
    name: 'gpu in a worker',
    ...(Object.fromEntries(verbs) as Omit<Backend, 'name' | 'read' | 'readSync' | 'free'>),
    read: async (...args) => readSync(...args),
    readSync,
    free: (...args) => void call('free', args),
  };
}

/** The worker's side: answers requests with the verbs of `opening`. */
export function serve(opening: Promise<Backend>, channel: Channel): (request: Request) => Promise<void> {
  const handles = new Map<number, Handle>();
  let next = 1;
  const keep = (handle: Handle): number => {
    handles.set(next, handle);
    return next++;
  };
  const own = (x: unknown): unknown =>
    isOperand(x)
      ? { ...x, handle: handles.get(x.handle as number) }
      : Array.isArray(x) && isOperand(x[0])
        ? x.map(own)
        : x;
  const answer = (state: number, bytes: Uint8Array): void => {
    channel.bytes.set(bytes);
    channel.state[1] = bytes.length;
    Atomics.store(channel.state, 0, state);
    Atomics.notify(channel.state, 0);
  };
  return async ({ verb, args }) => {
    try {
      const backend = await opening;
      if (verb === 'read') {
        const [id, dtype, size] = args as [number, DType, number];
        const data = await backend.read(handles.get(id), dtype, size);
        answer(DONE, new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
        return;
      }
      if (verb === 'free') {
        const [id, dtype, size] = args as [number, DType, number];
        backend.free(handles.get(id), dtype, size);
        handles.delete(id);
        answer(DONE, new Uint8Array(0));
        return;
      }
      const run = backend[verb as keyof Backend] as (...all: unknown[]) => Handle | Handle[];
      const result = run(...args.map(own));
      const ids = Array.isArray(result) ? result.map(keep) : keep(result);
      answer(DONE, new TextEncoder().encode(JSON.stringify(ids)));
    } catch (error) {
      answer(FAILED, new TextEncoder().encode((error as Error).message));
    }
  };
}

import type { DType } from '../../tensor/index.js';
import type { KernelName, Kernels } from './kernels.js';
import type { Memory } from './memory.js';

/** How kernels' names end. */
export const suffixOf = (dtype: DType): 'f32' | 'f64' => (dtype === 'float32' ? 'f32' : 'f64');

/** Memory that each thread has for itself: `bytes` a thread, from the address that stands at `args[argument]`. */
export interface Scratch {
  readonly argument: number;
  readonly bytes: number;
}

/**
 * Runs a kernel over the rows [0, rows): with threads in pieces of `grain` rows, which whoever is free takes. The
 * pieces are the same whatever the number of threads, and no row's bits depend on its piece.
 */
export type Dispatch = (
  name: KernelName,
  rows: number,
  grain: number,
  args: readonly number[],
  scratch?: Scratch,
) => void;

/** What verbs need to run kernels. */
export interface Engine {
  readonly memory: Memory;
  readonly dispatch: Dispatch;
  /** Threads that may work at once, the calling one included. */
  readonly threads: number;
}

export interface ThreadPool {
  readonly dispatch: Dispatch;
  readonly threads: number;
  /** Ends the workers; work goes on in the calling thread. */
  close(): Promise<void>;
}

/** One thread: the kernel itself. */
export const inOneThread =
  (kernels: Kernels): Dispatch =>
  (name, rows, _grain, args) =>
    kernels[name](0, rows, ...args);

import { type DType, type TypedArray, viewArray } from '../../tensor/index.js';
import { PopeError } from '../../util/index.js';
import type { Operand } from '../backend.js';
import { freeList } from './free-list.js';
import { type LinearMemory, webAssembly } from './web-assembly.js';

const PAGE = 65536;

/** How many blocks, and bytes, wait at most until the collector is asked to watch them. */
const BATCH = 256;
const BATCH_BYTES = 2 ** 23;

/** A buffer in linear memory, as tensors hold it. */
export interface Block {
  /** First byte; a multiple of 64. */
  readonly address: number;
  /** Bytes taken: those asked for, rounded up to a size class. */
  readonly bytes: number;
  /** `waiting` to be watched, or `watched`: the garbage collector tells of its end. */
  state: 'owned' | 'waiting' | 'watched' | 'freed';
}

/** First byte of an operand. */
export const addressOf = (x: Operand): number => (x.handle as Block).address;

/** Bytes now and at most so far. */
export interface MemoryUse {
  /** Bytes of live tensors. */
  readonly usedBytes: number;
  /** The largest `usedBytes` so far. */
  readonly peakBytes: number;
  /** Bytes of linear memory: it never shrinks. */
  readonly heldBytes: number;
  readonly maxBytes: number;
}

export interface Memory extends MemoryUse {
  readonly linear: LinearMemory;
  /** @throws PopeError (code `out_of_memory`) where the limit is reached. */
  allocate(bytes: number): Block;
  free(block: Block): void;
  /** Notes from here on what is taken. */
  begin(): void;
  /** Frees what was taken since `begin` and is not yet free. */
  undo(): void;
  /** Frees the block when the collector finds that nobody holds it. */
  watch(block: Block): void;
  /** The numbers of a buffer, in place; valid until the next allocation. */
  view(address: number, dtype: DType, size: number): TypedArray;
  readonly float32: Float32Array;
  readonly int32: Int32Array;
}

/**
 * Linear memory with its allocator: size classes, freed blocks reused in last-in-first-out order (they are still in
 * the cache), growth by a quarter at least.
 * @param base first byte that may be used.
 */
export function createMemory(linear: LinearMemory, base: number, maxBytes: number): Memory {
  const list = freeList();
  let top = (base + 63) & -64;
  let held = linear.buffer.byteLength;
  let used = 0;
  let peak = 0;
  let float32 = new Float32Array(linear.buffer);
  let int32 = new Int32Array(linear.buffer);

  const grow = (needed: number): void => {
    // a quarter more than asked for, so that a program that grows does so seldom
    const wanted = Math.min(maxBytes, Math.max(needed, held + Math.min(held / 4, 256 * 1024 * 1024)));
    const tryGrow = (target: number): boolean => {
      try {
        linear.grow(Math.ceil((target - held) / PAGE));
        return true;
      } catch {
        return false;
      }
    };
    if (needed > maxBytes || !(tryGrow(wanted) || tryGrow(needed))) throw outOfMemory(needed);
    held = linear.buffer.byteLength;
    float32 = new Float32Array(linear.buffer);
    int32 = new Int32Array(linear.buffer);
  };
  const outOfMemory = (needed: number): PopeError =>
    new PopeError(
      `the wasm backend needs ${megabytes(needed)} of memory, of which live tensors hold ${megabytes(used)}; expected at most ${megabytes(maxBytes)}. Work in a scope(), or raise maxBytes.`,
      { argument: 'maxBytes', got: needed, expected: `at most ${maxBytes}`, code: 'out_of_memory' },
    );
  const place = (bytes: number): number => {
    const known = list.take(bytes);
    if (known !== undefined) return known;
    if (top + bytes > held) {
      // before it grows, neighbours that were freed may make room together
      const merged = list.mergedTake(bytes, top);
      top = merged.top;
      if (merged.address !== undefined) return merged.address;
      if (top + bytes > held) grow(top + bytes);
    }
    const address = top;
    top += bytes;
    return address;
  };
  const free = (block: Block): void => {
    if (block.state === 'watched') registry.unregister(block);
    block.state = 'freed';
    used -= block.bytes;
    list.give(block.address, block.bytes);
  };
  // The held value must not hold the block itself, or it would live for ever.
  const registry = new FinalizationRegistry<{ readonly address: number; readonly bytes: number }>(
    ({ address, bytes }) => {
      used -= bytes;
      list.give(address, bytes);
    },
  );
  // A training loop leaves its parameters outside of scopes and frees them one step later. To register and unregister
  // each would take longer than small kernels do: so blocks wait in a batch, and most are free when it is looked at.
  const taken: Block[] = [];
  const waiting: Block[] = [];
  let waitingBytes = 0;
  const watchBatch = (): void => {
    for (const block of waiting.splice(0)) {
      if (block.state !== 'waiting') continue;
      block.state = 'watched';
      registry.register(block, { address: block.address, bytes: block.bytes }, block);
    }
    waitingBytes = 0;
  };
  return {
    linear,
    allocate(bytes) {
      const rounded = sizeClass(bytes);
      const address = place(rounded);
      used += rounded;
      if (used > peak) peak = used;
      const block: Block = { address, bytes: rounded, state: 'owned' };
      taken.push(block);
      return block;
    },
    free,
    begin: () => void (taken.length = 0),
    undo: () => taken.forEach((block) => void (block.state === 'owned' && free(block))),
    watch(block) {
      if (block.state !== 'owned') return;
      block.state = 'waiting';
      waiting.push(block);
      waitingBytes += block.bytes;
      if (waiting.length >= BATCH || waitingBytes >= BATCH_BYTES) watchBatch();
    },
    view: (address, dtype, size) => viewArray(dtype, linear.buffer, address, size),
    get float32() {
      return float32;
    },
    get int32() {
      return int32;
    },
    get usedBytes() {
      return used;
    },
    get peakBytes() {
      return peak;
    },
    get heldBytes() {
      return held;
    },
    maxBytes,
  };
}

/** Multiples of 64 up to 512, then eight classes an octave: at most an eighth is wasted. */
function sizeClass(bytes: number): number {
  if (bytes <= 512) return Math.max(64, (bytes + 63) & -64);
  const step = 2 ** (28 - Math.clz32(bytes - 1));
  return Math.ceil(bytes / step) * step;
}

const megabytes = (bytes: number): string => `${Math.ceil(bytes / 1e6).toLocaleString('en')} MB`;

/**
 * A linear memory of one page that may grow to `maxBytes`. Some places refuse to promise that much address space:
 * then half of it, and so on.
 */
export function linearMemory(maxBytes: number, shared = false): LinearMemory {
  const { Memory } = webAssembly()!;
  for (let maximum = Math.ceil(maxBytes / PAGE); ; maximum = Math.ceil(maximum / 2)) {
    try {
      return new Memory({ initial: 1, maximum, shared });
    } catch (error) {
      if (maximum <= 256) throw error;
    }
  }
}

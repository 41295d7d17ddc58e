import type { TypedArray } from '../../tensor/index.js';
import { PopeError } from '../../util/index.js';
import type { GpuBuffer, GpuRunner, KernelSource } from './runner.js';

/** What a tensor of the gpu backend holds: numbers on the device, or on their way there. */
export interface GpuHandle {
  /** The op that made it, as errors call it. */
  readonly op: string;
  readonly size: number;
  /** Resolves then; null where nothing is waited for. Never rejects: see `error`. */
  pending: Promise<void> | null;
  /** Why there will be no numbers. */
  error: unknown;
  /** The same numbers on this side, of int32 that were uploaded: for checks and reads that may not wait. */
  readonly known: TypedArray | undefined;
  readonly slot: Slot;
}

/** What outlives a handle that the garbage collector takes. */
interface Slot {
  /** Set once the kernel that writes it was submitted. */
  buffer: GpuBuffer | undefined;
  /** Submissions that still need the buffer, and the tensor itself until it is freed. */
  uses: number;
}

/** Makes submissions with the buffers of the inputs, and gives those of the outputs. */
type Submission = (inputs: readonly GpuBuffer[]) => readonly GpuBuffer[];

/** Launches kernels on handles: at once, or as soon as what they wait for is there. */
export interface Launcher {
  upload(op: string, data: Float32Array, known?: TypedArray): GpuHandle;
  launch(
    op: string,
    kernel: KernelSource,
    inputs: readonly GpuHandle[],
    integers: readonly number[],
    floats: readonly number[],
    size: number,
  ): GpuHandle;
  /** A submission of several outputs. */
  submitMany(op: string, inputs: readonly GpuHandle[], sizes: readonly number[], run: Submission): GpuHandle[];
  /** How often numbers went over, came back, and kernels were submitted. */
  readonly counts: { readonly uploads: number; readonly reads: number; readonly launches: number };
  /** Whether what is launched is being noted: what would be frozen into a recording is refused then. */
  isRecording: boolean;
  /** The numbers. @throws PopeError naming the op that failed. */
  read(handle: GpuHandle): Promise<Float32Array>;
  /** One use less; the last gives the buffer back. */
  release(handle: GpuHandle): void;
  /** Releases the handle when the garbage collector finds that nobody holds it. */
  watch(handle: GpuHandle): void;
}

export function createLauncher(runner: GpuRunner): Launcher {
  const counts = { uploads: 0, reads: 0, launches: 0 };
  const handle = (op: string, size: number, known?: TypedArray): GpuHandle => {
    if (size > runner.maxSize) {
      throw new PopeError(
        `${op} makes a tensor of ${size} elements; expected at most ${runner.maxSize} on the gpu backend, where indices are float32.`,
        { code: 'out_of_memory' },
      );
    }
    return { op, size, pending: null, error: null, known, slot: { buffer: undefined, uses: 1 } };
  };

  const assertThere = (): void => {
    const why = runner.gone();
    if (why !== null) throw gone(why);
  };

  function releaseSlot(slot: Slot): void {
    slot.uses--;
    if (slot.uses > 0 || slot.buffer === undefined) return;
    runner.free(slot.buffer);
    slot.buffer = undefined;
  }
  const watched = new FinalizationRegistry<Slot>(releaseSlot);
  function release({ slot }: GpuHandle): void {
    if (slot.uses === 1) watched.unregister(slot);
    releaseSlot(slot);
  }

  /** Submits, unless an input is broken. */
  function submit(outs: readonly GpuHandle[], inputs: readonly GpuHandle[], run: Submission): void {
    const broken = inputs.find(({ error }) => error !== null);
    try {
      if (broken !== undefined) throw broken.error;
      assertThere();
      const buffers = run(inputs.map(({ slot }) => slot.buffer));
      outs.forEach(({ slot }, i) => {
        // freed while it waited
        if (slot.uses === 0) runner.free(buffers[i]);
        else slot.buffer = buffers[i];
      });
    } catch (error) {
      for (const out of outs) out.error = error === broken?.error ? error : failed(out.op, error);
    }
  }

  /** Submits at once, or when the inputs and `building` are there. */
  function submitWhenReady(
    outs: readonly GpuHandle[],
    inputs: readonly GpuHandle[],
    building: Promise<void> | null,
    run: Submission,
  ): void {
    const waits = inputs.map(({ pending }) => pending).filter((pending) => pending !== null);
    if (building !== null) waits.push(building);
    if (waits.length === 0) {
      submit(outs, inputs, run);
      return;
    }
    if (launcher.isRecording)
      throw new PopeError('a captured function took another way when it was noted; expected the same ops each time.');
    for (const { slot } of inputs) slot.uses++;
    const done = Promise.all(waits)
      .then(
        () => submit(outs, inputs, run),
        (error: unknown) => {
          for (const out of outs) out.error = failed(out.op, error);
        },
      )
      .then(() => {
        for (const out of outs) out.pending = null;
        for (const input of inputs) release(input);
      });
    for (const out of outs) out.pending = done;
  }

  const launcher: Launcher = {
    isRecording: false,
    counts,
    upload(op, data, known) {
      const out = handle(op, data.length, known);
      counts.uploads++;
      const why = runner.gone();
      if (why === null) out.slot.buffer = runner.upload(data);
      else out.error = failed(op, gone(why));
      return out;
    },
    launch(op, kernel, inputs, integers, floats, size) {
      if (size === 0) return launcher.upload(op, new Float32Array(0));
      const out = handle(op, size);
      counts.launches++;
      submitWhenReady([out], inputs, runner.prepare(kernel), (buffers) => [
        runner.launch(kernel, buffers, integers, floats, size),
      ]);
      return out;
    },
    submitMany(op, inputs, sizes, run) {
      const outs = sizes.map((size) => handle(op, size));
      submitWhenReady(outs, inputs, null, run);
      return outs;
    },
    async read(h) {
      counts.reads++;
      h.slot.uses++;
      try {
        await h.pending;
        if (h.error !== null) throw h.error;
        assertThere();
        return await runner.read(h.slot.buffer, h.size);
      } catch (error) {
        throw error instanceof PopeError ? error : failed(h.op, error);
      } finally {
        release(h);
      }
    },
    release,
    watch: (handle) => watched.register(handle, handle.slot, handle.slot),
  };
  return launcher;
}

const gone = (why: string): Error => new Error(`${why}; make a new one with createGpuBackend().`);

/** The error of one op, as it reaches the reader. */
function failed(op: string, cause: unknown): PopeError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new PopeError(`${op} failed on the gpu backend: ${why}`, { code: 'gpu_failed', cause });
}

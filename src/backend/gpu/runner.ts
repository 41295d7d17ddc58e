/** A buffer of float32 numbers on the device; a runner knows what it is. */
export type GpuBuffer = unknown;

/**
 * A kernel as gpu.js takes it: the body of a function that computes the element `this.thread.x` of a flat output. Source
 * text and never a function, which bundlers, minifiers and coverage tools would rewrite.
 */
export interface KernelSource {
  readonly name: string;
  /** Names of the flat input buffers. */
  readonly buffers: readonly string[];
  /** Names of arguments that are integers below 2^24. */
  readonly integers: readonly string[];
  /** Names of arguments that are numbers. */
  readonly floats: readonly string[];
  readonly body: string;
  /** Numbers that a thread computes and returns as a list; 1 where absent. Only WebGPU has such kernels. */
  readonly lanes?: 4;
  /** A kernel that only WebGPU has: WGSL that stands in the place of the entry point which gpu.js makes of the body. */
  readonly entry?: {
    readonly code: string;
    /** Workgroups to dispatch. */
    groups(integers: readonly number[]): number[];
  };
}

/** Submissions that can be made again, all at once. */
export interface Recording {
  /** Copies numbers into buffers of the recording, runs it, and copies `results` out of it, in one submission. */
  replay(
    copies: readonly { readonly from: GpuBuffer; readonly to: GpuBuffer }[],
    results: readonly GpuBuffer[],
  ): GpuBuffer[];
  /** Gives its buffers back; it cannot be replayed after. */
  free(): void;
}

/** The sentence of `gone`. */
export const goneBecause = (destroyed: boolean, lost: boolean): string | null =>
  destroyed ? 'the backend was destroyed' : lost ? 'the GPU device was lost' : null;

/** One way to compute on a GPU: WebGPU or WebGL2, both by way of gpu.js. */
export interface GpuRunner {
  readonly api: 'webgpu' | 'webgl2';
  /** What the driver calls itself. */
  readonly adapter: string;
  /** Elements that one buffer may have. */
  readonly maxSize: number;
  /** Compiles a kernel once; until the promise resolves it must not be launched. Null where it already is. */
  prepare(kernel: KernelSource): Promise<void> | null;
  /** Submits a kernel that is prepared; the result can be used at once. */
  launch(
    kernel: KernelSource,
    buffers: readonly GpuBuffer[],
    integers: readonly number[],
    floats: readonly number[],
    size: number,
  ): GpuBuffer;
  upload(data: Float32Array): GpuBuffer;
  read(buffer: GpuBuffer, size: number): Promise<Float32Array>;
  free(buffer: GpuBuffer): void;
  /** Runs `run`, noting what it submits; absent where it cannot be replayed. All kernels must be prepared. */
  record?(run: () => void): Recording;
  /** Bytes of buffers that are in use, and of those kept for reuse. */
  memory(): { readonly bytesInUse: number; readonly bytesKept: number; readonly buffers: number };
  /** Why nothing runs on it again: its device was lost, or it was destroyed; null as long as it works. */
  gone(): string | null;
  /** Gives back what it holds, and the device where nobody else uses it. */
  destroy(): Promise<void>;
}

import type { DeviceBuffer } from './webgpu-buffers.js';

// The parts of WebGPU and of gpu.js's WebGPU kernels that are used here; their types are no part of our build.

export interface WebGpuDevice {
  readonly limits: { readonly maxStorageBufferBindingSize: number; readonly maxBufferSize: number };
  readonly queue: {
    writeBuffer(buffer: DeviceBuffer, offset: number, data: Float32Array | ArrayBuffer): void;
    submit(commands: readonly unknown[]): void;
  };
  createBuffer(descriptor: { size: number; usage: number }): DeviceBuffer;
  createBindGroup(descriptor: {
    layout: unknown;
    entries: readonly { readonly binding: number; readonly resource: { readonly buffer: DeviceBuffer } }[];
  }): unknown;
  createCommandEncoder(): {
    copyBufferToBuffer(from: DeviceBuffer, at: number, to: DeviceBuffer, into: number, size: number): void;
    beginComputePass(): {
      setPipeline(pipeline: unknown): void;
      setBindGroup(index: number, group: unknown): void;
      dispatchWorkgroups(x: number, y: number, z: number): void;
      end(): void;
    };
    finish(): unknown;
  };
  onuncapturederror: ((event: { readonly error: { readonly message: string } }) => void) | null;
  readonly lost: Promise<unknown>;
  destroy(): void;
}

export interface Context {
  readonly device: WebGpuDevice;
  readonly adapter: { readonly info?: { vendor?: string; architecture?: string; description?: string } };
  readonly isLost: boolean;
}

/** What `WebGPUKernel` of gpu.js calls itself inside. */
export interface WebGpuKernel {
  built: boolean;
  context: Context;
  outputBuffer: DeviceBuffer | null;
  threadDim: number[];
  workgroupSize: number[];
  bindGroupDirty: boolean;
  readonly bindGroupLayout: unknown;
  readonly computePipeline: unknown;
  readonly paramsMirror: ArrayBuffer;
  build(...args: readonly unknown[]): Promise<void>;
  run(...args: readonly unknown[]): Promise<unknown>;
  setOutput(output: readonly number[]): void;
  assembleWGSL(): string;
  _computeDispatch(threads: readonly number[]): { groups: number[]; dispatchWidth: number };
  _ensureOutputBuffer(): void;
}

/** A buffer as a kernel of gpu.js takes it: what it checks of a `WebGPUBufferResult`. */
export interface BoundBuffer {
  readonly type: 'WebGPUBuffer';
  readonly buffer: DeviceBuffer;
  readonly output: readonly [number];
  readonly componentCount: 1;
  readonly context: Context;
  readonly _deleted: false;
}

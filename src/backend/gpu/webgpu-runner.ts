import { PopeError } from '../../util/index.js';
import { addFunctions, createKernel, type GpuJs } from './gpu-js.js';
import type { GpuBuffer, GpuRunner, KernelSource } from './runner.js';

// The parts of WebGPU and of gpu.js's WebGPU kernels that are used here; their types are no part of our build.

interface DeviceBuffer {
  readonly size: number;
  destroy(): void;
  mapAsync(mode: number): Promise<void>;
  getMappedRange(): ArrayBuffer;
  unmap(): void;
}

interface WebGpuDevice {
  readonly limits: { readonly maxStorageBufferBindingSize: number; readonly maxBufferSize: number };
  readonly queue: {
    writeBuffer(buffer: DeviceBuffer, offset: number, data: Float32Array): void;
    submit(commands: readonly unknown[]): void;
  };
  createBuffer(descriptor: { size: number; usage: number }): DeviceBuffer;
  createCommandEncoder(): {
    copyBufferToBuffer(from: DeviceBuffer, at: number, to: DeviceBuffer, into: number, size: number): void;
    finish(): unknown;
  };
  destroy(): void;
}

interface Context {
  readonly device: WebGpuDevice;
  readonly adapter: { readonly info?: { vendor?: string; architecture?: string; description?: string } };
  readonly isLost: boolean;
}

/** What `WebGPUKernel` of gpu.js calls itself inside. */
interface WebGpuKernel {
  built: boolean;
  context: Context;
  outputBuffer: DeviceBuffer | null;
  threadDim: number[];
  workgroupSize: number[];
  bindGroupDirty: boolean;
  build(...args: readonly unknown[]): Promise<void>;
  run(...args: readonly unknown[]): Promise<unknown>;
  setOutput(output: readonly number[]): void;
  assembleWGSL(): string;
  _computeDispatch(threads: readonly number[]): { groups: number[]; dispatchWidth: number };
  _ensureOutputBuffer(): void;
}

/** A buffer as a kernel of gpu.js takes it: what it checks of a `WebGPUBufferResult`. */
interface BoundBuffer {
  readonly type: 'WebGPUBuffer';
  readonly buffer: DeviceBuffer;
  readonly output: readonly [number];
  readonly componentCount: 1;
  readonly context: Context;
  readonly _deleted: false;
}

const STORAGE = 0x80;
const COPY_SRC = 0x04;
const COPY_DST = 0x08;
const MAP_READ = 0x01;
/** Freed buffers wait for a result of their size up to this many bytes. */
const KEEP_BYTES = 2 ** 28;

interface Compiled {
  readonly kernel: WebGpuKernel;
  readonly ready: Promise<void>;
}

/** @throws PopeError (code `no_gpu`) where there is no adapter. */
export async function webGpuRunner(GPU: GpuJs): Promise<GpuRunner> {
  const gpu = new GPU({ mode: 'webgpu' });
  addFunctions(gpu);
  const compiled = new Map<string, Compiled>();
  const kept = new Map<number, DeviceBuffer[]>();
  let [bytesInUse, bytesKept, buffers] = [0, 0, 0];
  let context: Context | undefined;

  function compile(source: KernelSource): Compiled {
    const kernel = createKernel(gpu, source, 'WebGPUBuffer').kernel as WebGpuKernel;
    const { entry } = source;
    if (entry !== undefined) {
      const assemble = kernel.assembleWGSL;
      kernel.assembleWGSL = () => `${assemble.call(kernel).split('@compute')[0]}\n${entry.code}`;
    }
    // a build needs no result
    kernel._ensureOutputBuffer = () => undefined;
    const like: unknown[] = [...source.integers, ...source.floats].map(() => 1);
    const ready = kernel.build(...source.buffers.map(() => ({ type: 'WebGPUBuffer' })), ...like).then(() => {
      context ??= kernel.context;
      // every result gets a buffer of its own, out of those that were freed
      kernel._ensureOutputBuffer = () => {
        kernel.outputBuffer = take(kernel.threadDim[0] * 4 * (source.lanes ?? 1));
        kernel.bindGroupDirty = true;
      };
    });
    return { kernel, ready };
  }

  function take(bytes: number): DeviceBuffer {
    const size = Math.max(bytes, 4);
    const reused = kept.get(size)?.pop();
    bytesInUse += size;
    buffers++;
    if (reused === undefined) return context!.device.createBuffer({ size, usage: STORAGE | COPY_SRC | COPY_DST });
    bytesKept -= size;
    return reused;
  }

  const bind = (buffer: GpuBuffer): BoundBuffer => ({
    type: 'WebGPUBuffer',
    buffer: buffer as DeviceBuffer,
    output: [(buffer as DeviceBuffer).size / 4],
    componentCount: 1,
    context: context!,
    _deleted: false,
  });

  const first: KernelSource = {
    name: 'first',
    buffers: ['x'],
    integers: [],
    floats: [],
    body: 'return x[this.thread.x];',
  };
  try {
    await compile(first).ready;
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new PopeError(`WebGPU cannot be used: ${why}`, { code: 'no_gpu', cause });
  }
  const { device, adapter } = context!;
  const most = Math.min(device.limits.maxStorageBufferBindingSize, device.limits.maxBufferSize) / 4;
  const { vendor, architecture, description } = adapter.info ?? {};

  return {
    api: 'webgpu',
    adapter: [vendor, architecture, description].filter((part) => part).join(' ') || 'unnamed',
    // an index goes through a float32
    maxSize: Math.min(2 ** 24, most),
    prepare(source) {
      let found = compiled.get(source.name);
      if (found === undefined) {
        found = compile(source);
        found.ready.catch(() => undefined); // told at the read
        compiled.set(source.name, found);
      }
      return found.kernel.built ? null : found.ready;
    },
    launch(source, inputs, integers, floats, size) {
      const { kernel } = compiled.get(source.name)!;
      const { entry } = source;
      if (entry !== undefined) kernel._computeDispatch = () => ({ groups: entry.groups(integers), dispatchWidth: 0 });
      kernel.setOutput([size / (source.lanes ?? 1)]);
      void kernel.run(...inputs.map(bind), ...integers, ...floats);
      const result = kernel.outputBuffer!;
      kernel.outputBuffer = null;
      return result;
    },
    upload(data) {
      const buffer = take(data.byteLength);
      if (data.length > 0) device.queue.writeBuffer(buffer, 0, data);
      return buffer;
    },
    async read(buffer, size) {
      if (size === 0) return new Float32Array(0);
      const staging = device.createBuffer({ size: size * 4, usage: MAP_READ | COPY_DST });
      const encoder = device.createCommandEncoder();
      encoder.copyBufferToBuffer(buffer as DeviceBuffer, 0, staging, 0, size * 4);
      device.queue.submit([encoder.finish()]);
      try {
        await staging.mapAsync(MAP_READ);
        return new Float32Array(staging.getMappedRange().slice(0));
      } finally {
        staging.destroy();
      }
    },
    free(buffer) {
      const { size } = buffer as DeviceBuffer;
      bytesInUse -= size;
      buffers--;
      if (bytesKept + size > KEEP_BYTES) {
        (buffer as DeviceBuffer).destroy();
        return;
      }
      bytesKept += size;
      const same = kept.get(size);
      if (same === undefined) kept.set(size, [buffer as DeviceBuffer]);
      else same.push(buffer as DeviceBuffer);
    },
    memory: () => ({ bytesInUse, bytesKept, buffers }),
    isLost: () => context!.isLost,
    async destroy() {
      await gpu.destroy();
      device.destroy();
    },
  };
}

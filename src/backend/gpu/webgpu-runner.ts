import { PopeError } from '../../util/index.js';
import { addFunctions, createKernel, type GpuJs } from './gpu-js.js';
import type { GpuBuffer, GpuRunner, KernelSource, Recording } from './runner.js';
import { createBuffers, type DeviceBuffer } from './webgpu-buffers.js';

// The parts of WebGPU and of gpu.js's WebGPU kernels that are used here; their types are no part of our build.

interface WebGpuDevice {
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
interface BoundBuffer {
  readonly type: 'WebGPUBuffer';
  readonly buffer: DeviceBuffer;
  readonly output: readonly [number];
  readonly componentCount: 1;
  readonly context: Context;
  readonly _deleted: false;
}

const UNIFORM = 0x40;
const COPY_DST = 0x08;
const MAP_READ = 0x01;

interface Compiled {
  readonly kernel: WebGpuKernel;
  readonly ready: Promise<void>;
}

/** @throws PopeError (code `no_gpu`) where there is no adapter. */
export async function webGpuRunner(GPU: GpuJs): Promise<GpuRunner> {
  if ((globalThis as { navigator?: { gpu?: unknown } }).navigator?.gpu === undefined) {
    throw new PopeError('WebGPU cannot be used: there is no navigator.gpu.', { code: 'no_gpu' });
  }
  const gpu = new GPU({ mode: 'webgpu' });
  addFunctions(gpu);
  const compiled = new Map<string, Compiled>();
  const buffers = createBuffers();
  const take = (bytes: number, constant?: boolean): DeviceBuffer => buffers.take(context!.device, bytes, constant);
  /** Of the recording that is under way. */
  let steps: Step[] | null = null;
  /** What the device reported by itself: memory that it has not, for one. Told at the next read. */
  let complaint: string | null = null;
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
  device.onuncapturederror = ({ error }) => {
    complaint ??= error.message;
  };
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
      steps?.push(stepOf(device, kernel, inputs as readonly DeviceBuffer[], result));
      return result;
    },
    upload(data) {
      const buffer = take(data.byteLength, true);
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
        if (complaint !== null) {
          const why = complaint;
          complaint = null;
          throw new Error(why);
        }
        return new Float32Array(staging.getMappedRange().slice(0));
      } finally {
        staging.destroy();
      }
    },
    free: (buffer) => buffers.free(buffer as DeviceBuffer),
    memory: buffers.memory,
    record(run): Recording {
      const held = buffers.hold();
      const recorded: Step[] = [];
      steps = recorded;
      try {
        run();
      } finally {
        steps = null;
        held.close();
      }
      return {
        replay(copies, results) {
          const encoder = device.createCommandEncoder();
          const copy = (from: GpuBuffer, to: GpuBuffer): void => {
            const { size } = to as DeviceBuffer;
            encoder.copyBufferToBuffer(from as DeviceBuffer, 0, to as DeviceBuffer, 0, size);
          };
          for (const { from, to } of copies) copy(from, to);
          const pass = encoder.beginComputePass();
          for (const { pipeline, group, groups } of recorded) {
            pass.setPipeline(pipeline);
            pass.setBindGroup(0, group);
            pass.dispatchWorkgroups(groups[0], groups[1], groups[2]);
          }
          pass.end();
          const fresh = results.map((from) => {
            const to = take((from as DeviceBuffer).size);
            copy(from, to);
            return to;
          });
          device.queue.submit([encoder.finish()]);
          return fresh;
        },
        free() {
          held.destroy();
          for (const { params } of recorded) params.destroy();
        },
      };
    },
    isLost: () => context!.isLost,
    async destroy() {
      await gpu.destroy();
      device.destroy();
    },
  };
}

/** A dispatch with all that it is bound to. */
interface Step {
  readonly pipeline: unknown;
  readonly group: unknown;
  readonly groups: readonly number[];
  readonly params: DeviceBuffer;
}

/** The dispatch that a kernel has just made, with a copy of its parameters: its own serve the next call. */
function stepOf(
  device: WebGpuDevice,
  kernel: WebGpuKernel,
  inputs: readonly DeviceBuffer[],
  result: DeviceBuffer,
): Step {
  const params = device.createBuffer({ size: kernel.paramsMirror.byteLength, usage: UNIFORM | COPY_DST });
  device.queue.writeBuffer(params, 0, kernel.paramsMirror);
  const group = device.createBindGroup({
    layout: kernel.bindGroupLayout,
    entries: [params, ...inputs, result].map((buffer, binding) => ({ binding, resource: { buffer } })),
  });
  return { pipeline: kernel.computePipeline, group, groups: kernel._computeDispatch(kernel.threadDim).groups, params };
}

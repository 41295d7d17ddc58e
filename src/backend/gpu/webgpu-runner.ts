import { PopeError } from '../../util/index.js';
import { addFunctions, createKernel, type GpuJs } from './gpu-js.js';
import { type GpuBuffer, type GpuRunner, goneBecause, type KernelSource, type Recording } from './runner.js';
import { createBuffers, type DeviceBuffer } from './webgpu-buffers.js';
import { openDevice } from './webgpu-device.js';
import { type Step, stepOf } from './webgpu-step.js';
import type { BoundBuffer, Context, WebGpuKernel } from './webgpu-types.js';

const COPY_DST = 0x08;
const MAP_READ = 0x01;

interface Compiled {
  readonly kernel: WebGpuKernel;
  readonly ready: Promise<void>;
  /** After `ready` and all that is done then: gpu.js calls a kernel built a moment too early. */
  isReady: boolean;
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
  let destroyed = false;

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
    const made: Compiled = {
      kernel,
      isReady: false,
      ready: kernel.build(...source.buffers.map(() => ({ type: 'WebGPUBuffer' })), ...like).then(() => {
        context ??= kernel.context;
        // every result gets a buffer of its own, out of those that were freed
        kernel._ensureOutputBuffer = () => {
          kernel.outputBuffer = take(kernel.threadDim[0] * 4 * (source.lanes ?? 1));
          kernel.bindGroupDirty = true;
        };
        made.isReady = true;
      }),
    };
    return made;
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
  const use = await openDevice(
    async () => {
      await compile(first).ready;
      return context!;
    },
    (message) => {
      complaint ??= message;
    },
  ).catch((cause: unknown) => {
    const said = cause instanceof Error ? cause.message : String(cause);
    const why = said.includes('no adapter is available') ? 'no adapter is available.' : said;
    throw new PopeError(`WebGPU cannot be used: ${why}`, { code: 'no_gpu', cause });
  });
  const { device, adapter } = use.context;
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
      return found.isReady ? null : found.ready;
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
    free: (buffer) => void (destroyed || buffers.free(buffer as DeviceBuffer)),
    memory: buffers.memory,
    record(run): Recording {
      const held = buffers.hold();
      const recorded: Step[] = [];
      steps = recorded;
      try {
        run();
      } catch (error) {
        held.destroy();
        throw error;
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
          if (destroyed) return;
          held.destroy();
          for (const { params } of recorded) params.destroy();
        },
      };
    },
    gone: () => goneBecause(destroyed, context!.isLost),
    async destroy() {
      if (destroyed) return;
      destroyed = true;
      buffers.destroy();
      await gpu.destroy();
      await use.end();
    },
  };
}

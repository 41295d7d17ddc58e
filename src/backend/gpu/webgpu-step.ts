import type { DeviceBuffer } from './webgpu-buffers.js';
import type { WebGpuDevice, WebGpuKernel } from './webgpu-types.js';

const UNIFORM = 0x40;
const COPY_DST = 0x08;

/** A dispatch with all that it is bound to. */
export interface Step {
  readonly pipeline: unknown;
  readonly group: unknown;
  readonly groups: readonly number[];
  readonly params: DeviceBuffer;
}

/** The dispatch that a kernel has just made, with a copy of its parameters: its own serve the next call. */
export function stepOf(
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

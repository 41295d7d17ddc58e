import type { WebGpuDevice } from './webgpu-types.js';

/** Who uses a device, and is told what it reports by itself. */
const users = new WeakMap<WebGpuDevice, Set<(message: string) => void>>();

/**
 * gpu.js has one device for all that use it on a page or in a process. The last backend that ends gives it back; what a
 * device reports by itself (memory that it has not, for one) has no owner, so every backend on it is told.
 */
export function useDevice(device: WebGpuDevice, told: (message: string) => void): { end(): Promise<void> } {
  let all = users.get(device);
  if (all === undefined) {
    const fresh = new Set<(message: string) => void>();
    device.onuncapturederror = ({ error }) => {
      for (const tell of fresh) tell(error.message);
    };
    users.set(device, fresh);
    all = fresh;
  }
  const mine = all;
  mine.add(told);
  return {
    async end() {
      mine.delete(told);
      if (mine.size > 0) return;
      device.destroy();
      // gpu.js gives the device out until it has heard of its end
      await device.lost;
    },
  };
}

/** What is used of a GPUBuffer. */
export interface DeviceBuffer {
  readonly size: number;
  destroy(): void;
  mapAsync(mode: number): Promise<void>;
  getMappedRange(): ArrayBuffer;
  unmap(): void;
}

interface BufferDevice {
  createBuffer(descriptor: { size: number; usage: number }): DeviceBuffer;
}

const STORAGE = 0x80;
const COPY_SRC = 0x04;
const COPY_DST = 0x08;
/** Freed buffers wait for a result of their size up to this many bytes. */
const KEEP_BYTES = 2 ** 28;

/** Buffers of one recording, which nobody else gets as long as it can be replayed. */
export interface HeldBuffers {
  /** Ends the time in which buffers are taken for it. */
  close(): void;
  destroy(): void;
}

export interface Buffers {
  /** `constant`: it is written from this side, so that inside of a recording nothing may come in its place. */
  take(device: BufferDevice, bytes: number, constant?: boolean): DeviceBuffer;
  free(buffer: DeviceBuffer): void;
  /** From here on buffers are taken for a recording: inside of it they are reused as they are freed. */
  hold(): HeldBuffers;
  /** Destroys all of them, in use or not. */
  destroy(): void;
  memory(): { readonly bytesInUse: number; readonly bytesKept: number; readonly buffers: number };
}

/** Buffers by their size: those that were freed are taken again first. */
export function createBuffers(): Buffers {
  const kept = new Map<number, DeviceBuffer[]>();
  /** Buffers of recordings, whoever frees them. */
  const held = new WeakSet<DeviceBuffer>();
  let current: {
    readonly all: DeviceBuffer[];
    readonly free: Map<number, DeviceBuffer[]>;
    constants: Set<DeviceBuffer>;
  } | null = null;
  const all = new Set<DeviceBuffer>();
  let [bytesInUse, bytesKept, buffers] = [0, 0, 0];

  const push = (lists: Map<number, DeviceBuffer[]>, buffer: DeviceBuffer): void => {
    const same = lists.get(buffer.size);
    if (same === undefined) lists.set(buffer.size, [buffer]);
    else same.push(buffer);
  };
  const create = (device: BufferDevice, size: number): DeviceBuffer => {
    bytesInUse += size;
    buffers++;
    const buffer = device.createBuffer({ size, usage: STORAGE | COPY_SRC | COPY_DST });
    all.add(buffer);
    return buffer;
  };
  const destroy = (buffer: DeviceBuffer): void => {
    all.delete(buffer);
    buffer.destroy();
  };

  return {
    take(device, bytes, constant = false) {
      const size = Math.max(bytes, 4);
      if (current !== null) {
        const again = constant ? undefined : current.free.get(size)?.pop();
        if (again !== undefined) return again;
        const buffer = create(device, size);
        held.add(buffer);
        current.all.push(buffer);
        if (constant) current.constants.add(buffer);
        return buffer;
      }
      const again = kept.get(size)?.pop();
      if (again === undefined) return create(device, size);
      bytesInUse += size;
      buffers++;
      bytesKept -= size;
      return again;
    },
    free(buffer) {
      if (held.has(buffer)) {
        if (current !== null && !current.constants.has(buffer)) push(current.free, buffer);
        return;
      }
      bytesInUse -= buffer.size;
      buffers--;
      if (bytesKept + buffer.size > KEEP_BYTES) {
        destroy(buffer);
        return;
      }
      bytesKept += buffer.size;
      push(kept, buffer);
    },
    hold() {
      const own = {
        all: [] as DeviceBuffer[],
        free: new Map<number, DeviceBuffer[]>(),
        constants: new Set<DeviceBuffer>(),
      };
      current = own;
      return {
        close() {
          current = null;
        },
        destroy() {
          for (const buffer of own.all) {
            bytesInUse -= buffer.size;
            buffers--;
            destroy(buffer);
          }
          own.all.length = 0;
        },
      };
    },
    destroy() {
      for (const buffer of all) destroy(buffer);
      kept.clear();
      [bytesInUse, bytesKept, buffers] = [0, 0, 0];
    },
    memory: () => ({ bytesInUse, bytesKept, buffers }),
  };
}

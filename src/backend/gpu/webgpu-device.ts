import type { Context, WebGpuDevice } from './webgpu-types.js';

/** A backend on a device. */
interface User {
  readonly told: (message: string) => void;
}

/** Of each device that is in use: who uses it, and how to stop listening to it. */
const inUse = new Map<WebGpuDevice, { readonly users: Set<User>; readonly unhear: () => void }>();
/** Backends on their way to a device: gpu.js may have given them the one whose last user is just leaving. */
let opening = 0;
/** The last device given back, until gpu.js has heard of its end: before that it gives the same one out again. */
let ending: Promise<unknown> = Promise.resolve();

/**
 * A context of gpu.js, which has one device for all that use it on a page or in a process, and an end to that use. The
 * last backend that ends gives the device back; what a device reports by itself (memory that it has not, for one) has no
 * owner, so every backend on it is told.
 * @param open makes the context. @throws what `open` throws.
 */
export async function openDevice(
  open: () => Promise<Context>,
  told: User['told'],
): Promise<{ readonly context: Context; end(): Promise<void> }> {
  const user: User = { told };
  opening++;
  try {
    await ending;
    const context = await open();
    const { device } = context;
    if (!inUse.has(device)) inUse.set(device, { users: new Set(), unhear: hear(device) });
    inUse.get(device)!.users.add(user);
    return {
      context,
      async end() {
        inUse.get(device)?.users.delete(user);
        giveBack();
        await ending;
      },
    };
  } finally {
    opening--;
    giveBack();
  }
}

/** Gives back what nobody uses, unless somebody may be about to. */
function giveBack(): void {
  if (opening > 0) return;
  for (const [device, { users, unhear }] of inUse) {
    if (users.size > 0) continue;
    inUse.delete(device);
    unhear();
    device.destroy();
    ending = device.lost;
  }
}

/** Passes on what a device reports by itself, beside a handler that the page may have there. */
function hear(device: WebGpuDevice): () => void {
  const before = device.onuncapturederror;
  const listen: WebGpuDevice['onuncapturederror'] = (event) => {
    before?.call(device, event);
    for (const { told } of inUse.get(device)?.users ?? []) told(event.error.message);
  };
  device.onuncapturederror = listen;
  return () => {
    if (device.onuncapturederror === listen) device.onuncapturederror = before;
  };
}

import { type Backend, createJsBackend } from '../../src/backend/index.js';

/** A js backend that knows how many of its buffers are alive, and refuses to free one twice. */
export function countingBackend(): { backend: Backend; alive: () => number } {
  const live = new Set<unknown>();
  const inner = createJsBackend();
  const quiet = new Set(['read', 'readSync', 'free']);
  const counted = Object.fromEntries(
    Object.entries(inner).map(([name, verb]) => {
      if (typeof verb !== 'function' || quiet.has(name)) return [name, verb];
      return [
        name,
        (...args: unknown[]) => {
          const made = (verb as (...a: unknown[]) => unknown)(...args);
          for (const handle of Array.isArray(made) ? made : [made]) live.add(handle);
          return made;
        },
      ];
    }),
  ) as unknown as Backend;
  const backend: Backend = {
    ...counted,
    free(handle, dtype, size) {
      if (!live.delete(handle)) throw new Error(`a buffer of ${size} was freed that is not alive`);
      inner.free(handle, dtype, size);
    },
  };
  return { backend, alive: () => live.size };
}

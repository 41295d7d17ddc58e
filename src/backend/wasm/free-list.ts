/** Freed blocks that wait for their next use. Addresses and sizes are bytes. */
export interface FreeList {
  give(address: number, bytes: number): void;
  /** The block of exactly this size that was freed last. */
  take(bytes: number): number | undefined;
  /**
   * Merges neighbours, gives those that touch `top` back to it, and looks for room among the rest: the lowest that is
   * large enough. What is left of it waits on.
   */
  mergedTake(bytes: number, top: number): { readonly address: number | undefined; readonly top: number };
}

type Span = [address: number, bytes: number];

/** Stacks by size. Spans that merged to no class of their own wait apart until they are split or merged again. */
export function freeList(): FreeList {
  const bySize = new Map<number, number[]>();
  let spans: Span[] = [];
  /** Bytes given since the last merge: without news another merge would find nothing. */
  let fresh = 0;

  const takeSpan = (bytes: number): number | undefined => {
    const span = spans.find(([, size]) => size >= bytes);
    if (span === undefined) return undefined;
    const [address] = span;
    span[0] += bytes;
    span[1] -= bytes;
    if (span[1] === 0) spans.splice(spans.indexOf(span), 1);
    return address;
  };
  return {
    give(address, bytes) {
      fresh += bytes;
      const stack = bySize.get(bytes);
      if (stack === undefined) bySize.set(bytes, [address]);
      else stack.push(address);
    },
    take(bytes) {
      const stack = bySize.get(bytes);
      if (stack !== undefined && stack.length > 0) return stack.pop();
      return spans.length > 0 ? takeSpan(bytes) : undefined;
    },
    mergedTake(bytes, top) {
      if (fresh < bytes) return { address: undefined, top };
      fresh = 0;
      const all: Span[] = [...spans];
      for (const [size, stack] of bySize) for (const address of stack) all.push([address, size]);
      bySize.clear();
      all.sort((a, b) => a[0] - b[0]);
      spans = [];
      for (const span of all) {
        const last = spans[spans.length - 1];
        if (last !== undefined && last[0] + last[1] === span[0]) last[1] += span[1];
        else spans.push([...span]);
      }
      const last = spans[spans.length - 1];
      const touches = last !== undefined && last[0] + last[1] === top;
      if (touches) spans.pop();
      return { address: takeSpan(bytes), top: touches ? last[0] : top };
    },
  };
}

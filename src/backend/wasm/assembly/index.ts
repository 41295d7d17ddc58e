// The kernels that TypeScript calls. Addresses are bytes in the imported memory; every kernel works on the half-open
// range [begin, end) of its rows (or elements) and gives the same bits however the range is split.

/** First byte that no static data uses: the allocator begins there. */
export function heapBase(): usize {
  return __heap_base;
}
export * from './matmul';

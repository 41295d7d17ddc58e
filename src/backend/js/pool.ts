import { bytesPerElement, type DType, dtypeOf, newArray, type TypedArray } from '../../tensor/index.js';

/** Buffers that wait for their next use, so that a training loop allocates only in its first step. */
export interface Pool {
  /** An array of exactly `size` elements with arbitrary contents: whoever takes one writes all of it. */
  take(dtype: DType, size: number): TypedArray;
  /** Takes an array back; nobody may use it afterwards. */
  give(array: TypedArray): void;
  /** Bytes that wait now. */
  readonly keptBytes: number;
}

/**
 * Free lists by dtype and exact length. At most `maxBytes` wait; a gift beyond that drops everything kept,
 * for then the program has moved on to other sizes.
 */
export function createPool(maxBytes: number): Pool {
  const lists: Record<DType, Map<number, TypedArray[]>> = { float32: new Map(), float64: new Map(), int32: new Map() };
  let kept = 0;
  return {
    take(dtype, size) {
      const array = lists[dtype].get(size)?.pop();
      if (array === undefined) return newArray(dtype, size);
      kept -= size * bytesPerElement[dtype];
      return array;
    },
    give(array) {
      const dtype = dtypeOf(array);
      const bytes = array.byteLength;
      if (bytes > maxBytes) return;
      if (kept + bytes > maxBytes) {
        for (const byLength of Object.values(lists)) byLength.clear();
        kept = 0;
      }
      kept += bytes;
      const list = lists[dtype].get(array.length);
      if (list === undefined) lists[dtype].set(array.length, [array]);
      else list.push(array);
    },
    get keptBytes() {
      return kept;
    },
  };
}

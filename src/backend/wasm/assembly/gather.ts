// Rows are `bytes` long. Indices are int32 and in range: the verb has asked `firstOutside`.

/** Position of the first of n indices that is not in [low, size), or -1. */
export function firstOutside(indices: usize, n: i32, low: i32, size: i32): i32 {
  // as unsigned numbers, what is below `low` lies far above
  const limit = i32x4.splat(size - low);
  const shift = i32x4.splat(low);
  let i = 0;
  for (; i + 4 <= n; i += 4) {
    const inside = i32x4.lt_u(i32x4.sub(v128.load(indices + (<usize>i) * 4), shift), limit);
    if (!i32x4.all_true(inside)) break;
  }
  for (; i < n; i++) if (<u32>(load<i32>(indices + (<usize>i) * 4) - low) >= <u32>(size - low)) return i;
  return -1;
}

/** Rows [begin, end) of out [outer * count]: row (o, i) is row (o, indices[i]) of x [outer, size]. */
export function gatherRows(begin: i32, end: i32, x: usize, size: i32, indices: usize, count: i32, bytes: i32, out: usize): void {
  let outer = begin / count;
  let i = begin % count;
  for (let row = begin; row < end; row++) {
    const from = x + ((<usize>outer) * size + load<i32>(indices + (<usize>i) * 4)) * bytes;
    const to = out + (<usize>row) * bytes;
    if (bytes == 8) store<u64>(to, load<u64>(from));
    else if (bytes == 4) store<u32>(to, load<u32>(from));
    else memory.copy(to, from, bytes);
    if (++i == count) {
      i = 0;
      outer++;
    }
  }
}

/** out [outer, size, inner] (zeroed here): rows (o, indices[i]) += updates (o, i). One piece: repeats add up in order. */
function scatterRows<T>(begin: i32, end: i32, updates: usize, size: i32, indices: usize, count: i32, inner: i32, out: usize): void {
  const bytes = (<usize>inner) * sizeof<T>();
  const whole = bytes & ~15;
  for (let outer = begin; outer < end; outer++) {
    const start = out + (<usize>outer) * size * bytes;
    memory.fill(start, 0, (<usize>size) * bytes);
    let from = updates + (<usize>outer) * count * bytes;
    for (let i = 0; i < count; i++) {
      const to = start + (<usize>load<i32>(indices + (<usize>i) * 4)) * bytes;
      let at: usize = 0;
      for (; at < whole; at += 16) v128.store(to + at, v128.add<T>(v128.load(to + at), v128.load(from + at)));
      for (; at < bytes; at += sizeof<T>()) store<T>(to + at, load<T>(to + at) + load<T>(from + at));
      from += bytes;
    }
  }
}

export function scatterRows_f32(begin: i32, end: i32, updates: usize, size: i32, indices: usize, count: i32, inner: i32, out: usize): void {
  scatterRows<f32>(begin, end, updates, size, indices, count, inner, out);
}

export function scatterRows_f64(begin: i32, end: i32, updates: usize, size: i32, indices: usize, count: i32, inner: i32, out: usize): void {
  scatterRows<f64>(begin, end, updates, size, indices, count, inner, out);
}

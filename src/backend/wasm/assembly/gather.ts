// Rows are `bytes` long. Indices are int32 and in range: the verb has looked.

/** Rows [begin, end) of out [outer * count]: row (o, i) is row (o, indices[i]) of x [outer, size]. */
export function gatherRows(begin: i32, end: i32, x: usize, size: i32, indices: usize, count: i32, bytes: i32, out: usize): void {
  for (let row = begin; row < end; row++) {
    const outer = row / count;
    const index = load<i32>(indices + (<usize>(row % count)) * 4);
    memory.copy(out + (<usize>row) * bytes, x + ((<usize>outer) * size + index) * bytes, bytes);
  }
}

/** out [outer, size, inner] (zeroed here): rows (o, indices[i]) += updates (o, i). One piece: repeats add up in order. */
export function scatterRows_f32(begin: i32, end: i32, updates: usize, size: i32, indices: usize, count: i32, inner: i32, out: usize): void {
  const bytes = (<usize>inner) * 4;
  const whole = bytes & ~15;
  for (let outer = begin; outer < end; outer++) {
    memory.fill(out + (<usize>outer) * size * bytes, 0, (<usize>size) * bytes);
    for (let i = 0; i < count; i++) {
      const index = load<i32>(indices + (<usize>i) * 4);
      const to = out + ((<usize>outer) * size + index) * bytes;
      const from = updates + ((<usize>outer) * count + i) * bytes;
      let at: usize = 0;
      for (; at < whole; at += 16) v128.store(to + at, f32x4.add(v128.load(to + at), v128.load(from + at)));
      for (; at < bytes; at += 4) store<f32>(to + at, load<f32>(to + at) + load<f32>(from + at));
    }
  }
}

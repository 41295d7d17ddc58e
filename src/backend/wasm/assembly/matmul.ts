// C[m, n] = A[m, k] B[k, n] (+ C) (+ bias), from addresses and steps, so that every transposed form is the same kernel.
// B is packed into panels of two vectors of columns; a tile of four rows by one panel keeps its eight sums in
// registers while k runs. Each number of C is summed over k in order, whatever tile it falls into.

@inline
function splat<T>(at: usize): v128 {
  if (sizeof<T>() == 4) return v128.load32_splat(at);
  return v128.load64_splat(at);
}

@inline
function zero(): v128 {
  return i32x4.splat(0);
}

@inline
function addProduct<T>(c: v128, a: v128, b: v128): v128 {
  return v128.add<T>(c, v128.mul<T>(a, b));
}

/** Columns of a panel. */
@inline
function width<T>(): i32 {
  return 32 / sizeof<T>();
}

/** Panels [begin, end) of B: for each step of k the numbers of its columns, zeros beyond n. Steps in elements. */
export function pack<T>(begin: i32, end: i32, b: usize, kStep: i32, nStep: i32, k: i32, n: i32, packed: usize): void {
  const bytes = sizeof<T>();
  const kBytes = (<usize>kStep) * bytes;
  const nBytes = (<usize>nStep) * bytes;
  for (let panel = begin; panel < end; panel++) {
    const first = panel * width<T>();
    let to = packed + (<usize>panel) * k * 32;
    let from = b + (<usize>first) * nBytes;
    const columns = n - first;
    if (nStep == 1 && columns >= 2 * width<T>() && panel + 1 < end) {
      // two panels at once: whole cache lines
      const next = (<usize>k) * 32;
      for (let p = 0; p < k; p++) {
        v128.store(to, v128.load(from));
        v128.store(to, v128.load(from, 16), 16);
        v128.store(to + next, v128.load(from, 32));
        v128.store(to + next, v128.load(from, 48), 16);
        to += 32;
        from += kBytes;
      }
      panel++;
    } else if (nStep == 1 && columns >= width<T>()) {
      for (let p = 0; p < k; p++) {
        v128.store(to, v128.load(from));
        v128.store(to, v128.load(from, 16), 16);
        to += 32;
        from += kBytes;
      }
    } else if (sizeof<T>() == 4 && kStep == 1 && columns >= width<T>()) {
      let p = 0;
      for (; p + 4 <= k; p += 4) {
        transpose4(from, nBytes, to);
        transpose4(from + 4 * nBytes, nBytes, to + 16);
        to += 128;
        from += 16;
      }
      for (; p < k; p++) {
        let at = from;
        for (let j = 0; j < 8; j++) {
          store<T>(to + j * bytes, load<T>(at));
          at += nBytes;
        }
        to += 32;
        from += bytes;
      }
    } else {
      for (let p = 0; p < k; p++) {
        let at = from;
        for (let j = 0; j < width<T>(); j++) {
          store<T>(to + j * bytes, j < columns ? load<T>(at) : <T>0);
          at += nBytes;
        }
        to += 32;
        from += kBytes;
      }
    }
  }
}

/** Four runs of four numbers, `step` bytes apart, become four groups of one number of each, 32 bytes apart. */
@inline
function transpose4(from: usize, step: usize, to: usize): void {
  const a = v128.load(from);
  const b = v128.load(from + step);
  const c = v128.load(from + 2 * step);
  const d = v128.load(from + 3 * step);
  const ab = v128.shuffle<f32>(a, b, 0, 4, 1, 5);
  const cd = v128.shuffle<f32>(c, d, 0, 4, 1, 5);
  const ab2 = v128.shuffle<f32>(a, b, 2, 6, 3, 7);
  const cd2 = v128.shuffle<f32>(c, d, 2, 6, 3, 7);
  v128.store(to, v128.shuffle<f64>(ab, cd, 0, 2));
  v128.store(to, v128.shuffle<f64>(ab, cd, 1, 3), 32);
  v128.store(to, v128.shuffle<f64>(ab2, cd2, 0, 2), 64);
  v128.store(to, v128.shuffle<f64>(ab2, cd2, 1, 3), 96);
}

/** Two vectors of sums to C: all of them, or the first `columns` numbers. */
@inline
function put<T>(to: usize, low: v128, high: v128, columns: i32, accumulate: i32, bias: usize): void {
  if (columns < width<T>()) {
    putFew<T>(to, low, high, columns, accumulate, bias);
    return;
  }
  if (accumulate) {
    low = v128.add<T>(v128.load(to), low);
    high = v128.add<T>(v128.load(to, 16), high);
  }
  if (bias) {
    low = v128.add<T>(low, v128.load(bias));
    high = v128.add<T>(high, v128.load(bias, 16));
  }
  v128.store(to, low);
  v128.store(to, high, 16);
}

function putFew<T>(to: usize, low: v128, high: v128, columns: i32, accumulate: i32, bias: usize): void {
  for (let j = 0; j < columns; j++) {
    let sum: T = first<T>(low);
    if (accumulate) sum += load<T>(to);
    if (bias) {
      sum += load<T>(bias);
      bias += sizeof<T>();
    }
    store<T>(to, sum);
    to += sizeof<T>();
    // the next number comes to the front
    if (sizeof<T>() == 4) {
      low = v128.shuffle<f32>(low, high, 1, 2, 3, 4);
      high = v128.shuffle<f32>(high, high, 1, 2, 3, 3);
    } else {
      low = v128.shuffle<f64>(low, high, 1, 2);
      high = v128.shuffle<f64>(high, high, 1, 1);
    }
  }
}

@inline
function first<T>(v: v128): T {
  if (sizeof<T>() == 4) return <T>f32x4.extract_lane(v, 0);
  return <T>f64x2.extract_lane(v, 0);
}

@inline
function tile4<T>(a: usize, mBytes: usize, kBytes: usize, panel: usize, k: i32, to: usize, rowBytes: usize, columns: i32, accumulate: i32, bias: usize): void {
  let c00 = zero(), c01 = zero(), c10 = zero(), c11 = zero();
  let c20 = zero(), c21 = zero(), c30 = zero(), c31 = zero();
  let a1 = a + mBytes;
  let a2 = a1 + mBytes;
  let a3 = a2 + mBytes;
  const end = panel + (<usize>k) * 32;
  while (panel < end) {
    const b0 = v128.load(panel);
    const b1 = v128.load(panel, 16);
    panel += 32;
    let s = splat<T>(a);
    c00 = addProduct<T>(c00, s, b0);
    c01 = addProduct<T>(c01, s, b1);
    s = splat<T>(a1);
    c10 = addProduct<T>(c10, s, b0);
    c11 = addProduct<T>(c11, s, b1);
    s = splat<T>(a2);
    c20 = addProduct<T>(c20, s, b0);
    c21 = addProduct<T>(c21, s, b1);
    s = splat<T>(a3);
    c30 = addProduct<T>(c30, s, b0);
    c31 = addProduct<T>(c31, s, b1);
    a += kBytes;
    a1 += kBytes;
    a2 += kBytes;
    a3 += kBytes;
  }
  put<T>(to, c00, c01, columns, accumulate, bias);
  put<T>(to + rowBytes, c10, c11, columns, accumulate, bias);
  put<T>(to + 2 * rowBytes, c20, c21, columns, accumulate, bias);
  put<T>(to + 3 * rowBytes, c30, c31, columns, accumulate, bias);
}

@inline
function tile1<T>(a: usize, kBytes: usize, panel: usize, k: i32, to: usize, columns: i32, accumulate: i32, bias: usize): void {
  let c0 = zero();
  let c1 = zero();
  const end = panel + (<usize>k) * 32;
  while (panel < end) {
    const s = splat<T>(a);
    c0 = addProduct<T>(c0, s, v128.load(panel));
    c1 = addProduct<T>(c1, s, v128.load(panel, 16));
    panel += 32;
    a += kBytes;
  }
  put<T>(to, c0, c1, columns, accumulate, bias);
}

/** One panel of C: rows [begin, end), of which row i begins in A at a + (i / 4) groupBytes + (i % 4) mBytes. */
export function column<T>(begin: i32, end: i32, a: usize, groupBytes: usize, mBytes: usize, kBytes: usize, panel: usize, k: i32, to: usize, rowBytes: usize, columns: i32, accumulate: i32, bias: usize): void {
  let i = begin;
  for (; i + 4 <= end; i += 4) {
    tile4<T>(a + (<usize>(i >> 2)) * groupBytes, mBytes, kBytes, panel, k, to, rowBytes, columns, accumulate, bias);
    to += 4 * rowBytes;
  }
  for (; i < end; i++) {
    tile1<T>(a + (<usize>(i >> 2)) * groupBytes + (<usize>(i & 3)) * mBytes, kBytes, panel, k, to, columns, accumulate, bias);
    to += rowBytes;
  }
}

/** Groups [begin, end) of four rows of an A that is stored transposed [k, m]: for each step of k their four numbers. */
function packRows<T>(begin: i32, end: i32, a: usize, k: i32, m: i32, packed: usize): void {
  const bytes = sizeof<T>();
  for (let group = begin; group < end; group++) {
    const first = group * 4;
    let to = packed + (<usize>group) * k * 4 * bytes;
    let from = a + (<usize>first) * bytes;
    if (sizeof<T>() == 4 && first + 16 <= m && group + 4 <= end) {
      // four groups at once: whole cache lines
      const next = (<usize>k) * 16;
      for (let p = 0; p < k; p++) {
        v128.store(to, v128.load(from));
        v128.store(to + next, v128.load(from, 16));
        v128.store(to + 2 * next, v128.load(from, 32));
        v128.store(to + 3 * next, v128.load(from, 48));
        to += 16;
        from += (<usize>m) * 4;
      }
      group += 3;
    } else if (first + 4 <= m) {
      for (let p = 0; p < k; p++) {
        v128.store(to, v128.load(from));
        if (sizeof<T>() == 8) v128.store(to, v128.load(from, 16), 16);
        to += 4 * bytes;
        from += (<usize>m) * bytes;
      }
    } else {
      for (let p = 0; p < k; p++) {
        for (let i = 0; i < m - first; i++) store<T>(to + i * bytes, load<T>(from + i * bytes));
        to += 4 * bytes;
        from += (<usize>m) * bytes;
      }
    }
  }
}

/** Rows that stay in the second-level cache while all panels pass. */
const BLOCK: i32 = 128;

/**
 * Rows [begin, end) of C. Row i of A begins at a + (i / 4) groupStep + (i % 4) mStep, its numbers are kStep apart
 * (steps in elements). `bias` is a row of n numbers or 0; with `accumulate` the product is added to C.
 */
function multiply<T>(begin: i32, end: i32, a: usize, groupStep: i32, mStep: i32, kStep: i32, packed: usize, k: i32, n: i32, c: usize, accumulate: i32, bias: usize): void {
  const bytes = sizeof<T>();
  const groupBytes = (<usize>groupStep) * bytes;
  const mBytes = (<usize>mStep) * bytes;
  const kBytes = (<usize>kStep) * bytes;
  const rowBytes = (<usize>n) * bytes;
  for (let block = begin; block < end; block += BLOCK) {
    const last = min(end, block + BLOCK);
    let panel = packed;
    for (let j = 0; j < n; j += width<T>()) {
      const b = bias ? bias + (<usize>j) * bytes : 0;
      const to = c + (<usize>block) * rowBytes + (<usize>j) * bytes;
      column<T>(block, last, a, groupBytes, mBytes, kBytes, panel, k, to, rowBytes, n - j, accumulate, b);
      panel += (<usize>k) * 32;
    }
  }
}

/** Steps of k that go together there: two panels and four rows of A fit into the first-level cache. */
const DEPTH: i32 = 512;

/**
 * Panels [begin, end) of C's columns, for few rows: two panels of B are packed just before they are used, and so are
 * read from the first-level cache. `scratch` takes two panels.
 */
function multiplyPanels<T>(begin: i32, end: i32, a: usize, groupStep: i32, mStep: i32, kStep: i32, b: usize, bkStep: i32, bnStep: i32, m: i32, k: i32, n: i32, c: usize, accumulate: i32, bias: usize, scratch: usize): void {
  const bytes = sizeof<T>();
  const groupBytes = (<usize>groupStep) * bytes;
  const mBytes = (<usize>mStep) * bytes;
  const kBytes = (<usize>kStep) * bytes;
  const rowBytes = (<usize>n) * bytes;
  for (let pair = begin; pair < end; pair += 2) {
    const last = min(end, pair + 2);
    for (let p = 0; p < k || p == 0; p += DEPTH) {
      const depth = min(DEPTH, k - p);
      const add = p > 0 ? 1 : accumulate;
      const from = a + (<usize>p) * kBytes;
      pack<T>(pair, last, b + (<usize>p) * bkStep * bytes, bkStep, bnStep, depth, n, scratch - (<usize>pair) * depth * 32);
      for (let panel = pair; panel < last; panel++) {
        const j = panel * width<T>();
        const row = bias && p + depth == k ? bias + (<usize>j) * bytes : 0;
        const packed = scratch + (<usize>(panel - pair)) * depth * 32;
        column<T>(0, m, from, groupBytes, mBytes, kBytes, packed, depth, c + (<usize>j) * bytes, rowBytes, n - j, add, row);
      }
    }
  }
}

/** The same without packing, for fewer than four rows: B is read once a row where it lies. */
function multiplyRow<T>(a: usize, kStep: i32, b: usize, bkStep: i32, bnStep: i32, k: i32, n: i32, c: usize, bias: usize): void {
  const bytes = sizeof<T>();
  const kBytes = (<usize>kStep) * bytes;
  const down = (<usize>bkStep) * bytes;
  const lanes = 16 / sizeof<T>();
  let j = 0;
  if (bnStep == 1) {
    for (; j + 4 * lanes <= n; j += 4 * lanes) {
      let c0 = zero(), c1 = zero(), c2 = zero(), c3 = zero();
      let at = b + (<usize>j) * bytes;
      let x = a;
      for (let p = 0; p < k; p++) {
        const s = splat<T>(x);
        c0 = addProduct<T>(c0, s, v128.load(at));
        c1 = addProduct<T>(c1, s, v128.load(at, 16));
        c2 = addProduct<T>(c2, s, v128.load(at, 32));
        c3 = addProduct<T>(c3, s, v128.load(at, 48));
        at += down;
        x += kBytes;
      }
      const to = c + (<usize>j) * bytes;
      put<T>(to, c0, c1, width<T>(), 0, bias ? bias + (<usize>j) * bytes : 0);
      put<T>(to + 32, c2, c3, width<T>(), 0, bias ? bias + (<usize>j) * bytes + 32 : 0);
    }
  }
  for (; j < n; j++) {
    let at = b + (<usize>j) * bnStep * bytes;
    let x = a;
    let sum: T = 0;
    let p = 0;
    if (bkStep == 1 && kStep == 1) {
      let c0 = zero(), c1 = zero();
      for (; p + 2 * lanes <= k; p += 2 * lanes) {
        c0 = addProduct<T>(c0, v128.load(x), v128.load(at));
        c1 = addProduct<T>(c1, v128.load(x, 16), v128.load(at, 16));
        x += 32;
        at += 32;
      }
      c0 = v128.add<T>(c0, c1);
      for (let lane = 0; lane < lanes; lane++) {
        sum += first<T>(c0);
        c0 = sizeof<T>() == 4 ? v128.shuffle<f32>(c0, c0, 1, 2, 3, 0) : v128.shuffle<f64>(c0, c0, 1, 0);
      }
    }
    for (; p < k; p++) {
      sum += load<T>(x) * load<T>(at);
      x += kBytes;
      at += down;
    }
    if (bias) sum += load<T>(bias + (<usize>j) * bytes);
    store<T>(c + (<usize>j) * bytes, sum);
  }
}

/**
 * Products [begin, end) of a batch. `table` holds the int32 addresses of A and B of each; B is packed anew only where
 * its address changes. `scratch` takes the packed B and, for a transposed A, the packed rows behind it.
 */
function batch<T>(begin: i32, end: i32, table: usize, transposeA: i32, transposeB: i32, m: i32, k: i32, n: i32, c: usize, scratch: usize): void {
  const bytes = sizeof<T>();
  const panels = (n + width<T>() - 1) / width<T>();
  const rows = scratch + (<usize>panels) * k * 32;
  const kStep = transposeB ? 1 : n;
  const nStep = transposeB ? k : 1;
  let known: usize = 0;
  for (let i = begin; i < end; i++) {
    let a = <usize>load<u32>(table + i * 8);
    const b = <usize>load<u32>(table + i * 8, 4);
    const to = c + (<usize>i) * m * n * bytes;
    if (m < 4) {
      for (let r = 0; r < m; r++) {
        multiplyRow<T>(a + (<usize>r) * (transposeA ? 1 : k) * bytes, transposeA ? m : 1, b, kStep, nStep, k, n, to + (<usize>r) * n * bytes, 0);
      }
      continue;
    }
    if (b != known) {
      pack<T>(0, panels, b, kStep, nStep, k, n, scratch);
      known = b;
    }
    if (transposeA) {
      packRows<T>(0, (m + 3) / 4, a, k, m, rows);
      multiply<T>(0, m, rows, 4 * k, 1, 4, scratch, k, n, to, 0, 0);
    } else {
      multiply<T>(0, m, a, 4 * k, k, 1, scratch, k, n, to, 0, 0);
    }
  }
}

export function pack_f32(begin: i32, end: i32, b: usize, kStep: i32, nStep: i32, k: i32, n: i32, packed: usize): void {
  pack<f32>(begin, end, b, kStep, nStep, k, n, packed);
}

export function packRows_f32(begin: i32, end: i32, a: usize, k: i32, m: i32, packed: usize): void {
  packRows<f32>(begin, end, a, k, m, packed);
}

export function multiply_f32(begin: i32, end: i32, a: usize, groupStep: i32, mStep: i32, kStep: i32, packed: usize, k: i32, n: i32, c: usize, accumulate: i32, bias: usize): void {
  multiply<f32>(begin, end, a, groupStep, mStep, kStep, packed, k, n, c, accumulate, bias);
}

export function multiplyPanels_f32(begin: i32, end: i32, a: usize, groupStep: i32, mStep: i32, kStep: i32, b: usize, bkStep: i32, bnStep: i32, m: i32, k: i32, n: i32, c: usize, accumulate: i32, bias: usize, scratch: usize): void {
  multiplyPanels<f32>(begin, end, a, groupStep, mStep, kStep, b, bkStep, bnStep, m, k, n, c, accumulate, bias, scratch);
}

export function multiplyRow_f32(begin: i32, end: i32, a: usize, mStep: i32, kStep: i32, b: usize, bkStep: i32, bnStep: i32, k: i32, n: i32, c: usize, bias: usize): void {
  for (let i = begin; i < end; i++) {
    multiplyRow<f32>(a + (<usize>i) * mStep * 4, kStep, b, bkStep, bnStep, k, n, c + (<usize>i) * n * 4, bias);
  }
}

export function batch_f32(begin: i32, end: i32, table: usize, transposeA: i32, transposeB: i32, m: i32, k: i32, n: i32, c: usize, scratch: usize): void {
  batch<f32>(begin, end, table, transposeA, transposeB, m, k, n, c, scratch);
}

export function pack_f64(begin: i32, end: i32, b: usize, kStep: i32, nStep: i32, k: i32, n: i32, packed: usize): void {
  pack<f64>(begin, end, b, kStep, nStep, k, n, packed);
}

export function packRows_f64(begin: i32, end: i32, a: usize, k: i32, m: i32, packed: usize): void {
  packRows<f64>(begin, end, a, k, m, packed);
}

export function multiply_f64(begin: i32, end: i32, a: usize, groupStep: i32, mStep: i32, kStep: i32, packed: usize, k: i32, n: i32, c: usize, accumulate: i32, bias: usize): void {
  multiply<f64>(begin, end, a, groupStep, mStep, kStep, packed, k, n, c, accumulate, bias);
}

export function multiplyPanels_f64(begin: i32, end: i32, a: usize, groupStep: i32, mStep: i32, kStep: i32, b: usize, bkStep: i32, bnStep: i32, m: i32, k: i32, n: i32, c: usize, accumulate: i32, bias: usize, scratch: usize): void {
  multiplyPanels<f64>(begin, end, a, groupStep, mStep, kStep, b, bkStep, bnStep, m, k, n, c, accumulate, bias, scratch);
}

export function multiplyRow_f64(begin: i32, end: i32, a: usize, mStep: i32, kStep: i32, b: usize, bkStep: i32, bnStep: i32, k: i32, n: i32, c: usize, bias: usize): void {
  for (let i = begin; i < end; i++) {
    multiplyRow<f64>(a + (<usize>i) * mStep * 8, kStep, b, bkStep, bnStep, k, n, c + (<usize>i) * n * 8, bias);
  }
}

export function batch_f64(begin: i32, end: i32, table: usize, transposeA: i32, transposeB: i32, m: i32, k: i32, n: i32, c: usize, scratch: usize): void {
  batch<f64>(begin, end, table, transposeA, transposeB, m, k, n, c, scratch);
}

// Bootstrap resamples: sums of columns over rows, each row as often as it was drawn. A stream of random words a
// resample, all in whole numbers, so that plain JavaScript draws the same counts (src/stats/resampling, its twin: the
// order of draws and of sums is the contract between the two). [begin, end) are resamples: they depend on nothing else.

/** Bytes of a stream: sfc32 in four lanes; a, b, c and the counter. */
const STATE: usize = 64;
/** Random bytes that are drawn at once. */
const CHUNK: i32 = 8192;

/** The next `vectors` vectors of the stream. */
function fill(state: usize, out: usize, vectors: i32): void {
  let a = v128.load(state);
  let b = v128.load(state, 16);
  let c = v128.load(state, 32);
  let counter = v128.load(state, 48);
  const one = i32x4.splat(1);
  for (const end = out + (<usize>vectors << 4); out < end; out += 16) {
    const t = i32x4.add(i32x4.add(a, counter), b);
    counter = i32x4.add(counter, one);
    a = v128.xor(b, i32x4.shr_u(b, 9));
    b = i32x4.add(c, i32x4.shl(c, 3));
    c = i32x4.add(v128.or(i32x4.shl(c, 21), i32x4.shr_u(c, 11)), t);
    v128.store(out, t);
  }
  v128.store(state, a);
  v128.store(state, b, 16);
  v128.store(state, c, 32);
  v128.store(state, counter, 48);
}

/** Streams from keys of four words; scratch: 320 bytes. */
export function bootstrapSeed(begin: i32, end: i32, keys: usize, states: usize, scratch: usize): void {
  for (let r = begin; r < end; r++) {
    const key = keys + (<usize>r << 4);
    const state = states + <usize>r * STATE;
    v128.store(state, v128.load32_splat(key));
    v128.store(state, v128.load32_splat(key, 4), 16);
    v128.store(state, v128.load32_splat(key, 8), 32);
    // lanes differ by 2^32 over the golden ratio
    v128.store(state, i32x4.add(v128.load32_splat(key, 12), i32x4(0, 0x9e3779b9, 0x3c6ef372, 0xdaa66d2b)), 48);
    fill(state, scratch, 20);
  }
}

/** How many of `coins` fair coins show heads. */
function heads(state: usize, scratch: usize, coins: i32): i32 {
  let ones: i64 = 0;
  while (coins > 0) {
    const now = min(coins, CHUNK * 8);
    fill(state, scratch, (now + 127) >> 7);
    let at = scratch;
    for (const whole = scratch + (<usize>(now >> 6) << 3); at < whole; at += 8) ones += popcnt(load<i64>(at));
    if (now & 63) ones += popcnt(load<i64>(at) & ((<i64>1 << (now & 63)) - 1));
    coins -= now;
  }
  return <i32>ones;
}

/**
 * Binomial(draws, left/total), exactly: each draw compares a random binary fraction with left/total, digit by digit, and
 * all that are undecided throw their next coins together.
 */
function binomial(state: usize, scratch: usize, draws: i32, left: i32, total: i32): i32 {
  let won = 0;
  let part = <i64>left;
  while (draws > 0 && part > 0) {
    part <<= 1;
    const ones = heads(state, scratch, draws);
    if (part >= total) {
      part -= total;
      won += draws - ones;
      draws = ones;
    } else {
      draws -= ones;
    }
  }
  return won;
}

/** How many of `draws` uniform draws of a row fall into each block: halves of whole blocks first, which cost one coin. */
function split(state: usize, scratch: usize, draws: i32, rows: i32, block: i32, out: usize): void {
  while (rows > block) {
    let left = block;
    while (left < rows - left) left <<= 1;
    const won = binomial(state, scratch, draws, left, rows);
    split(state, scratch, won, left, block, out);
    out += (<usize>(left / block)) << 2;
    draws -= won;
    rows -= left;
  }
  store<i32>(out, draws);
}

/** Multinomial, first step: draws [resamples, blocks] of the blocks of all `rows` rows. scratch: 8192 bytes. */
export function bootstrapSplit(
  begin: i32, end: i32, states: usize, rows: i32, block: i32, blocks: i32, draws: usize, scratch: usize,
): void {
  for (let r = begin; r < end; r++) {
    split(states + <usize>r * STATE, scratch, rows, rows, block, draws + ((<usize>r * blocks) << 2));
  }
}

/**
 * Counts of uniform rows, of 16 bits each; those beyond the last are thrown away. Counts are modulo 256, which no sane
 * number of draws reaches.
 */
function drawRows(state: usize, random: usize, counts: usize, draws: i32, rows: i32): void {
  const mask: u32 = rows > 1 ? (1 << (32 - clz(rows - 1))) - 1 : 0;
  while (draws > 0) {
    const now = min(draws, CHUNK / 2);
    fill(state, random, (now + 7) >> 3);
    const end = random + (<usize>now << 1);
    if (mask + 1 == <u32>rows) {
      for (let at = random; at < end; at += 2) {
        const to = counts + (load<u16>(at) & mask);
        store<u8>(to, load<u8>(to) + 1);
      }
      draws -= now;
    } else {
      for (let at = random; at < end; at += 2) {
        const row = load<u16>(at) & mask;
        if (row >= <u32>rows) continue;
        const to = counts + row;
        store<u8>(to, load<u8>(to) + 1);
        draws--;
      }
    }
  }
}

/** Bytes of the packed counts of a resample: not a power of two, so that resamples do not share the same cache lines. */
const PACKED: usize = 4096 + 64;

/** Rows whose tables fit into the nearest cache together. */
const TABLES: i32 = 128;

/** Adds `times` times a row of all columns. */
function addRow(columns: usize, stride: usize, width: i32, row: i32, times: f64, to: usize): void {
  let x = columns + (<usize>row << 3);
  for (const end = to + (<usize>width << 3); to < end; to += 8) {
    store<f64>(to, load<f64>(to) + times * load<f64>(x));
    x += stride;
  }
}

/**
 * Adds the columns' sums by packed counts to sums [resamples, width + 1]. A byte has the counts, 0 to 3, of two rows, in
 * bits 4 to 7: it is the place of their sum in a table of all 16, made once for all resamples, two columns a time.
 * Group g of two rows goes to partial sum g mod 4 of its 128 rows. tables: 16,384 bytes.
 */
function weigh(
  begin: i32, end: i32, packed: usize, rows: i32, columns: usize, stride: usize, width: i32, sums: usize, tables: usize,
): void {
  for (let first = 0; first < rows; first += TABLES) {
    const groups = ((min(TABLES, rows - first) + 7) & -8) >> 1;
    for (let j = 0; j < width; j += 2) {
      const x = columns + <usize>j * stride + (<usize>first << 3);
      const single = j + 1 == width;
      const y = single ? x : x + stride;
      for (let g: usize = 0; g < <usize>groups; g++) {
        const even = f64x2.replace_lane(v128.load64_splat(x + (g << 4)), 1, load<f64>(y + (g << 4)));
        const odd = f64x2.replace_lane(v128.load64_splat(x + (g << 4), 8), 1, load<f64>(y + (g << 4), 8));
        const a = f64x2.mul(even, f64x2.splat(0));
        const b = f64x2.mul(even, f64x2.splat(2));
        const c = f64x2.mul(even, f64x2.splat(3));
        let t = tables + (g << 8);
        for (let k = 0; k < 4; k++) {
          const other = f64x2.mul(odd, f64x2.splat(<f64>k));
          v128.store(t, f64x2.add(a, other));
          v128.store(t, f64x2.add(even, other), 16);
          v128.store(t, f64x2.add(b, other), 32);
          v128.store(t, f64x2.add(c, other), 48);
          t += 64;
        }
      }
      let to = sums + ((<usize>begin * (width + 1) + j) << 3);
      for (let r = begin; r < end; r++) {
        let at = packed + <usize>r * PACKED + (<usize>first >> 1);
        let t = tables;
        let a = i32x4.splat(0), b = a, c = a, d = a;
        for (const last = at + groups; at < last; at += 4) {
          a = f64x2.add(a, v128.load(t + load<u8>(at)));
          b = f64x2.add(b, v128.load(t + load<u8>(at, 1), 256));
          c = f64x2.add(c, v128.load(t + load<u8>(at, 2), 512));
          d = f64x2.add(d, v128.load(t + load<u8>(at, 3), 768));
          t += 1024;
        }
        const sum = f64x2.add(f64x2.add(a, b), f64x2.add(c, d));
        store<f64>(to, load<f64>(to) + f64x2.extract_lane(sum, 0));
        if (!single) store<f64>(to, load<f64>(to, 8) + f64x2.extract_lane(sum, 1), 8);
        to += (<usize>width + 1) << 3;
      }
    }
  }
}

/** Packs the counts of 32 rows; a bit for each that is above 3, and packed as 3. */
function pack32(counts: usize, packed: usize): u64 {
  const three = i8x16.splat(3);
  const low = i16x8.splat(255);
  const x = v128.load(counts);
  const y = v128.load(counts, 16);
  const a = i8x16.min_u(x, three);
  const b = i8x16.min_u(y, three);
  const p = v128.and(v128.or(i16x8.shl(a, 4), i16x8.shr_u(a, 2)), low);
  const q = v128.and(v128.or(i16x8.shl(b, 4), i16x8.shr_u(b, 2)), low);
  v128.store(packed, i8x16.narrow_i16x8_u(p, q));
  return <u32>~(i8x16.bitmask(i8x16.eq(x, a)) | (i8x16.bitmask(i8x16.eq(y, b)) << 16));
}

/** Packs counts, in whole 64s of rows; rows with more than 3 are added for the rest. list: 16,384 bytes. */
function pack(
  counts: usize, rows: i32, packed: usize, list: usize, columns: usize, stride: usize, width: i32, to: usize,
): void {
  let found = list;
  for (let first = 0; first < rows; first += 64) {
    let more = pack32(counts + first, packed + (<usize>first >> 1));
    more |= pack32(counts + first + 32, packed + (<usize>first >> 1) + 16) << 32;
    const after = found + (<usize>popcnt(more) << 1);
    // four are written whether there or not: whether there are any is no branch that could be foretold
    for (let i = 0; i < 8; i += 2) {
      store<u16>(found + i, <u16>(first + <i32>ctz(more)));
      more &= more - 1;
    }
    for (found += 8; more; found += 2) {
      store<u16>(found, <u16>(first + <i32>ctz(more)));
      more &= more - 1;
    }
    found = after;
  }
  for (; list < found; list += 2) {
    const row = load<u16>(list);
    addRow(columns, stride, width, row, <f64>load<u8>(counts + row) - 3, to);
  }
}

/**
 * Multinomial, one block of `rows` rows (at most 8192): adds to sums [resamples, width + 1] the columns' sums, and the
 * number of draws. draws: the block's, of resample 0; `blocks` to the next. Columns are filled up with zeros to whole
 * 8s of rows. packed: 4160 bytes a resample. scratch: 32,768 bytes.
 */
export function bootstrapMultinomial(
  begin: i32, end: i32, states: usize, draws: usize, blocks: i32, rows: i32, columns: usize, stride: usize, width: i32,
  sums: usize, packed: usize, scratch: usize,
): void {
  const counts = scratch + CHUNK;
  for (let r = begin; r < end; r++) {
    const drawn = load<i32>(draws + ((<usize>r * blocks) << 2));
    const to = sums + ((<usize>r * (width + 1)) << 3);
    memory.fill(counts, 0, (rows + 63) & -64);
    drawRows(states + <usize>r * STATE, scratch, counts, drawn, rows);
    pack(counts, rows, packed + <usize>r * PACKED, scratch + 2 * CHUNK, columns, stride, width, to);
    const total = to + (<usize>width << 3);
    store<f64>(total, load<f64>(total) + <f64>drawn);
  }
  weigh(begin, end, packed, rows, columns, stride, width, sums, scratch + 2 * CHUNK);
}

/**
 * Poisson(1), one block of `rows` rows; as above otherwise. Given that it is at most 3, a Poisson(1) count is 0, 1, 2 or
 * 3 with 6, 6, 3 and 1 in 16: four random bits. Hits, of which there are Poisson many anywhere in [0, places), make what
 * they hit a count above 3. hits [hitsLength] and rest [8]: signed thresholds, of which a random word reaches so many.
 */
export function bootstrapPoisson(
  begin: i32, end: i32, states: usize, hits: usize, hitsLength: i32, rest: usize, places: i32, rows: i32, columns: usize,
  stride: usize, width: i32, sums: usize, packed: usize, scratch: usize,
): void {
  const isHit = scratch + CHUNK;
  const bytes = (<usize>rows + 1) >> 1;
  const whole = (bytes + 15) & -16;
  const low4 = i8x16.splat(15);
  const even = i8x16(0, 0, 0, 0, 0, 0, 16, 16, 16, 16, 16, 16, 32, 32, 32, 48);
  const odd = i8x16(0, 0, 0, 0, 0, 0, 64, 64, 64, 64, 64, 64, -128, -128, -128, -64);
  for (let r = begin; r < end; r++) {
    const state = states + <usize>r * STATE;
    const to = sums + ((<usize>r * (width + 1)) << 3);
    const counts = packed + <usize>r * PACKED;
    fill(state, counts, <i32>(whole >> 4));
    for (let at = counts; at < counts + whole; at += 16) {
      const u = v128.load(at);
      const high = v128.and(i16x8.shr_u(u, 4), low4);
      v128.store(at, v128.or(v128.swizzle(even, v128.and(u, low4)), v128.swizzle(odd, high)));
    }
    if (rows & 1) store<u8>(counts + bytes - 1, load<u8>(counts + bytes - 1) & 63);
    memory.fill(counts + bytes, 0, whole - bytes);
    fill(state, scratch, 1);
    const word = load<i32>(scratch);
    let low = 0;
    let high = hitsLength;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (word >= load<i32>(hits + (<usize>middle << 2))) low = middle + 1;
      else high = middle;
    }
    fill(state, scratch, ((low + 3) >> 2) * 2);
    memory.fill(isHit, 0, rows);
    let total: i64 = 0;
    for (let hit = 0; hit < low; hit += 4) {
      const at = scratch + (<usize>hit << 3);
      const u = v128.load(at, 16);
      let k = i32x4.splat(1);
      for (let i = 0; i < 32; i += 4) k = i32x4.sub(k, i32x4.ge_s(u, v128.load32_splat(rest + i)));
      v128.store(at, k, 16);
      for (let i: usize = 0; i < <usize>min(4, low - hit) * 4; i += 4) {
        const place = load<i32>(at + i) & (places - 1);
        if (place >= rows || load<u8>(isHit + place)) continue;
        store<u8>(isHit + place, 1);
        const byte = counts + (<usize>place >> 1);
        store<u8>(byte, load<u8>(byte) | (place & 1 ? 192 : 48));
        const above = load<i32>(at + i, 16);
        total += above;
        addRow(columns, stride, width, place, <f64>above, to);
      }
    }
    for (let at = counts; at < counts + whole; at += 8) {
      const counted = load<i64>(at);
      total += popcnt(counted & 0x5050505050505050) + (popcnt(counted & 0xa0a0a0a0a0a0a0a0) << 1);
    }
    const last = to + (<usize>width << 3);
    store<f64>(last, load<f64>(last) + <f64>total);
  }
  weigh(begin, end, packed, rows, columns, stride, width, sums, scratch + 2 * CHUNK);
}

/** Random words of one resample: sfc32 in four lanes, as the vectors of the kernels have them. */
export interface Stream {
  /** a, b, c and the counter of each lane. */
  readonly state: Int32Array;
  readonly words: Int32Array;
}

/** Random words that are drawn at once: 8192 bytes. */
export const CHUNK_WORDS = 2048;

/** A stream from the key at `keys[4 r]`. `words`: at least `CHUNK_WORDS` and 80 words of memory to draw into. */
export function startStream(keys: Int32Array, r: number, words: Int32Array): Stream {
  const state = new Int32Array(16);
  for (let lane = 0; lane < 4; lane++) {
    for (let i = 0; i < 4; i++) state[4 * i + lane] = keys[4 * r + i]!;
    // lanes differ by 2^32 over the golden ratio
    state[12 + lane] = (keys[4 * r + 3]! + Math.imul(lane, 0x9e3779b9)) | 0;
  }
  const stream = { state, words };
  draw(stream, 20);
  return stream;
}

/** Writes the next `vectors` vectors of four words. */
export function draw({ state, words }: Stream, vectors: number): void {
  for (let lane = 0; lane < 4; lane++) {
    let a = state[lane]!;
    let b = state[4 + lane]!;
    let c = state[8 + lane]!;
    let counter = state[12 + lane]!;
    for (let at = lane; at < 4 * vectors; at += 4) {
      const t = (((a + counter) | 0) + b) | 0;
      counter = (counter + 1) | 0;
      a = b ^ (b >>> 9);
      b = (c + (c << 3)) | 0;
      c = (((c << 21) | (c >>> 11)) + t) | 0;
      words[at] = t;
    }
    state[lane] = a;
    state[4 + lane] = b;
    state[8 + lane] = c;
    state[12 + lane] = counter;
  }
}

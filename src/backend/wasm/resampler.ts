import { invalid } from '../../util/index.js';
import { kernels as embedded } from './bootstrap.generated.js';
import { webAssembly } from './web-assembly.js';

/** What it takes of stats' `ResampleRequest`: this room lies below that one. */
export interface WasmResampleRequest {
  readonly resampling: 'multinomial' | 'poisson';
  readonly rows: number;
  readonly columns: readonly Float64Array[];
  readonly keys: Int32Array;
  readonly tables: {
    readonly hits: Int32Array;
    readonly lastHits: Int32Array;
    readonly lastPlaces: number;
    readonly rest: Int32Array;
  };
}

interface BootstrapKernels {
  bootstrapSeed(begin: number, end: number, keys: number, states: number, scratch: number): void;
  bootstrapSplit(
    ...args: [
      begin: number,
      end: number,
      states: number,
      rows: number,
      block: number,
      blocks: number,
      draws: number,
      scratch: number,
    ]
  ): void;
  bootstrapMultinomial(
    ...args: [
      begin: number,
      end: number,
      states: number,
      draws: number,
      blocks: number,
      rows: number,
      columns: number,
      stride: number,
      width: number,
      sums: number,
      packed: number,
      scratch: number,
    ]
  ): void;
  bootstrapPoisson(
    ...args: [
      begin: number,
      end: number,
      states: number,
      hits: number,
      hitsLength: number,
      rest: number,
      places: number,
      rows: number,
      columns: number,
      stride: number,
      width: number,
      sums: number,
      packed: number,
      scratch: number,
    ]
  ): void;
}

const BLOCK_ROWS = 8192;
/** Resamples that go over a block of rows while it is in the cache. */
const BATCH = 128;
/** Bytes of the packed counts of a resample of a block. */
const PACKED = 4160;
const PAGE = 65536;
const up64 = (bytes: number): number => (bytes + 63) & -64;

/** The bytes of the kernels. */
export function bootstrapKernelBytes(): Uint8Array {
  return Uint8Array.from({ length: embedded.length / 2 }, (_, i) =>
    Number.parseInt(embedded.slice(2 * i, 2 * i + 2), 16),
  );
}

/**
 * Resamples by kernels, for stats' `Resampler`; bit for bit what `jsResampler` computes. Its memory holds one block of
 * rows, whatever the length of the columns. undefined where WebAssembly with SIMD is absent or forbidden.
 */
export function createWasmResampler(): ((request: WasmResampleRequest) => Float64Array) | undefined {
  const api = webAssembly();
  const bytes = bootstrapKernelBytes();
  if (!api?.validate(bytes)) return undefined;
  try {
    const module = new api.Module(bytes);
    return (request) => resample(request, module, api);
  } catch {
    return undefined; // a content-security policy
  }
}

function resample(
  { resampling, rows, columns, keys, tables }: WasmResampleRequest,
  module: object,
  { Memory, Instance }: NonNullable<ReturnType<typeof webAssembly>>,
): Float64Array {
  const resamples = keys.length / 4;
  const batch = Math.min(BATCH, resamples);
  const width = columns.length;
  for (const [j, column] of columns.entries())
    if (column.length !== rows) throw invalid(`columns[${j}].length`, column.length, `${rows}, the rows`);
  const blocks = Math.ceil(rows / BLOCK_ROWS);
  const stride = 8 * ((Math.min(rows, BLOCK_ROWS) + 7) & -8);
  let top = 1024; // the kernels have no data of their own
  const place = (bytes: number): number => {
    const at = top;
    top += up64(bytes);
    return at;
  };
  const at = {
    hits: place(tables.hits.byteLength),
    lastHits: place(tables.lastHits.byteLength),
    rest: place(tables.rest.byteLength),
    keys: place(16 * batch),
    states: place(64 * batch),
    draws: place(4 * batch * blocks),
    sums: place(8 * batch * (width + 1)),
    packed: place(PACKED * batch),
    scratch: place(4 * BLOCK_ROWS),
    columns: place(width * stride),
  };
  const pages = Math.ceil(top / PAGE);
  const memory = new Memory({ initial: pages, maximum: pages });
  const kernels = new Instance(module, { env: { memory } }).exports as BootstrapKernels;
  const bytes = memory.buffer;
  new Int32Array(bytes, at.hits).set(tables.hits);
  new Int32Array(bytes, at.lastHits).set(tables.lastHits);
  new Int32Array(bytes, at.rest).set(tables.rest);
  const sums = new Float64Array(resamples * (width + 1));
  for (let first = 0; first < resamples; first += batch) {
    const now = Math.min(batch, resamples - first);
    new Int32Array(bytes, at.keys).set(keys.subarray(4 * first, 4 * (first + now)));
    kernels.bootstrapSeed(0, now, at.keys, at.states, at.scratch);
    const partial = new Float64Array(bytes, at.sums, now * (width + 1)).fill(0);
    if (resampling === 'multinomial')
      kernels.bootstrapSplit(0, now, at.states, rows, BLOCK_ROWS, blocks, at.draws, at.scratch);
    for (let b = 0; b < blocks; b++) {
      const from = b * BLOCK_ROWS;
      const size = Math.min(BLOCK_ROWS, rows - from);
      for (let j = 0; j < width; j++) {
        const to = new Float64Array(bytes, at.columns + j * stride, stride / 8);
        to.set(columns[j]!.subarray(from, from + size));
        to.fill(0, size);
      }
      if (resampling === 'multinomial') {
        const draws = at.draws + 4 * b;
        kernels.bootstrapMultinomial(
          0,
          now,
          at.states,
          draws,
          blocks,
          size,
          at.columns,
          stride,
          width,
          at.sums,
          at.packed,
          at.scratch,
        );
      } else {
        const whole = size === BLOCK_ROWS;
        const hits = whole ? at.hits : at.lastHits;
        const hitsLength = (whole ? tables.hits : tables.lastHits).length;
        const places = whole ? BLOCK_ROWS : tables.lastPlaces;
        kernels.bootstrapPoisson(
          0,
          now,
          at.states,
          hits,
          hitsLength,
          at.rest,
          places,
          size,
          at.columns,
          stride,
          width,
          at.sums,
          at.packed,
          at.scratch,
        );
      }
    }
    sums.set(partial, first * (width + 1));
  }
  return sums;
}

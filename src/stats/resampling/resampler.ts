import type { PoissonTables } from './poisson-tables.js';

/**
 * `multinomial`: as many draws as there are rows, uniform, with replacement, exactly. `poisson`: the counts of the rows
 * are independent Poisson(1), so that the size of a resample varies; faster, and the same in the limit of many rows.
 */
export const resamplings = ['multinomial', 'poisson'] as const;
export type Resampling = (typeof resamplings)[number];

export interface ResampleRequest {
  readonly resampling: Resampling;
  /** From 1 to 2^31 - 1. */
  readonly rows: number;
  /** Each of `rows` finite numbers. */
  readonly columns: readonly Float64Array[];
  /** [resamples, 4]: the seed of each resample, four random words. */
  readonly keys: Int32Array;
  readonly tables: PoissonTables;
}

/**
 * Resampled sums [resamples, columns + 1]: of each column, every row as often as it was drawn, and the number of draws.
 * The counts are a function of the key, the rows and the resampling alone: whoever computes them, they are the same.
 */
export type Resampler = (request: ResampleRequest) => Float64Array;

/** Rows of a block. Every block is drawn and summed by itself: it stays in the nearest caches. */
export const BLOCK_ROWS = 8192;

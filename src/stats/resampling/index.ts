export { resampleCounts, resampleKeys } from './draw-counts.js';
export { jsResampler } from './js-resampler.js';
export { type PoissonTables, poissonTables } from './poisson-tables.js';
export { BLOCK_ROWS, type ResampleRequest, type Resampler, type Resampling, resamplings } from './resampler.js';

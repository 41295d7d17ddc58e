// Off-policy evaluation with the statistics and generators that its functions take and return.
export * from '../ope/index.js';
export * from '../random/index.js';
export * from '../stats/index.js';

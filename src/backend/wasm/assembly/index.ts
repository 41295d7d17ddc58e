// The kernels that TypeScript calls. Addresses are bytes in the imported memory; every kernel works on the half-open
// range [begin, end) of its rows (or elements) and gives the same bits however the range is split.
export { attention_f32, attentionGrad_f32, attentionScratch } from './attention';
export * from './elementwise';
export * from './gather';
export {
  batch_f32, batch_f64, multiply_f32, multiply_f64, multiplyPanels_f32, multiplyPanels_f64, multiplyRow_f32, multiplyRow_f64, pack_f32, pack_f64, packRows_f32, packRows_f64,
} from './matmul';
export * from './reduce';
export { gatherLogProb_f32, gatherLogProbGrad_f32, layerNorm_f32, layerNormGrad_f32, logSoftmax_f32, logSoftmaxGrad_f32, softmax_f32, softmaxGrad_f32 } from './rows';

/** First byte that no static data uses: the allocator begins there. */
export function heapBase(): usize {
  return __heap_base;
}

export { type AdamwStepOptions, adamwInit, adamwStep, type OptimizerState } from './adamw.js';
export { type CandidatePolicy, type CandidatePolicyOptions, candidatePolicy } from './candidate-policy.js';
export { clipGradient, globalNorm } from './clip-gradient.js';
export { type EncodeOptions, encodePairs, type TokenBatch } from './encode-pairs.js';
export { type Generated, type GenerateOptions, generate } from './generate.js';
export { type ForwardOptions, type GptBlock, type GptParams, gptHidden, gptLogits, lmHead } from './gpt.js';
export { assertGptConfig, type GptConfig, gptConfig } from './gpt-config.js';
export { type BindOptions, type GptPolicy, type GptPolicyOptions, gptPolicy } from './gpt-policy.js';
export { type InitOptions, initGpt } from './init-gpt.js';
export { emptyCache, type KeyValueCache, widenedCache } from './key-value-cache.js';
export { languageModelLoss } from './language-model-loss.js';
export { parameterCount, paramShapes } from './param-shapes.js';
export { type ResponseTokenTerms, responseTokenTerms } from './response-token-terms.js';
export { logProbabilities, type SamplerOptions, samplerDistribution, sampleToken } from './sample-token.js';
export { constantRate, type Schedule, warmupCosine } from './schedule.js';
export { sequenceLogProb, targetLogProb, tokenLogProb } from './sequence-log-prob.js';
export * from './tokenizer/index.js';
export {
  type StepReport,
  type TrainLanguageModelOptions,
  trainLanguageModel,
} from './train-language-model.js';

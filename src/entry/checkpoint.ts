// Checkpoint files: safetensors with GPT-2's names, config.json with GPT-2's fields, tokenizer.json, optimizer state.
export { type Checkpoint, type CheckpointFiles, checkpointFiles, loadCheckpoint } from '../nn/checkpoint.js';
export { configFromJson, configToJson } from '../nn/config-json.js';
export type { LoadOptions } from '../nn/params-from-tensors.js';
export { readSafetensors, type StoredTensor, writeSafetensors } from '../nn/safetensors.js';

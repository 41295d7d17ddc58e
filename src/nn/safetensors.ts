export { readSafetensors, type StoredTensor, writeSafetensors } from '../data/safetensors.js';

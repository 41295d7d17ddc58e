export type { BpeJson } from './bpe-json.js';
export { type ByteJson, byteTokenizer } from './byte-tokenizer.js';
export { type CharJson, charTokenizer } from './char-tokenizer.js';
export { END_OF_TEXT, type Tokenizer, type TokenizerJson } from './tokenizer.js';
export { tokenizerFromJson } from './tokenizer-from-json.js';
export { type TrainBpeOptions, trainBpe } from './train-bpe.js';

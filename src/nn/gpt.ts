import {
  add,
  causalAttention,
  concat,
  dropout,
  embedding,
  layerNorm,
  linear,
  linearGelu,
  matmul,
  narrow,
  permute,
  reshape,
  selfAttention,
} from '../ops/index.js';
import type { Random } from '../random/index.js';
import { showShape, type Tensor } from '../tensor/index.js';
import { invalid, PopeError } from '../util/index.js';
import { droppedAttention } from './dropped-attention.js';
import type { GptConfig } from './gpt-config.js';
import type { KeyValueCache } from './key-value-cache.js';

/** Gain and bias of a layer norm, [C] each. */
export type Norm = { readonly weight: Tensor; readonly bias: Tensor };
/** y = x weight + bias; weight is [in, out] (GPT-2's Conv1D), bias [out]. */
export type Linear = { readonly weight: Tensor; readonly bias: Tensor };
/** One layer. */
export type GptBlock = {
  readonly ln_1: Norm;
  /** c_attn [C, 3C] makes queries, keys, values; c_proj [C, C]. */
  readonly attn: { readonly c_attn: Linear; readonly c_proj: Linear };
  readonly ln_2: Norm;
  /** c_fc [C, 4C]; c_proj [4C, C]. */
  readonly mlp: { readonly c_fc: Linear; readonly c_proj: Linear };
};
/** The parameters by GPT-2's names: `namedLeaves` gives the keys of its safetensors file. The head is wte itself. */
export type GptParams = {
  /** [V, C] */
  readonly wte: { readonly weight: Tensor };
  /** [blockSize, C] */
  readonly wpe: { readonly weight: Tensor };
  readonly h: readonly GptBlock[];
  readonly ln_f: Norm;
};

export interface ForwardOptions {
  /** Given: dropout is on, drawn from it. Absent: no dropout. */
  readonly random?: Random | undefined;
  /** Given: `tokens` continue what the cache has read. It is changed in place. */
  readonly cache?: KeyValueCache | undefined;
}

/**
 * Logits of the next token after every position, [B, T, V], before any softmax.
 * @param tokens int32 [B, T], ids from 0 to V - 1; row-wise independent, and position t sees tokens 0 .. t only, so
 * right padding never reaches the positions before it.
 * @throws PopeError where T (with the cache) exceeds `blockSize` or an id is outside of the vocabulary.
 */
export function gptLogits(params: GptParams, config: GptConfig, tokens: Tensor, options: ForwardOptions = {}): Tensor {
  return lmHead(params, gptHidden(params, config, tokens, options));
}

/** The head, tied to the token embedding: [.., C] -> [.., V]. */
export function lmHead(params: GptParams, hidden: Tensor): Tensor {
  const [vocabSize, width] = params.wte.weight.shape;
  const rows = reshape(hidden, [-1, width]); // [N, C]
  return reshape(matmul(rows, params.wte.weight, { transposeY: true }), [...hidden.shape.slice(0, -1), vocabSize]); // [.., V]
}

/** The final hidden state of every position, [B, T, C]; see `gptLogits`. */
export function gptHidden(params: GptParams, config: GptConfig, tokens: Tensor, options: ForwardOptions = {}): Tensor {
  const { random, cache } = options;
  const past = cache?.length ?? 0;
  assertTokens(tokens, past, config);
  const drop = (x: Tensor): Tensor =>
    random === undefined || config.dropout === 0 ? x : dropout(x, config.dropout, random);
  const read: { key: Tensor; value: Tensor }[] = [];

  const [batch, time] = tokens.shape as [number, number];
  const embedded = add(embedding(params.wte.weight, tokens), narrow(params.wpe.weight, 0, past, time)); // [B, T, C]
  let x = drop(reshape(embedded, [batch * time, config.nEmbd])); // [N, C] with N = B T: rows, one a token
  params.h.forEach((block, layer) => {
    const normed = norm(x, block.ln_1, config);
    x = add(x, drop(attention(normed, batch, block, layer, config, random, cache, read)));
    x = add(x, drop(mlp(norm(x, block.ln_2, config), block)));
  });
  if (cache !== undefined) {
    cache.length = past + time;
    cache.keys = read.map(({ key }) => key);
    cache.values = read.map(({ value }) => value);
  }
  return reshape(norm(x, params.ln_f, config), embedded.shape);
}

function attention(
  x: Tensor,
  batch: number,
  { attn: { c_attn, c_proj } }: GptBlock,
  layer: number,
  config: GptConfig,
  random: Random | undefined,
  cache: KeyValueCache | undefined,
  read: { key: Tensor; value: Tensor }[],
): Tensor {
  const [rows, width] = x.shape as [number, number];
  const time = rows / batch;
  const { nHead } = config;
  const qkv = linear(x, c_attn.weight, c_attn.bias); // [N, 3C]
  if (cache === undefined && (random === undefined || config.dropout === 0)) {
    const joined = selfAttention(reshape(qkv, [batch, time, 3 * width]), nHead); // [B, T, C]
    return linear(reshape(joined, x.shape), c_proj.weight, c_proj.bias); // [N, C]
  }
  const heads = permute(reshape(qkv, [batch, time, 3, nHead, width / nHead]), [2, 0, 3, 1, 4]); // [3, B, H, T, D]
  const part = (n: number): Tensor => reshape(narrow(heads, 0, n, 1), heads.shape.slice(1)); // [B, H, T, D]
  const query = part(0);
  let key = part(1);
  let value = part(2);
  if (cache !== undefined) {
    if (cache.length > 0) {
      key = concat([cache.keys[layer]!, key], 2); // [B, H, past + T, D]
      value = concat([cache.values[layer]!, value], 2);
    }
    read.push({ key, value });
  }
  const mixed =
    random === undefined || config.dropout === 0
      ? causalAttention(query, key, value)
      : droppedAttention(query, key, value, config.dropout, random); // [B, H, T, D]
  const joined = reshape(permute(mixed, [0, 2, 1, 3]), x.shape); // [N, C]
  return linear(joined, c_proj.weight, c_proj.bias);
}

function mlp(x: Tensor, { mlp: { c_fc, c_proj } }: GptBlock): Tensor {
  const wide = linearGelu(x, c_fc.weight, c_fc.bias); // [N, 4C]
  return linear(wide, c_proj.weight, c_proj.bias); // [N, C]
}

function norm(x: Tensor, { weight, bias }: Norm, config: GptConfig): Tensor {
  return layerNorm(x, weight, bias, config.layerNormEpsilon);
}

function assertTokens(tokens: Tensor, past: number, { blockSize }: GptConfig): void {
  if (tokens.dtype !== 'int32' || tokens.rank !== 2 || tokens.size === 0) {
    throw invalid('tokens', `${tokens.dtype} ${showShape(tokens.shape)}`, 'an int32 tensor of shape [B, T], neither 0');
  }
  if (past + tokens.shape[1]! > blockSize) {
    throw new PopeError(
      `tokens has ${past + tokens.shape[1]!} positions${past > 0 ? ' with the cache' : ''}; expected at most config.blockSize = ${blockSize}.`,
      { argument: 'tokens', got: past + tokens.shape[1]!, expected: `at most ${blockSize}` },
    );
  }
}

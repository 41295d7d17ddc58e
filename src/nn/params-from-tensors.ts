import { type Backend, tensor } from '../backend/index.js';
import { type FloatDType, sameShape, showShape, type Tensor } from '../tensor/index.js';
import { PopeError } from '../util/index.js';
import type { GptBlock, GptParams } from './gpt.js';
import type { GptConfig } from './gpt-config.js';
import { paramShapes } from './param-shapes.js';
import type { StoredTensor } from './safetensors.js';

export interface LoadOptions {
  /** Convert to it; default: the dtype of the file. */
  readonly dtype?: FloatDType | undefined;
  readonly backend?: Backend | undefined;
}

/** Buffers that other writers store beside the parameters: the causal mask, and masked positions. */
const BUFFERS = /^h\.\d+\.attn\.(bias|masked_bias)$/;

/**
 * Parameters out of the tensors of a safetensors file. GPT-2's own files are read too: a `transformer.` before each
 * name is taken off, mask buffers are passed over, and `lm_head.weight` must be the token embedding.
 * @param prefix names of the file begin with it (`first_moment.`).
 * @throws PopeError where a tensor is missing, superfluous, of another shape or type, or holds a number not finite.
 */
export function paramsFromTensors(
  stored: ReadonlyMap<string, StoredTensor>,
  config: GptConfig,
  file: string,
  options: LoadOptions = {},
  prefix = '',
): GptParams {
  const found = new Map<string, StoredTensor>();
  for (const [name, value] of stored) {
    if (name.startsWith(prefix)) found.set(name.slice(prefix.length).replace(/^transformer\./, ''), value);
  }
  const fail = (message: string, argument: string): PopeError =>
    new PopeError(`${file}: ${message}`, { argument, file });
  const shapes = paramShapes(config);
  const ready = new Map<string, Tensor>();
  let dtype = options.dtype;
  for (const [name, shape] of shapes) {
    const value = found.get(name);
    if (value === undefined)
      throw fail(`tensor ${prefix}${name} is missing; config.json asks for it with shape ${showShape(shape)}.`, name);
    if (!sameShape(value.shape, shape)) {
      throw fail(
        `tensor ${prefix}${name} has shape ${showShape(value.shape)}; config.json asks for ${showShape(shape)}.`,
        name,
      );
    }
    if (value.dtype === 'I32') throw fail(`tensor ${prefix}${name} has type I32; expected F32 or F64.`, name);
    dtype ??= value.dtype === 'F64' ? 'float64' : 'float32';
    if (options.dtype === undefined && (value.dtype === 'F64') !== (dtype === 'float64')) {
      throw fail(
        `tensor ${prefix}${name} has type ${value.dtype}, others another; expected one type. Give options.dtype to convert.`,
        name,
      );
    }
    const bad = value.data.findIndex((x) => !Number.isFinite(x));
    if (bad >= 0)
      throw fail(`tensor ${prefix}${name} holds ${value.data[bad]} at position ${bad}; expected finite numbers.`, name);
    ready.set(
      name,
      tensor(value.data, { dtype, shape, ...(options.backend === undefined ? {} : { backend: options.backend }) }),
    );
  }
  for (const [name, value] of found) {
    if (shapes.has(name) || BUFFERS.test(name)) continue;
    if (name === 'lm_head.weight') {
      const embedding = found.get('wte.weight')!.data;
      if (value.data.length === embedding.length && value.data.every((x, i) => x === embedding[i])) continue;
      throw fail('tensor lm_head.weight differs from wte.weight; expected them tied.', name);
    }
    throw fail(
      `tensor ${prefix}${name} is no parameter of the model in config.json; expected only its ${shapes.size} tensors.`,
      name,
    );
  }
  const at = (name: string): Tensor => ready.get(name)!;
  const both = (name: string) => ({ weight: at(`${name}.weight`), bias: at(`${name}.bias`) });
  const block = (h: string): GptBlock => ({
    ln_1: both(`${h}.ln_1`),
    attn: { c_attn: both(`${h}.attn.c_attn`), c_proj: both(`${h}.attn.c_proj`) },
    ln_2: both(`${h}.ln_2`),
    mlp: { c_fc: both(`${h}.mlp.c_fc`), c_proj: both(`${h}.mlp.c_proj`) },
  });
  return {
    wte: { weight: at('wte.weight') },
    wpe: { weight: at('wpe.weight') },
    h: Array.from({ length: config.nLayer }, (_, layer) => block(`h.${layer}`)),
    ln_f: both('ln_f'),
  };
}

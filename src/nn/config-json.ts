import { invalid, PopeError } from '../util/index.js';
import { assertGptConfig, type GptConfig } from './gpt-config.js';

/** config.json with GPT-2's field names: the one place where they are mapped. */
export function configToJson(config: GptConfig, eosId: number): Record<string, unknown> {
  return {
    model_type: 'gpt2',
    architectures: ['GPT2LMHeadModel'],
    activation_function: 'gelu_new',
    vocab_size: config.vocabSize,
    n_positions: config.blockSize,
    n_embd: config.nEmbd,
    n_layer: config.nLayer,
    n_head: config.nHead,
    n_inner: null,
    resid_pdrop: config.dropout,
    embd_pdrop: config.dropout,
    attn_pdrop: config.dropout,
    layer_norm_epsilon: config.layerNormEpsilon,
    bos_token_id: eosId,
    eos_token_id: eosId,
    tie_word_embeddings: true,
  };
}

/**
 * The configuration that a parsed config.json describes. Fields that we do not know are ignored; fields that would
 * change what the model computes are refused where they differ from the one arrangement that we have.
 * @throws PopeError naming the field, what it was and what was expected.
 */
export function configFromJson(json: unknown): GptConfig {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) throw invalid('config.json', json, 'an object');
  const record = json as Readonly<Record<string, unknown>>;
  const size = (field: string): number => {
    const value = record[field];
    if (!Number.isInteger(value) || (value as number) < 1)
      throw invalid(`config.json: ${field}`, value, 'an integer of at least 1');
    return value as number;
  };
  const real = (field: string, fallback: number): number => {
    const value = record[field] ?? fallback;
    if (typeof value !== 'number' || !Number.isFinite(value))
      throw invalid(`config.json: ${field}`, value, 'a finite number');
    return value;
  };
  const must = (field: string, expected: unknown): void => {
    if (record[field] !== undefined && record[field] !== expected) {
      throw invalid(`config.json: ${field}`, record[field], `${JSON.stringify(expected)}, the only one supported`);
    }
  };
  if (record['model_type'] !== 'gpt2') throw invalid('config.json: model_type', record['model_type'], '"gpt2"');
  must('activation_function', 'gelu_new');
  must('tie_word_embeddings', true);
  must('scale_attn_weights', true);
  must('scale_attn_by_inverse_layer_idx', false);
  const nEmbd = size('n_embd');
  if (record['n_inner'] !== undefined && record['n_inner'] !== null && record['n_inner'] !== 4 * nEmbd) {
    throw invalid('config.json: n_inner', record['n_inner'], `null or 4 n_embd = ${4 * nEmbd}`);
  }
  // GPT-2's own default is 0.1 for each of the three; one number serves all of ours.
  const dropouts = ['resid_pdrop', 'embd_pdrop', 'attn_pdrop'].map((field) => real(field, 0.1));
  if (new Set(dropouts).size > 1) {
    throw new PopeError(
      `config.json: resid_pdrop, embd_pdrop and attn_pdrop are ${dropouts.join(', ')}; expected one number for the three.`,
      { argument: 'resid_pdrop', got: dropouts, expected: 'one number for the three' },
    );
  }
  const config: GptConfig = {
    vocabSize: size('vocab_size'),
    blockSize: size('n_positions'),
    nLayer: size('n_layer'),
    nHead: size('n_head'),
    nEmbd,
    dropout: dropouts[0]!,
    layerNormEpsilon: real('layer_norm_epsilon', 1e-5),
  };
  assertGptConfig(config);
  return config;
}

import { describe, expect, test } from 'vitest';
import {
  type Checkpoint,
  checkpointFiles,
  loadCheckpoint,
  readSafetensors,
  type StoredTensor,
  writeSafetensors,
} from '../../src/entry/checkpoint.js';
import {
  byteTokenizer,
  charTokenizer,
  constantRate,
  type GptConfig,
  type GptParams,
  gptConfig,
  initGpt,
  type OptimizerState,
  paramShapes,
  trainBpe,
  trainLanguageModel,
  warmupCosine,
} from '../../src/nn/index.js';
import { type Random, randomState, seededRandom, uniformInt } from '../../src/random/index.js';
import { namedLeaves, type Tree } from '../../src/tensor/index.js';
import { tinyGpt } from './tiny-gpt.js';

const bits = (tree: Tree): string[] =>
  namedLeaves(tree).map(([name, leaf]) => {
    const { buffer } = leaf.dataSync();
    return `${name}:${leaf.shape}:${new Uint8Array(buffer).join('')}`;
  });

const tokenizer = charTokenizer('abcdefgh', { unknown: 'refuse' });
const data = (() => {
  const random = seededRandom(9);
  return Int32Array.from({ length: 300 }, () => uniformInt(random, 8));
})();

/** Bytes that went to a disk and came back: other memory, perhaps not aligned. */
const copied = (files: Record<string, Uint8Array | string>): Record<string, Uint8Array | string> =>
  Object.fromEntries(
    Object.entries(files).map(([name, content]) => {
      if (typeof content === 'string') return [name, content];
      const room = new Uint8Array(content.length + 3);
      room.set(content, 3);
      return [name, room.subarray(3)];
    }),
  );

const firstLoss = async (config: GptConfig, from: { params: GptParams; random: Random }): Promise<number[]> => {
  const losses: number[] = [];
  await trainLanguageModel({
    ...from,
    config,
    data,
    steps: 1,
    batch: 3,
    schedule: constantRate(0.01),
    onStep: ({ loss }) => void losses.push(loss),
  });
  return losses;
};

describe('a resumed training is bit for bit the run that was never stopped', () => {
  test.each([
    ['float32', 0.2],
    ['float64', 0.3],
    ['float32', 0],
  ] as const)('%s, dropout %d', async (dtype, dropout) => {
    const config = gptConfig({ vocabSize: 9, blockSize: 6, nLayer: 2, nHead: 2, nEmbd: 8, dropout });
    const start = () => {
      const random = seededRandom(4);
      return { params: initGpt(config, random, { dtype }), random };
    };
    const run = (
      from: { params: GptParams; random: Random; state?: OptimizerState<GptParams> },
      steps: number,
      losses: number[],
    ) =>
      trainLanguageModel({
        ...from,
        config,
        data,
        steps,
        batch: 3,
        schedule: warmupCosine({ peak: 0.01, warmup: 2, steps: 9 }),
        weightDecay: 0.1,
        onStep: ({ loss }) => void losses.push(loss),
      });
    const whole: number[] = [];
    const whole0 = start();
    const straight = await run(whole0, 9, whole);

    const parts: number[] = [];
    const part0 = start();
    const first = await run(part0, 4, parts);
    const saved = await checkpointFiles({
      config,
      tokenizer,
      params: first.params,
      optimizer: first.state,
      random: part0.random,
      extra: { note: 'x' },
    });
    const loaded = loadCheckpoint(copied(saved));
    expect(loaded.step).toBe(4);
    expect(loaded.config).toEqual(config);
    expect(loaded.extra).toEqual({ note: 'x' });
    const random = loaded.random!;
    const second = await run({ params: loaded.params, random, state: loaded.optimizer! }, 9, parts);

    expect(parts).toEqual(whole);
    expect(second.step).toBe(9);
    expect(bits(second.params)).toEqual(bits(straight.params));
    expect(bits([second.state.firstMoment, second.state.secondMoment])).toEqual(
      bits([straight.state.firstMoment, straight.state.secondMoment]),
    );
    expect(randomState(random)).toEqual(randomState(whole0.random));
    expect(new Set(whole).size).toBe(9);
    // Dropout was really on: without it the first loss is another one.
    const [undropped] = await firstLoss({ ...config, dropout: 0 }, start());
    expect(undropped === whole[0]).toBe(dropout === 0);
  });
});

describe('checkpointFiles', () => {
  const { config, params } = tinyGpt({ vocabSize: 9 }, 7, 'float32');

  test('names and fields are those of GPT-2', async () => {
    const files = await checkpointFiles({ config, params, tokenizer });
    expect(Object.keys(files)).toEqual(['model.safetensors', 'config.json', 'tokenizer.json']);
    const { tensors } = readSafetensors(files['model.safetensors'] as Uint8Array);
    expect(new Set(tensors.keys())).toEqual(new Set(paramShapes(config).keys()));
    expect(JSON.parse(files['config.json'] as string)).toMatchObject({
      model_type: 'gpt2',
      vocab_size: 9,
      n_positions: 6,
      n_embd: 4,
      n_layer: 2,
      n_head: 2,
      resid_pdrop: 0,
      embd_pdrop: 0,
      attn_pdrop: 0,
      layer_norm_epsilon: 1e-5,
      eos_token_id: 8,
    });
  });

  test.each([
    ['byte', byteTokenizer()],
    ['bpe', trainBpe(['the cat sat on the mat the cat'], { vocabSize: 262 })],
  ] as const)('a %s tokenizer comes back', async (_, other) => {
    const big = gptConfig({ ...config, vocabSize: other.vocabSize });
    const files = await checkpointFiles({ config: big, params: initGpt(big, seededRandom(1)), tokenizer: other });
    const loaded = loadCheckpoint(files);
    expect([...loaded.tokenizer.encode('the cat é')]).toEqual([...other.encode('the cat é')]);
    expect(loaded.optimizer).toBeUndefined();
  });

  test('float32 loads as float64 where asked, and numbers stay', async () => {
    const loaded = loadCheckpoint(await checkpointFiles({ config, params, tokenizer }), { dtype: 'float64' });
    expect(loaded.params.wte.weight.dtype).toBe('float64');
    expect([...loaded.params.wte.weight.dataSync()]).toEqual([...params.wte.weight.dataSync()]);
  });
});

describe('loadCheckpoint', () => {
  const { config, params } = tinyGpt({ vocabSize: 9 }, 7, 'float32');
  const good = async (): Promise<Record<string, Uint8Array | string>> => {
    const state = { step: 3, firstMoment: params, secondMoment: params };
    return checkpointFiles({ config, params, tokenizer, optimizer: state, random: seededRandom(1) });
  };
  const json = (content: Uint8Array | string | undefined, change: object): string =>
    JSON.stringify({ ...JSON.parse(content as string), ...change });
  const tensors = (
    content: Uint8Array | string | undefined,
    change: (all: Map<string, StoredTensor>) => void,
  ): Uint8Array => {
    const all = new Map(readSafetensors(content as Uint8Array).tensors);
    change(all);
    return writeSafetensors(Object.fromEntries(all));
  };

  test("reads GPT-2's own layout: a prefix, mask buffers, and a tied head", async () => {
    const files = await good();
    const bytes = tensors(files['model.safetensors'], (all) => {
      for (const [name, value] of [...all]) {
        all.delete(name);
        all.set(`transformer.${name}`, value);
      }
      all.set('transformer.h.0.attn.bias', { dtype: 'F32', shape: [1, 1], data: Float32Array.of(1) });
      all.set('lm_head.weight', all.get('transformer.wte.weight')!);
    });
    expect(bits(loadCheckpoint({ ...files, 'model.safetensors': bytes }).params)).toEqual(bits(params));
  });

  const model = 'model.safetensors';
  const set = (name: string, value: StoredTensor) => (f: Record<string, Uint8Array | string>) => ({
    [model]: tensors(f[model], (all) => void all.set(name, value)),
  });
  const cases: [
    string,
    (f: Record<string, Uint8Array | string>) => Record<string, Uint8Array | string | undefined>,
    RegExp,
  ][] = [
    ['a missing file', () => ({ 'config.json': undefined }), /config\.json is missing from the checkpoint/],
    ['broken JSON', () => ({ 'config.json': '{"n_embd": ' }), /config\.json is not JSON/],
    ['JSON that is no object', () => ({ 'config.json': '[]' }), /config\.json is \[\]; expected an object/],
    [
      'another model',
      (f) => ({ 'config.json': json(f['config.json'], { model_type: 'llama' }) }),
      /model_type is "llama"; expected "gpt2"/,
    ],
    [
      'another activation',
      (f) => ({ 'config.json': json(f['config.json'], { activation_function: 'relu' }) }),
      /activation_function is "relu"/,
    ],
    [
      'untied embeddings',
      (f) => ({ 'config.json': json(f['config.json'], { tie_word_embeddings: false }) }),
      /tie_word_embeddings is false/,
    ],
    [
      'a size of 0',
      (f) => ({ 'config.json': json(f['config.json'], { n_layer: 0 }) }),
      /n_layer is 0; expected an integer of at least 1/,
    ],
    ['a size as text', (f) => ({ 'config.json': json(f['config.json'], { n_head: '2' }) }), /n_head is "2"/],
    [
      'heads that do not divide',
      (f) => ({ 'config.json': json(f['config.json'], { n_head: 3 }) }),
      /a multiple of config.nHead = 3/,
    ],
    [
      'three dropouts',
      (f) => ({ 'config.json': json(f['config.json'], { attn_pdrop: 0.5 }) }),
      /one number for the three/,
    ],
    [
      'a wrong tokenizer',
      (f) => ({ 'tokenizer.json': json(f['tokenizer.json'], { characters: ['ab'] }) }),
      /^tokenizer.*characters\[0\]/,
    ],
    [
      'too many tokens',
      (f) => ({ 'tokenizer.json': json(f['tokenizer.json'], { characters: [...'abcdefghijkl'] }) }),
      /tokenizer\.json has 13 tokens; expected at most vocab_size of config\.json, 9/,
    ],
    ['text for bytes', () => ({ [model]: 'x' }), /model\.safetensors is "text"; expected bytes/],
    ['a cut file', (f) => ({ [model]: (f[model] as Uint8Array).slice(0, -4) }), /model\.safetensors/],
    [
      'sizes that differ',
      (f) => ({ 'config.json': json(f['config.json'], { n_positions: 7 }) }),
      /wpe\.weight has shape \[6, 4\]; config\.json asks for \[7, 4\]/,
    ],
    [
      'a missing tensor',
      (f) => ({ [model]: tensors(f[model], (all) => void all.delete('ln_f.bias')) }),
      /tensor ln_f\.bias is missing/,
    ],
    [
      'a tensor too many',
      set('h.2.ln_1.bias', { dtype: 'F32', shape: [4], data: new Float32Array(4) }),
      /h\.2\.ln_1\.bias is no parameter/,
    ],
    [
      'an untied head',
      set('lm_head.weight', { dtype: 'F32', shape: [9, 4], data: new Float32Array(36) }),
      /lm_head\.weight differs from wte\.weight/,
    ],
    [
      'NaN',
      set('ln_f.bias', { dtype: 'F32', shape: [4], data: Float32Array.of(0, Number.NaN, 0, 0) }),
      /ln_f\.bias holds NaN at position 1; expected finite numbers/,
    ],
    ['integers', set('ln_f.bias', { dtype: 'I32', shape: [4], data: new Int32Array(4) }), /ln_f\.bias has type I32/],
    [
      'two float types',
      set('ln_f.bias', { dtype: 'F64', shape: [4], data: new Float64Array(4) }),
      /ln_f\.bias has type F64, others another/,
    ],
    ['no optimizer file', () => ({ 'optimizer.safetensors': undefined }), /optimizer\.safetensors is missing/],
    [
      'a model as optimizer',
      (f) => ({ 'optimizer.safetensors': f[model] }),
      /optimizer\.safetensors: tensor .* is no moment/,
    ],
    [
      'a step below 0',
      (f) => ({ 'trainer_state.json': json(f['trainer_state.json'], { step: -1 }) }),
      /trainer_state\.json: step is -1/,
    ],
    [
      'a generator that is none',
      (f) => ({ 'trainer_state.json': json(f['trainer_state.json'], { random_state: [1, 2] }) }),
      /trainer_state\.json: random_state.*four 32-bit integers/,
    ],
    [
      'extra that is no object',
      (f) => ({ 'trainer_state.json': json(f['trainer_state.json'], { extra: 3 }) }),
      /trainer_state\.json: extra is 3/,
    ],
  ];
  test.each(cases)('refuses %s in one sentence', async (_, change, message) => {
    const files = await good();
    const changed = { ...files, ...change(files) };
    expect(() => loadCheckpoint(changed as Record<string, Uint8Array | string>)).toThrow(message);
  });

  test('the good one it takes', async () => {
    const loaded: Checkpoint = loadCheckpoint(await good());
    expect(bits(loaded.params)).toEqual(bits(params));
    expect(loaded.optimizer?.step).toBe(3);
  });
});

describe('trainLanguageModel', () => {
  const { config, params } = tinyGpt({ vocabSize: 9 }, 7, 'float32');
  const base = { params, config, data, steps: 5, batch: 2, schedule: constantRate(0.01) };

  test('stops where the signal says, and leaves the parameters that it was given', async () => {
    const before = bits(params);
    const signal = { aborted: false };
    const { step } = await trainLanguageModel({
      ...base,
      random: seededRandom(1),
      signal,
      onStep: (r) => void (signal.aborted = r.step === 2),
    });
    expect(step).toBe(2);
    expect(bits(params)).toEqual(before);
  });

  test('says at which step it diverged', async () => {
    await expect(
      trainLanguageModel({ ...base, random: seededRandom(1), schedule: constantRate(1e30) }),
    ).rejects.toThrow(/training diverged at step 2: the loss is/);
  });

  test('refuses a text shorter than a window', async () => {
    await expect(trainLanguageModel({ ...base, data: data.slice(0, 6), random: seededRandom(1) })).rejects.toThrow(
      /data is "6 tokens"; expected at least length \+ 1 = 7/,
    );
  });
});

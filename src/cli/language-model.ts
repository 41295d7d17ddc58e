import type { Command } from 'commander';
import type { Candidates } from '../data/index.js';
import {
  byteTokenizer,
  type CandidatePolicyOptions,
  candidatePolicy,
  charTokenizer,
  type GptConfig,
  type GptParams,
  gptConfig,
  gptPolicy,
  initGpt,
  languageModelLoss,
  type Tokenizer,
  trainBpe,
} from '../nn/index.js';
import { type Log, type PolicyFamily, promptKey } from '../ope/index.js';
import { seededRandom, splitRandom } from '../random/index.js';
import { invalid } from '../util/index.js';
import { choiceOption, integerOption, numberOption } from './options.js';
import { promptText } from './policy-folder.js';

/** A language model with what it takes to train it. */
export interface LanguageModel {
  readonly config: GptConfig;
  readonly params: GptParams;
  readonly tokenizer: Tokenizer;
}

/** What a new model is made of. */
export interface ModelOptions {
  readonly tokenizer: 'char' | 'byte' | 'bpe';
  readonly vocabSize: number;
  readonly nLayer: number;
  readonly nHead: number;
  readonly nEmbd: number;
  readonly blockSize?: number;
  readonly dropout: number;
}

/** Their names, for what may not be given together with a model that is there already. */
export const modelOptionNames = ['tokenizer', 'vocabSize', 'nLayer', 'nHead', 'nEmbd', 'blockSize', 'dropout'] as const;

/** Adds the options of a new model. */
export function withModelOptions(command: Command): Command {
  const positive = (name: string) => integerOption(name, 1);
  return command
    .option(
      '--tokenizer <kind>',
      'of a new model: char, byte or bpe',
      choiceOption('--tokenizer', ['char', 'byte', 'bpe'] as const),
      'bpe',
    )
    .option('--vocab-size <n>', 'tokens of a bpe, at least 257', integerOption('--vocab-size', 257), 512)
    .option('--n-layer <n>', 'layers of a new model', positive('--n-layer'), 2)
    .option('--n-head <n>', 'attention heads a layer', positive('--n-head'), 2)
    .option('--n-embd <n>', 'width, a multiple of the heads', positive('--n-embd'), 64)
    .option('--block-size <n>', 'longest context in tokens (default: what the log needs)', positive('--block-size'))
    .option('--dropout <p>', 'in training only', numberOption('--dropout', 0, 1, { below: true }), 0);
}

/** The distinct texts of a log: responses, those of `candidates`, and prompts. */
export function textsOf(log: Log, candidates: Candidates | undefined): { prompts: string[]; responses: string[] } {
  const spaces = [...(candidates?.values() ?? [])].flatMap((space) => space.map(({ text }) => text));
  return {
    prompts: [...new Set(log.prompts.map(promptText))],
    responses: [...new Set([...log.responses, ...spaces])],
  };
}

/**
 * A new model for a log, its tokenizer learned from the log's texts; the same seed gives the same model.
 * @throws PopeError where the sizes make no model.
 */
export function newModel(
  log: Log,
  candidates: Candidates | undefined,
  options: ModelOptions,
  seed: number,
): LanguageModel {
  const { prompts, responses } = textsOf(log, candidates);
  const texts = [...prompts, ...responses];
  const tokenizer =
    options.tokenizer === 'byte'
      ? byteTokenizer()
      : options.tokenizer === 'char'
        ? charTokenizer(texts)
        : trainBpe(texts, { vocabSize: options.vocabSize });
  const { nLayer, nHead, nEmbd, dropout } = options;
  if (nEmbd % nHead !== 0) throw invalid('--n-embd', nEmbd, `a multiple of --n-head, ${nHead}`);
  const blockSize = options.blockSize ?? neededBlock(tokenizer, prompts, responses);
  const config = gptConfig({ vocabSize: tokenizer.vocabSize, blockSize, nLayer, nHead, nEmbd, dropout });
  return { config, tokenizer, params: initGpt(config, splitRandom(seededRandom(seed))) };
}

/** Room for the longest prompt and response, but prompts beyond 256 tokens lose their beginning. */
function neededBlock(tokenizer: Tokenizer, prompts: readonly string[], responses: readonly string[]): number {
  const longest = (texts: readonly string[]): number =>
    texts.reduce((most, text) => Math.max(most, tokenizer.encode(text).length), 0);
  const response = longest(responses) + 1;
  const whole = longest(prompts) + response;
  // a prompt keeps at most three quarters of the block, so four times the response is always enough
  return 8 * Math.ceil(Math.min(whole, Math.max(256, 4 * response)) / 8);
}

/** The model as a policy of the log's prompts: over free text, or normalised over the candidates of each prompt. */
export function languageFamily(
  { config, tokenizer }: Pick<LanguageModel, 'config' | 'tokenizer'>,
  candidates: Candidates | undefined,
  score: Pick<CandidatePolicyOptions, 'lengthExponent' | 'scoreScale'>,
): PolicyFamily<GptParams> {
  if (candidates === undefined) {
    const family = gptPolicy(config, tokenizer);
    return {
      bind: (params, options) => {
        const policy = family.bind(params, options);
        return { logProb: (prompts, responses) => policy.logProb(prompts.map(promptText), responses) };
      },
    };
  }
  const texts = new Map([...candidates].map(([key, space]) => [key, space.map(({ text }) => text)]));
  const family = candidatePolicy(config, tokenizer, (prompt) => texts.get(prompt) ?? [], score);
  return {
    bind: (params, options) => {
      const policy = family.bind(params, options);
      return {
        logProb: (prompts, responses) => policy.logProb(prompts.map(promptKey), responses),
        distribution: (prompts) => policy.distribution(prompts.map(promptKey)),
      };
    },
  };
}

/** Loss of texts under the parameters, in nats a token; undefined where they are too short to have one. */
export function textLossOf(
  { config, tokenizer }: Pick<LanguageModel, 'config' | 'tokenizer'>,
  texts: readonly string[],
): ((params: GptParams) => Promise<number>) | undefined {
  const stream = Int32Array.from(texts.flatMap((text) => [...tokenizer.encode(text), tokenizer.eosId]));
  if (stream.length < 2) return undefined;
  return (params) => languageModelLoss(params, config, stream, { maxWindows: 64 });
}

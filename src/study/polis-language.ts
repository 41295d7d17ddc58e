import {
  candidatePolicy,
  type GptConfig,
  type GptParams,
  gptConfig,
  initGpt,
  languageModelLoss,
  type Tokenizer,
  trainBpe,
  trainLanguageModel,
  warmupCosine,
} from '../nn/index.js';
import { type CandidatesOf, type PolicyFamily, promptKey } from '../ope/index.js';
import { type Random, seededRandom } from '../random/index.js';
import type { DemoProblem } from './polis-log.js';

export interface LanguageSettings {
  readonly vocabSize: number;
  readonly nLayer: number;
  readonly nHead: number;
  readonly nEmbd: number;
  readonly steps: number;
  /** Every k-th statement is held out of pre-training: the loss on it watches general ability. */
  readonly holdOutEvery: number;
}

export interface Language {
  readonly tokenizer: Tokenizer;
  readonly config: GptConfig;
  readonly params: GptParams;
  /** Loss of the held-out statements, nats a token. */
  readonly textLoss: (params: GptParams) => Promise<number>;
  readonly tokens: number;
}

const blockSize = 128;
/** Wider than GPT-2's 0.02: at width 32 that one begins on a plateau. */
const deviation = 0.07;

/** What the statements alone decide: tokenizer, sizes, and the tokens to train on and to hold out. */
export function languageParts(problem: DemoProblem, settings: LanguageSettings) {
  const conversations = [...new Set(problem.contexts.map(({ conversation }) => conversation))];
  const texts = conversations.flatMap(({ statements }) => statements.map(({ text }) => text));
  const tokenizer = trainBpe([...texts, ...problem.contexts.map(({ prompt }) => prompt)], {
    vocabSize: settings.vocabSize,
  });
  const { nLayer, nHead, nEmbd } = settings;
  const config = gptConfig({ vocabSize: tokenizer.vocabSize, blockSize, nLayer, nHead, nEmbd });
  const stream = (keep: (i: number) => boolean): Int32Array =>
    Int32Array.from(texts.filter((_, i) => keep(i)).flatMap((text) => [...tokenizer.encode(text), tokenizer.eosId]));
  const held = (i: number): boolean => i % settings.holdOutEvery === 0;
  const heldOut = stream(held);
  return {
    tokenizer,
    config,
    data: stream((i) => !held(i)),
    textLoss: (params: GptParams): Promise<number> => languageModelLoss(params, config, heldOut, { length: 64 }),
  };
}

/** A byte-level BPE and a small GPT, pre-trained on the statements of the demo but for the held-out ones. */
export async function demoLanguage(
  problem: DemoProblem,
  settings: LanguageSettings,
  seed: number,
  onStep: (step: number) => void,
  signal?: AbortSignal,
): Promise<Language> {
  const { tokenizer, config, data, textLoss } = languageParts(problem, settings);
  const random: Random = seededRandom(seed);
  const { params } = await trainLanguageModel({
    params: initGpt(config, random, { deviation }),
    config,
    data,
    steps: settings.steps,
    batch: 12,
    length: 64,
    schedule: warmupCosine({ peak: 3e-3, warmup: Math.min(20, settings.steps), steps: settings.steps, final: 3e-4 }),
    weightDecay: 0.05,
    random,
    onStep: ({ step }) => onStep(step),
    ...(signal && { signal }),
  });
  return { tokenizer, config, params, textLoss, tokens: data.length };
}

/** The transformer normalised over the statements of each topic. */
export function demoFamily(
  language: Pick<Language, 'config' | 'tokenizer'>,
  problem: DemoProblem,
): { family: PolicyFamily<GptParams>; candidatesOf: CandidatesOf } {
  const textsOf = new Map(
    [...problem.candidates].map(([prompt, candidates]) => [prompt, candidates.map(({ text }) => text)]),
  );
  return {
    family: candidatePolicy(
      language.config,
      language.tokenizer,
      (prompt) => textsOf.get(prompt) ?? [],
      candidateScore,
    ) as PolicyFamily<GptParams>,
    candidatesOf: (prompt) => problem.candidates.get(promptKey(prompt)) ?? [],
  };
}

/** Scores forgive length, and are spread so that an untrained model is neither flat nor certain; kept in config.json. */
export const candidateScore = { lengthExponent: 1, scoreScale: 8 } as const;

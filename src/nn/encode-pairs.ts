import { assertInteger, invalid, PopeError } from '../util/index.js';
import type { Tokenizer } from './tokenizer/index.js';

export interface EncodeOptions {
  /**
   * The last so many tokens of a prompt are kept, from 0 to blockSize - 1; default three quarters of `blockSize`.
   * The cut depends on the prompt alone: were it to depend on the response too, different responses would be scored
   * under different contexts, and their probabilities would not add up.
   */
  readonly maxPromptTokens?: number | undefined;
  /** Default false: a response that does not fit is refused. True: it is cut, and scored as an unfinished prefix. */
  readonly truncate?: boolean | undefined;
}

/** Prompt and response as token ids: what the model reads, and which of its predictions count. */
export interface EncodedPair {
  /** The kept end of the prompt. The separator, `eosId`, follows it. */
  readonly prompt: Int32Array;
  /** What the model reads from the separator on: the separator, then the response without its last target. */
  readonly inputs: Int32Array;
  /** What it must say at each of these: the response, then the final `eosId` (not where the response was cut). */
  readonly targets: Int32Array;
}

/** Pairs as one rectangle of B rows and T columns, padded on the right. */
export interface TokenBatch {
  readonly rows: number;
  readonly columns: number;
  /** [B, T] row-major: prompt, separator, response; then padding. */
  readonly tokens: Int32Array;
  /** [B, T]: the token to predict after each position; -1 where none counts (prompt and padding). */
  readonly targets: Int32Array;
  /** [B]: columns in use. */
  readonly lengths: Int32Array;
}

/** The end of a prompt that is kept; see `EncodeOptions.maxPromptTokens`. */
export function keptPrompt(
  prompt: Int32Array,
  blockSize: number,
  maxPromptTokens = Math.floor((3 * blockSize) / 4),
): Int32Array {
  assertInteger('maxPromptTokens', maxPromptTokens, 0, blockSize - 1);
  return prompt.length > maxPromptTokens ? prompt.slice(prompt.length - maxPromptTokens) : prompt;
}

/**
 * One pair: prompt, separator, response, end of text. The end belongs to the response, so that the probabilities of
 * all strings add up to at most 1.
 * @throws PopeError where the response does not fit and `truncate` is not set.
 */
export function encodePair(
  prompt: Int32Array,
  response: Int32Array,
  eosId: number,
  blockSize: number,
  { maxPromptTokens, truncate = false }: EncodeOptions = {},
): EncodedPair {
  const kept = keptPrompt(prompt, blockSize, maxPromptTokens);
  const room = blockSize - kept.length;
  const targets = new Int32Array(response.length + 1);
  targets.set(response);
  targets[response.length] = eosId;
  if (targets.length > room && !truncate) {
    throw new PopeError(
      `a response has ${response.length} tokens; expected at most ${room - 1}, what config.blockSize = ${blockSize} leaves after ${kept.length} prompt tokens. Use a larger blockSize (--block-size), a smaller maxPromptTokens, or truncate.`,
      { argument: 'responses', got: response.length, expected: `at most ${room - 1} tokens` },
    );
  }
  const fitting = targets.length > room ? targets.slice(0, room) : targets;
  const inputs = new Int32Array(fitting.length);
  inputs[0] = eosId;
  inputs.set(fitting.subarray(0, -1), 1);
  return { prompt: kept, inputs, targets: fitting };
}

/**
 * Pairs as one padded batch; prompts that are too long lose their beginning.
 * @param prompts and responses: equally many, at least one.
 * @throws PopeError where they are not, or a response does not fit (see `EncodeOptions`).
 */
export function encodePairs(
  tokenizer: Tokenizer,
  prompts: readonly string[],
  responses: readonly string[],
  blockSize: number,
  options: EncodeOptions = {},
): TokenBatch {
  assertPairs(prompts, responses);
  return padPairs(
    prompts.map((prompt, i) =>
      encodePair(tokenizer.encode(prompt), tokenizer.encode(responses[i]!), tokenizer.eosId, blockSize, options),
    ),
  );
}

/** @throws PopeError unless there are equally many prompts and responses, and at least one. */
export function assertPairs(prompts: readonly string[], responses: readonly string[]): void {
  if (prompts.length === 0) throw invalid('prompts', prompts, 'at least one prompt');
  if (responses.length !== prompts.length) {
    throw new PopeError(`responses has ${responses.length} texts; expected ${prompts.length}, one a prompt.`, {
      argument: 'responses',
      got: responses.length,
      expected: `${prompts.length}`,
    });
  }
}

/** Encoded pairs side by side. */
export function padPairs(pairs: readonly EncodedPair[]): TokenBatch {
  const rows = pairs.length;
  const lengths = Int32Array.from(pairs, ({ prompt, inputs }) => prompt.length + inputs.length);
  const columns = Math.max(0, ...lengths);
  const tokens = new Int32Array(rows * columns);
  const targets = new Int32Array(rows * columns).fill(-1);
  pairs.forEach((pair, row) => {
    tokens.set(pair.prompt, row * columns);
    tokens.set(pair.inputs, row * columns + pair.prompt.length);
    targets.set(pair.targets, row * columns + pair.prompt.length);
  });
  return { rows, columns, tokens, targets, lengths };
}

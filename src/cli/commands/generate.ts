import type { Command } from 'commander';
import { keptPrompt } from '../../nn/encode-pairs.js';
import { generate } from '../../nn/index.js';
import { seededRandom } from '../../random/index.js';
import { formatNumber } from '../../report/index.js';
import type { Context } from '../context.js';
import { type CommonOptions, common, integerOption, numberOption } from '../options.js';
import { printResult, printWarnings } from '../output.js';
import { isOverCandidates, readCheckpoint } from '../policy-folder.js';

interface GenerateCommandOptions extends CommonOptions {
  readonly prompt: string;
  readonly temperature: number;
  readonly topK?: number;
  readonly topP?: number;
  readonly n: number;
  readonly maxTokens: number;
}

/** Adds `pope generate`. */
export function registerGenerate(program: Command, context: Context): void {
  const command = program
    .command('generate')
    .summary('sample responses of a model to a prompt')
    .description(
      "Samples responses with each token's log-probability: that of the sampler, from which the text was drawn (log_propensity in JSON), and the model's own at temperature 1 (model_log_prob).",
    )
    .argument('<model>', 'a checkpoint folder')
    .requiredOption('--prompt <text>', 'the prompt')
    .option('--temperature <t>', '0 takes the likeliest token each time', numberOption('--temperature', 0), 1)
    .option('--top-k <k>', 'only the k likeliest tokens', integerOption('--top-k', 1))
    .option(
      '--top-p <p>',
      'only the likeliest tokens that hold probability p',
      numberOption('--top-p', 0, 1, { above: true }),
    )
    .option('--n <n>', 'number of responses', integerOption('--n', 1, 10_000), 1)
    .option('--max-tokens <n>', 'tokens of a response at most', integerOption('--max-tokens', 1), 64)
    .action((model: string, options: GenerateCommandOptions) => generateCommand(model, options, context));
  common(command, [
    'pope generate runs/new --prompt "A cat walks into a bar"',
    'pope generate runs/new --prompt "Hello" --n 5 --temperature 0.8 --top-p 0.95 --seed 7 --json',
  ]);
}

async function generateCommand(model: string, options: GenerateCommandOptions, context: Context): Promise<void> {
  const checkpoint = await readCheckpoint(model);
  const { prompt, temperature, topK, topP, n, maxTokens, seed } = options;
  const samples = await generate(checkpoint.params, checkpoint.config, checkpoint.tokenizer, prompt, {
    maxTokens,
    temperature,
    n,
    random: seededRandom(seed),
    ...(topK !== undefined && { topK }),
    ...(topP !== undefined && { topP }),
  });
  const responses = samples.map(({ text, tokens, tokenLogProbs, sampledLogProbs, finished }) => ({
    text,
    tokens: Array.from(tokens),
    // The text came from the sampler, so its probability is what a log of it must hold.
    log_propensity: sum(sampledLogProbs),
    sampled_log_probs: Array.from(sampledLogProbs),
    model_log_prob: sum(tokenLogProbs),
    token_log_probs: Array.from(tokenLogProbs),
    finished,
  }));
  const sampling = { temperature, top_k: topK ?? null, top_p: topP ?? null, max_tokens: maxTokens };
  printResult(context, options, { model, prompt, seed, sampling, responses }, () =>
    responses
      .map(
        (r) =>
          `${printable(r.text)}\n  [${logProbabilities(r.log_propensity, r.model_log_prob)}, ${r.tokens.length} token${r.tokens.length === 1 ? '' : 's'}${r.finished ? '' : ', cut'}]`,
      )
      .join('\n'),
  );
  const promptTokens = checkpoint.tokenizer.encode(prompt);
  const kept = keptPrompt(promptTokens, checkpoint.config.blockSize);
  if (kept.length < promptTokens.length) {
    const message = `the prompt has ${promptTokens.length} tokens; only the last ${kept.length} were read, as the context holds ${checkpoint.config.blockSize}.`;
    printWarnings(context, options, [{ code: 'prompt_cut', message }]);
  }
  if (isOverCandidates(checkpoint)) {
    const message =
      'this policy was trained over candidates; free text is drawn from its language model, not from that policy.';
    printWarnings(context, options, [{ code: 'candidate_policy', message }]);
  }
}

/** What the sampler gave the text and, where that is not the model's own, both. */
function logProbabilities(sampler: number, own: number): string {
  const [shown, plain] = [formatNumber(sampler, 4), formatNumber(own, 4)];
  return `log-probability under the sampler ${shown} nats${shown === plain ? '' : `, under the model ${plain} nats`}`;
}

/** A text as a terminal may show it: control characters, which could steer the terminal, become U+FFFD. */
const printable = (text: string): string => text.replace(/[^\P{Cc}\n\t]/gu, '\ufffd');

const sum = (values: ArrayLike<number>): number => Array.from(values).reduce((total, value) => total + value, 0);

import type { Command } from 'commander';
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
      "Samples responses with each token's log-probability: the model's own at temperature 1, and that of the sampler.",
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
    log_propensity: sum(tokenLogProbs),
    token_log_probs: Array.from(tokenLogProbs),
    sampled_log_prob: sum(sampledLogProbs),
    sampled_log_probs: Array.from(sampledLogProbs),
    finished,
  }));
  const sampling = { temperature, top_k: topK ?? null, top_p: topP ?? null, max_tokens: maxTokens };
  printResult(context, options, { model, prompt, seed, sampling, responses }, () =>
    responses
      .map(
        (r) =>
          `${r.text}\n  [log-probability ${formatNumber(r.sampled_log_prob, 4)} nats, ${r.tokens.length} tokens${r.finished ? '' : ', cut'}]`,
      )
      .join('\n'),
  );
  if (isOverCandidates(checkpoint)) {
    const message =
      'this policy was trained over candidates; free text is drawn from its language model, not from that policy.';
    printWarnings(context, options, [{ code: 'candidate_policy', message }]);
  }
}

const sum = (values: ArrayLike<number>): number => Array.from(values).reduce((total, value) => total + value, 0);

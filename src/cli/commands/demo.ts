import { join } from 'node:path';
import type { Command } from 'commander';
import { hashInput } from '../../data/node.js';
import { parameterCount } from '../../nn/index.js';
import { evaluate } from '../../pope/index.js';
import { formatCount, formatDuration, formatInterval, formatNumber, textTable } from '../../report/index.js';
import { demoFamily, demoLanguage } from '../../study/polis-language.js';
import type { Truth } from '../../study/polis-truth.js';
import type { Context } from '../context.js';
import { demoReport } from '../demo/demo-report.js';
import { exactTruth, judgePolicies } from '../demo/judge.js';
import { demoSetting, languageSettings, problemSettings, signals } from '../demo/setting.js';
import { trainPolicies } from '../demo/train-all.js';
import { policyPlans } from '../demo/train-policies.js';
import { type DemoOutput, truthRecord, writeDemo } from '../demo/write-demo.js';
import { abortOnInterrupt } from '../interrupt.js';
import { type CommonOptions, choiceOption, common, numberOption } from '../options.js';
import { assertOutFolder } from '../out-folder.js';
import { note, printResult } from '../output.js';
import { createProgress } from '../progress.js';

interface DemoOptions extends CommonOptions {
  readonly out: string;
  readonly tau: number;
  readonly diversity: 'anchored' | 'coverage';
}

/** Adds `pope demo`. */
export function registerDemo(program: Command, context: Context): void {
  const command = program
    .command('demo')
    .summary('the main job on real votes: read a log, evaluate, train, evaluate on held-out people, write a report')
    .description(
      'Off-policy evaluation and alignment on real Polis votes that the package ships, start to end, in about two minutes. The true value of every policy is known from the votes, so each estimate stands beside the truth.',
    )
    .option('--out <dir>', 'folder for the report, the checkpoint, the log and the result', 'pope-demo')
    .option('--tau <number>', 'weight of the diversity', numberOption('--tau', 0), 0.5)
    .option(
      '--diversity <kind>',
      'anchored (default for text: stays near the log) or coverage',
      choiceOption('--diversity', ['anchored', 'coverage'] as const),
      'anchored',
    )
    .action((options: DemoOptions) => demoCommand(options, context));
  common(command, ['pope demo', 'pope demo --diversity coverage --out coverage-demo']);
}

async function demoCommand(options: DemoOptions, context: Context): Promise<void> {
  const began = Date.now();
  const say = (text: string): void => note(context, options, text);
  const progress = createProgress(context.io.stderr, { quiet: options.quiet === true });
  const interrupt = abortOnInterrupt();
  try {
    await assertOutFolder(options.out);
    const setting = await demoSetting(options.seed);
    const { problem, train, heldOut } = setting;
    const topics = new Set(problem.contexts.map(({ conversation }) => conversation)).size;
    say(
      `1. Read ${formatCount(problem.rounds.length)} participants of ${topics} Polis conversations (${problem.contexts.length} contexts: a topic, or a topic and a group of voters).`,
    );
    say(
      `   Log: ${formatCount(train.log.rounds)} rounds to learn from, ${formatCount(heldOut.log.rounds)} held out to judge; slates of ${problemSettings.slate} from a logging policy that favours the largest group's opinions ${problemSettings.skew}:1, recorded exactly.`,
    );

    say('2. Pre-training a small GPT on the statements ...');
    progress.start('pre-training', languageSettings.steps);
    const language = await demoLanguage(problem, languageSettings, options.seed, progress.at, interrupt.signal);
    progress.stop();
    say(
      `   ${formatCount(parameterCount(language.config))} parameters, ${formatCount(language.tokens)} tokens, loss of held-out statements ${(await language.textLoss(language.params)).toFixed(2)} nats a token.`,
    );

    say(
      `3. Training: diversity ${options.diversity}${options.diversity === 'anchored' ? ' (-log(pi/pi0), the default for text)' : ''}, tau ${options.tau}.`,
    );
    const plans = policyPlans(options.diversity, options.tau);
    const policies = await trainPolicies(plans, {
      setting,
      language,
      seed: options.seed,
      signal: interrupt.signal,
      progress,
      say,
    });

    say('4. Evaluating on the held-out participants, and writing the report.');
    const judged = judgePolicies(problem, policies, demoFamily(language, problem).family, heldOut.rows, options);
    const result = evaluate(heldOut.log, {
      signals,
      tau: options.tau,
      diversity: options.diversity,
      seed: options.seed,
      targets: Object.fromEntries(judged.map(({ name, logProb, classLogProb }) => [name, { logProb, classLogProb }])),
    });
    const truth: Record<string, Truth> = { logging: exactTruth(problem, ({ logging }) => logging, options) };
    for (const policy of judged) truth[policy.name] = policy.truth;
    const output: DemoOutput = {
      ...result,
      truth: Object.fromEntries(Object.entries(truth).map(([name, t]) => [name, truthRecord(t)])),
    };
    const html = demoReport({
      result,
      truth,
      policies,
      weights: Object.fromEntries(
        judged.map(({ name, logProb }) => [name, logProb.map((p, j) => Math.exp(p - heldOut.log.logPropensity![j]))]),
      ),
      inputHash: await hashInput(setting.bytes),
      settings: {
        data: 'data/polis-demo.json',
        policies: 'a GPT normalised over the statements of each topic',
        tokenizer: `byte-level BPE, ${language.tokenizer.vocabSize} tokens`,
      },
    });
    await writeDemo(options.out, {
      problem,
      records: { train: train.records, heldOut: heldOut.records },
      language,
      policies,
      output,
      html,
    });
    printResult(context, options, output, () => demoText(output));
    say(`Done in ${formatDuration((Date.now() - began) / 1000)}. Open ${join(options.out, 'report.html')}.`);
  } finally {
    progress.stop();
    interrupt.release();
  }
}

/** Estimate, interval and truth of every policy, for a terminal. */
function demoText(output: DemoOutput): string {
  const rows = Object.entries(output.truth).map(([name, exact]) => {
    const target = output.targets[name];
    const of = (component: 'utility' | 'value') => {
      const e = target === undefined ? output.logging[component] : (target[component]['snips'] ?? null);
      return e === null ? ['', ''] : [formatNumber(e.estimate), formatInterval(e.lower, e.upper)];
    };
    return [
      name,
      ...of('utility'),
      formatNumber(exact.utility),
      ...of('value'),
      formatNumber(exact.value),
      formatNumber(exact.coverage),
      target?.verdict.level ?? '',
    ];
  });
  return textTable(
    ['policy', 'agreement', '95 %', 'truth', 'value', '95 %', 'truth', 'coverage', 'verdict'].map(
      (header, i) => ({ header, align: i === 0 || i === 8 ? 'left' : 'right' }) as const,
    ),
    rows,
  );
}

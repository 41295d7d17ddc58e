import type { Command } from 'commander';
import { csvText, jsonlText, jsonText, simulateLog, type Truth } from '../../data/index.js';
import { writeFileAtomic } from '../../data/node.js';
import { seededRandom } from '../../random/index.js';
import { formatNumber, textTable } from '../../report/index.js';
import { invalid } from '../../util/index.js';
import { assertNotInput } from '../assert-not-input.js';
import type { Context } from '../context.js';
import { type CommonOptions, common, integerOption, numberOption } from '../options.js';
import { note, printResult } from '../output.js';

interface SimulateCommandOptions extends CommonOptions {
  readonly out: string;
  readonly rounds: number;
  readonly slate: number;
  readonly responses: number;
  readonly contexts: number;
  readonly divergence: number;
  readonly signals: readonly string[];
  readonly noise: number;
  readonly opinions?: number;
  readonly candidates?: string;
}

/** Adds `pope simulate`. */
export function registerSimulate(program: Command, context: Context): void {
  const command = program
    .command('simulate')
    .summary('write a synthetic log and the exact truth about it')
    .description(
      'Draws a log from a known finite problem, with one target policy in it, and writes the exact truth to FILE.truth.json.',
    )
    .requiredOption('--out <file>', 'the log to write: JSONL, or CSV where the name ends in .csv')
    .option('--rounds <n>', 'rounds', integerOption('--rounds', 1, 1e7), 1000)
    .option('--slate <n>', 'responses a round', integerOption('--slate', 1, 1000), 1)
    .option('--responses <n>', 'possible responses a context', integerOption('--responses', 2, 1e5), 10)
    .option('--contexts <n>', 'contexts', integerOption('--contexts', 1, 1e5), 5)
    .option(
      '--divergence <d>',
      "how far the target's logits stray from the logger's; 0 is the same policy",
      numberOption('--divergence', 0, 100),
      0.5,
    )
    .option('--signals <names>', 'names of the feedback signals, with commas', namesOption, ['votes'])
    .option('--noise <sd>', 'standard deviation of normal noise on each signal', numberOption('--noise', 0), 0)
    .option(
      '--opinions <n>',
      'opinion classes (default: 3, or fewer where there are fewer responses)',
      integerOption('--opinions', 1),
    )
    .option('--candidates <file>', 'also write the response space, for --candidates of other commands')
    .action((options: SimulateCommandOptions) => simulateCommand(options, context));
  common(command, [
    'pope simulate --out log.jsonl',
    'pope simulate --out log.jsonl --rounds 5000 --slate 3 --divergence 1 --seed 7 && pope evaluate log.jsonl',
  ]);
}

async function simulateCommand(options: SimulateCommandOptions, context: Context): Promise<void> {
  const { out, seed } = options;
  if (out === '-') throw invalid('--out', out, 'a file, since the truth is written beside it');
  await assertNotInput(
    { '--out': out, '--candidates': options.candidates, 'the truth beside --out': `${out}.truth.json` },
    [],
  );
  const { records, candidates, truth } = simulateLog({ ...options, random: seededRandom(seed) });
  const truthFile = `${out}.truth.json`;
  await writeFileAtomic(truthFile, `${jsonText(truth, 2)}\n`);
  if (options.candidates !== undefined) await writeFileAtomic(options.candidates, jsonlText(candidates));
  await writeFileAtomic(out, out.toLowerCase().endsWith('.csv') ? csvText(records) : jsonlText(records));
  note(context, options, `wrote ${out} and ${truthFile}`);
  printResult(context, options, { log: out, truth_file: truthFile, seed, truth }, () => truthText(truth));
}

function truthText(truth: Truth): string {
  const rows = truth.signals.map((name) => [
    `utility (${name})`,
    truth.logging.utility[name],
    truth.target.utility[name],
  ]);
  const table = textTable(
    ['exact', 'logging', 'target'],
    [
      ...rows,
      ['entropy, nats', truth.logging.entropy, truth.target.entropy],
      ['entropy of opinions, nats', truth.logging.class_entropy, truth.target.class_entropy],
    ],
  );
  return `${table}\nKL ${formatNumber(truth.kl)} nats, chi-squared ${formatNumber(truth.chi2)}, largest weight ${formatNumber(truth.max_weight)}`;
}

function namesOption(text: string): string[] {
  const names = text.split(',').map((name) => name.trim());
  if (names.includes('') || new Set(names).size < names.length)
    throw invalid('--signals', text, 'names with commas between, all different');
  return names;
}

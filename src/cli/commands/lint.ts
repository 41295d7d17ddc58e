import type { Command } from 'commander';
import { bold, cyan, red, yellow } from 'yoctocolors';
import { type Finding, type Linted, lintText, type Severity, severities } from '../../data/index.js';
import { formatOf, nodeCsvParse } from '../../data/node/read-log.js';
import { readCandidates, readText } from '../../data/node.js';
import type { Signal } from '../../pope/index.js';
import { formatCount, formatNumber } from '../../report/index.js';
import { version } from '../../version.js';
import type { Context } from '../context.js';
import { exitCodes } from '../exit-code.js';
import { type CommonOptions, common, repeat } from '../options.js';
import { printResult } from '../output.js';
import { signalOption } from '../signal-option.js';

interface LintCommandOptions extends CommonOptions {
  readonly signal?: readonly Signal[];
  readonly candidates?: string;
  readonly strict?: true;
}

/** Adds `pope lint`. */
export function registerLint(program: Command, context: Context): void {
  const command = program
    .command('lint')
    .summary('say what is wrong or suspicious in a log')
    .description(
      'Looks for what is wrong or suspicious in a log before anyone estimates from it: faults of the file, propensities that cannot be right, duplicates, cut slates and texts, missing feedback. Silence is no proof. Exit code 0 whatever is found; 2 where nothing could be read; 3 with --strict where there are errors.',
    )
    .argument('<log>', 'JSONL or CSV, also .gz; - is standard input')
    .option(
      '--signal <name[:transform]>',
      'a feedback signal to look at, repeatable; default: all of the log',
      repeat(signalOption),
    )
    .option('--candidates <file>', 'JSONL of {"prompt", "candidates"}: the response space is finite')
    .option('--strict', 'exit with 3 where there are errors')
    .action((log: string, options: LintCommandOptions) => lintCommand(log, options, context));
  common(command, [
    'pope lint log.jsonl',
    'pope lint log.csv --signal upvotes:log1p --strict',
    'zcat log.jsonl.gz | pope lint - --json > findings.json',
  ]);
}

async function lintCommand(path: string, options: LintCommandOptions, context: Context): Promise<void> {
  const candidates = options.candidates === undefined ? undefined : await readCandidates(options.candidates);
  const linted = await lintText(readText(path), {
    file: path === '-' ? 'standard input' : path,
    format: formatOf(path),
    parse: nodeCsvParse,
    candidates,
    ...(options.signal && { signals: options.signal }),
  });
  const result = { version, log: aboutLog(path, linted), findings: linted.findings };
  printResult(context, options, result, () => lintReport(result, context.io.stdout.isTTY === true));
  if (linted.log === null) context.exitCode = exitCodes.usage;
  else if (options.strict && linted.findings.some(({ severity }) => severity === 'error'))
    context.exitCode = exitCodes.refused;
}

interface AboutLog {
  readonly file: string;
  readonly rounds: number;
  readonly responses: number;
  readonly skipped: number | null;
  readonly mean_slate: number | null;
  readonly propensity: 'logged' | 'fitted' | 'none' | null;
  readonly signals: readonly string[];
  readonly targets: readonly string[];
}

function aboutLog(file: string, { log, skipped }: Linted): AboutLog {
  return {
    file,
    rounds: log?.rounds ?? 0,
    responses: log?.responseCount ?? 0,
    skipped,
    mean_slate: log === null ? null : log.responseCount / log.rounds,
    propensity: log?.propensity ?? null,
    signals: [...(log?.feedback.keys() ?? [])],
    targets: [...(log?.targetLogProb.keys() ?? [])],
  };
}

const colours = { error: red, warning: yellow, info: cyan } as const;
const nouns = { error: 'error', warning: 'warning', info: 'note' } as const;

/** The findings for people, grouped by severity with counts. */
function lintReport(
  { log, findings }: { readonly log: AboutLog; readonly findings: readonly Finding[] },
  colour: boolean,
): string {
  const skipped = log.skipped === 0 ? '' : `, ${formatCount(log.skipped)} skipped`;
  const slate = log.mean_slate === null ? '' : ` (${formatNumber(log.mean_slate)} a round)`;
  const head = `${log.file === '-' ? 'standard input' : log.file}: ${formatCount(log.rounds)} rounds${skipped}, ${formatCount(log.responses)} responses${slate}, propensities ${log.propensity ?? 'unknown'}`;
  const groups = severities.flatMap((severity) => {
    const found = findings.filter((one) => one.severity === severity);
    if (found.length === 0) return [];
    const title = counted(found.length, severity);
    const paint = (text: string): string => (colour ? bold(colours[severity](text)) : text);
    return [[paint(title), ...found.map(lines)].join('\n')];
  });
  const tally = severities.map((severity) =>
    counted(findings.filter((one) => one.severity === severity).length, severity),
  );
  return [head, ...groups, tally.join(', ')].join('\n\n');
}

function lines({ code, message, rounds, hint }: Finding): string {
  const where = rounds.length === 0 ? '' : `\n    rounds: ${plain(rounds.join(', '))}`;
  return `  ${plain(message)} [${code}]${where}\n    ${hint}`;
}

/** A log's own texts may not move the cursor. */
const plain = (text: string): string => text.replace(/\p{Cc}+/gu, ' ');

const counted = (n: number, severity: Severity): string =>
  `${n === 0 ? 'no' : formatCount(n)} ${nouns[severity]}${n === 1 ? '' : 's'}`;

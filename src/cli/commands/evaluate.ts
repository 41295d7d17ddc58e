import type { Command } from 'commander';
import { readCandidates, writeFileAtomic } from '../../data/node.js';
import { diversityKinds, estimatorKeys } from '../../pope/index.js';
import { evaluationReport, furtherEstimators, mainEstimates } from '../../report/index.js';
import { INTERVAL_METHODS } from '../../stats/index.js';
import { PopeError } from '../../util/index.js';
import { assertNotInput } from '../assert-not-input.js';
import type { Context } from '../context.js';
import { evaluateInParts } from '../evaluation/in-parts.js';
import type { EvaluateCommandOptions } from '../evaluation/settings.js';
import { evaluateWhole } from '../evaluation/whole.js';
import { evaluationText } from '../evaluation-text.js';
import { exitCodes } from '../exit-code.js';
import { finiteResult } from '../finite-result.js';
import { limitHelp, limitOption } from '../limit-option.js';
import {
  choiceOption,
  common,
  integerOption,
  listOption,
  numberOption,
  positionBiasOption,
  rangeOption,
  repeat,
} from '../options.js';
import { note, printResult, printWarnings } from '../output.js';
import { createProgress } from '../progress.js';
import { targetOption } from '../read-targets.js';
import { signalOption } from '../signal-option.js';

/** Adds `pope evaluate`. */
export function registerEvaluate(program: Command, context: Context): void {
  const command = program
    .command('evaluate')
    .summary('estimate what other policies would have earned on a log')
    .description(
      'Off-policy evaluation: estimates utility, diversity and value of every target policy on a log, with intervals, differences from the logging policy, diagnostics of the weights and a verdict on whether the log can carry them.',
    )
    .argument('<log...>', 'JSONL or CSV, also .gz; - is standard input; several files are one log')
    .option(
      '--target <name=path>',
      'a target policy, repeatable: a checkpoint folder, or JSONL of {"id", "log_probs"}; targets inside the log are found by themselves',
      repeat(targetOption),
    )
    .option(
      '--signal <name[:transform[:weight]]>',
      'a feedback signal, repeatable; transform: identity, log1p, rank, share (default: the only one of the log)',
      repeat(signalOption),
    )
    .option('--tau <t>', 'weight of the diversity in the value', numberOption('--tau', 0, 1e6), 1)
    .option('--diversity <kind>', diversityKinds.join(', '), choiceOption('--diversity', diversityKinds), 'surprisal')
    .option(
      '--estimators <list>',
      `${estimatorKeys.join(',')}, or all (default: all that have their inputs; the table then shows the main ones)`,
      listOption('--estimators', estimatorKeys),
    )
    .option('--interval <method>', INTERVAL_METHODS.join(', '), choiceOption('--interval', INTERVAL_METHODS), 't')
    .option('--level <p>', 'level of the intervals', numberOption('--level', 0, 1, { above: true, below: true }), 0.95)
    .option('--resamples <n>', 'resamples of bootstrap and bca', integerOption('--resamples', 1, 1e7), 2000)
    .option('--clip <m>', 'clipped_ips: weights min(rho, M)', numberOption('--clip', 0, Infinity, { above: true }), 20)
    .option('--switch <m>', 'switch_dr: keeps rho <= M', numberOption('--switch', 0), 20)
    .option(
      '--shrink <l>',
      'dros: weights L rho/(rho^2 + L)',
      numberOption('--shrink', 0, Infinity, { above: true }),
      20,
    )
    .option(
      '--lambda <l>',
      'log_smoothing: log(1 + L rho R)/L; implicit_exploration: rho/(1 + L rho) and of the interval log-smoothing (default: 1/sqrt(rounds))',
      numberOption('--lambda', 0, Infinity, { above: true }),
    )
    .option('--tune', 'choose --clip, --switch, --shrink and --lambda for each target on the log, by SLOPE')
    .option(
      '--bias-corrected',
      'diversity coverage or distribution: take off, to second order, the bias of class probabilities that are estimated',
    )
    .option(
      '--position-bias <list>',
      'chance that display position 1, 2 ... is seen, as 1,0.6,0.4: feedback is divided by it; or fit, where responses were put into positions at random',
      positionBiasOption,
    )
    .option(
      '--reward-range <lo,hi>',
      "declared range of a round's term, for the intervals bernstein, hoeffding, betting",
      rangeOption('--reward-range'),
    )
    .option('--limit <key=refuse[,weak]>', limitHelp, repeat(limitOption))
    .option('--candidates <file>', 'JSONL of {"prompt", "candidates"}: the response space is finite')
    .option(
      '--on-error <what>',
      'stop: a bad round refuses the log; skip: it is dropped and counted',
      choiceOption('--on-error', ['stop', 'skip'] as const),
      'stop',
    )
    .option(
      '--stream',
      'read the log in parts, in memory that does not grow with it (JSON Lines, interval t; several files each sorted by cluster)',
    )
    .option('--strict', 'exit with 3 where a target is refused')
    .option('--html <file>', 'write a report: one file, no script, nothing loaded')
    .action((log: readonly string[], options: EvaluateCommandOptions) => {
      // `all` stands for undefined, as if nothing had been asked for
      const chosen = command.getOptionValueSource('estimators') !== undefined || options.tune === true;
      return evaluateCommand(log, options, context, chosen);
    });
  common(command, [
    'pope evaluate log.jsonl',
    'pope evaluate log.jsonl --target new=runs/new --signal upvotes:log1p --html report.html',
    'pope evaluate log.csv --estimators ips,snips,dr --interval bootstrap --json > result.json',
    'pope evaluate log.jsonl --position-bias 1,0.6,0.4 --tune',
    'pope evaluate monday.jsonl tuesday.jsonl.gz --stream',
    'zcat log.jsonl.gz | pope evaluate - --diversity none --strict --limit ess=50,500',
  ]);
}

async function evaluateCommand(
  paths: readonly string[],
  options: EvaluateCommandOptions,
  context: Context,
  showAll: boolean,
): Promise<void> {
  checkTogether(options);
  const progress = createProgress(context.io.stderr, { quiet: options.quiet === true });
  const targetPaths = (options.target ?? []).map((target) => target.path);
  await assertNotInput({ '--html': options.html }, [...paths, options.candidates, ...targetPaths]);
  const candidates = options.candidates === undefined ? undefined : await readCandidates(options.candidates);
  const { evaluated, weights, hash } = options.stream
    ? await evaluateInParts(paths, options, { candidates, progress })
    : await evaluateWhole(paths, options, { candidates, progress });
  const result = finiteResult(evaluated);
  const shown = showAll ? result : mainEstimates(result);
  if (options.html !== undefined) {
    const report = evaluationReport(shown, { weights: weights(result), inputHash: `sha256 ${hash}` });
    await writeFileAtomic(options.html, report);
    note(context, options, `wrote ${options.html}`);
  }
  printResult(context, options, result, () => {
    const text = evaluationText(shown, { colour: context.io.stdout.isTTY === true });
    const more = shown === result ? [] : furtherEstimators(result);
    return more.length === 0
      ? text
      : `${text}\n\nfurther estimators, with --estimators all or --json: ${more.join(', ')}`;
  });
  printWarnings(context, options, result.warnings);
  const refused = Object.values(result.targets).some(({ verdict }) => verdict.level === 'refused');
  if (options.strict && refused) context.exitCode = exitCodes.refused;
}

/** Options that need one another. */
function checkTogether(options: EvaluateCommandOptions): void {
  const { interval, rewardRange, stream, tune, positionBias, lambda, diversity, biasCorrected } = options;
  if ((interval === 'bernstein' || interval === 'hoeffding') && rewardRange === undefined) {
    throw new PopeError(
      `--interval ${interval} needs --reward-range LO,HI, the range that a round's term cannot leave.`,
      { argument: '--reward-range' },
    );
  }
  if (stream && interval === 'log-smoothing' && lambda === undefined) {
    throw new PopeError(
      '--interval log-smoothing has no --lambda; expected one with --stream, where its default 1/sqrt(rounds) is not known before the end.',
      { argument: '--lambda' },
    );
  }
  if (biasCorrected && diversity !== 'coverage' && diversity !== 'distribution') {
    throw new PopeError(
      `--bias-corrected beside --diversity ${diversity} has nothing to correct; expected --diversity coverage or distribution.`,
      { argument: '--bias-corrected' },
    );
  }
  const whole = tune ? '--tune' : positionBias === 'fit' ? '--position-bias fit' : null;
  if (stream && whole !== null) {
    throw new PopeError(`${whole} needs the whole log; expected no --stream beside it.`, { argument: whole });
  }
}

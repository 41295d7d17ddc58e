import type { Command } from 'commander';
import { readCandidates, readLog, writeFileAtomic } from '../../data/node.js';
import type { Log } from '../../ope/index.js';
import {
  type DiversityKind,
  diversityKinds,
  type EstimatorKey,
  type EvaluationResult,
  estimatorKeys,
  evaluate,
  type ScoredPolicy,
  type Signal,
} from '../../pope/index.js';
import { binWeights, evaluationReport, type WeightBins } from '../../report/index.js';
import { INTERVAL_METHODS, type IntervalMethod } from '../../stats/index.js';
import { PopeError } from '../../util/index.js';
import { assertNotInput } from '../assert-not-input.js';
import type { Context } from '../context.js';
import { evaluationText } from '../evaluation-text.js';
import { exitCodes } from '../exit-code.js';
import { finiteResult } from '../finite-result.js';
import { type LimitOption, limitHelp, limitOption, limitsOf } from '../limit-option.js';
import {
  type CommonOptions,
  choiceOption,
  common,
  integerOption,
  listOption,
  numberOption,
  rangeOption,
  repeat,
} from '../options.js';
import { note, printResult, printWarnings } from '../output.js';
import { createProgress } from '../progress.js';
import { readTargets, type TargetOption, targetOption } from '../read-targets.js';
import { signalOption, signalsOf } from '../signal-option.js';

interface EvaluateCommandOptions extends CommonOptions {
  readonly target?: readonly TargetOption[];
  readonly signal?: readonly Signal[];
  readonly tau: number;
  readonly diversity: DiversityKind;
  readonly estimators?: readonly EstimatorKey[];
  readonly interval: IntervalMethod;
  readonly level: number;
  readonly resamples: number;
  readonly clip: number;
  readonly switch: number;
  readonly shrink: number;
  readonly lambda?: number;
  readonly rewardRange?: readonly [number, number];
  readonly limit?: readonly LimitOption[];
  readonly candidates?: string;
  readonly onError: 'stop' | 'skip';
  readonly strict?: true;
  readonly html?: string;
}

/** Adds `pope evaluate`. */
export function registerEvaluate(program: Command, context: Context): void {
  const command = program
    .command('evaluate')
    .summary('estimate what other policies would have earned on a log')
    .description(
      'Off-policy evaluation: estimates utility, diversity and value of every target policy on a log, with intervals, differences from the logging policy, diagnostics of the weights and a verdict on whether the log can carry them.',
    )
    .argument('<log>', 'JSONL or CSV, also .gz; - is standard input')
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
      `${estimatorKeys.join(',')}, or all (default: all that have their inputs)`,
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
      'log_smoothing and implicit_exploration, which this version does not have yet',
      numberOption('--lambda', 0, Infinity, { above: true }),
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
    .option('--strict', 'exit with 3 where a target is refused')
    .option('--html <file>', 'write a report: one file, no script, nothing loaded')
    .action((log: string, options: EvaluateCommandOptions) => evaluateCommand(log, options, context));
  common(command, [
    'pope evaluate log.jsonl',
    'pope evaluate log.jsonl --target new=runs/new --signal upvotes:log1p --html report.html',
    'pope evaluate log.csv --estimators ips,snips,dr --interval bootstrap --json > result.json',
    'zcat log.jsonl.gz | pope evaluate - --diversity none --strict --limit ess=50,500',
  ]);
}

async function evaluateCommand(path: string, options: EvaluateCommandOptions, context: Context): Promise<void> {
  checkTogether(options);
  const progress = createProgress(context.io.stderr, { quiet: options.quiet === true });
  const targetPaths = (options.target ?? []).map((target) => target.path);
  await assertNotInput({ '--html': options.html }, [path, options.candidates, ...targetPaths]);
  const candidates = options.candidates === undefined ? undefined : await readCandidates(options.candidates);
  let hash = '';
  const read = await readLog(path, { onError: options.onError, candidates, onHash: (sha256) => void (hash = sha256) });
  if (read.logPropensity === null) throw unfitted(path);
  const signals = signalsOf(read, options.signal);
  const { log, scored } = await readTargets(read, options.target ?? [], { candidates, progress });
  const limits = options.limit === undefined ? undefined : limitsOf(options.limit);
  const evaluated = evaluate(log, {
    signals,
    tau: options.tau,
    diversity: options.diversity,
    interval: options.interval,
    level: options.level,
    resamples: options.resamples,
    seed: options.seed,
    parameters: { clip: options.clip, switch: options.switch, shrink: options.shrink },
    targets: scored,
    ...(options.estimators && { estimators: options.estimators }),
    ...(options.rewardRange && { rewardRange: options.rewardRange }),
    ...(limits && { limits }),
  });
  const result = finiteResult(evaluated);
  if (options.html !== undefined) {
    const report = evaluationReport(result, { weights: weightsOf(log, result, scored), inputHash: `sha256 ${hash}` });
    await writeFileAtomic(options.html, report);
    note(context, options, `wrote ${options.html}`);
  }
  printResult(context, options, result, () => evaluationText(result, { colour: context.io.stdout.isTTY === true }));
  printWarnings(context, options, result.warnings);
  const refused = Object.values(result.targets).some(({ verdict }) => verdict.level === 'refused');
  if (options.strict && refused) context.exitCode = exitCodes.refused;
}

/** Options that need one another. */
function checkTogether({ interval, rewardRange, lambda }: EvaluateCommandOptions): void {
  if ((interval === 'bernstein' || interval === 'hoeffding') && rewardRange === undefined) {
    throw new PopeError(
      `--interval ${interval} needs --reward-range LO,HI, the range that a round's term cannot leave.`,
      { argument: '--reward-range' },
    );
  }
  if (lambda !== undefined) {
    throw new PopeError(
      '--lambda belongs to log_smoothing and implicit_exploration, estimators that this version does not have yet.',
      { argument: '--lambda' },
    );
  }
}

function unfitted(path: string): PopeError {
  return new PopeError(
    `${path} has no propensities, which every estimate needs; expected log_propensity or propensity on every response. ` +
      `Fit the logging policy first with "pope fit ${path} --out DIR", then evaluate the log that it writes.`,
    { code: 'no_propensity', file: path },
  );
}

/** Histograms of the raw weights, for the report; none where a weight leaves float64. */
function weightsOf(
  log: Log,
  result: EvaluationResult,
  scored: Readonly<Record<string, ScoredPolicy>>,
): Record<string, WeightBins> {
  const bins: Record<string, WeightBins> = {};
  for (const name of Object.keys(result.targets)) {
    const logProb = scored[name]?.logProb ?? log.targetLogProb.get(name);
    const weights = logProb?.map((p, j) => Math.exp(p - log.logPropensity![j]));
    if (weights?.every((rho) => Number.isFinite(rho))) bins[name] = binWeights(weights);
  }
  return bins;
}

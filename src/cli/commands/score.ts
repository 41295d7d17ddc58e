import { basename, resolve } from 'node:path';
import type { Command } from 'commander';
import type { ResponseRecord } from '../../data/index.js';
import { readCandidates, readLog, rewriteLog } from '../../data/node.js';
import { invalid } from '../../util/index.js';
import { assertNotInput } from '../assert-not-input.js';
import type { Context } from '../context.js';
import { type CommonOptions, choiceOption, common } from '../options.js';
import { note, printResult, printWarnings } from '../output.js';
import { loadPolicy, scorePolicy } from '../policy-folder.js';
import { createProgress } from '../progress.js';

interface ScoreCommandOptions extends CommonOptions {
  readonly out: string;
  readonly name?: string;
  readonly candidates?: string;
  readonly onError: 'stop' | 'skip';
}

/** Adds `pope score`. */
export function registerScore(program: Command, context: Context): void {
  const command = program
    .command('score')
    .summary("write a log with a model's log-probabilities filled in")
    .description(
      'Scores every response of a log with a model and writes the log with target_log_prob.NAME filled in; all else stays.',
    )
    .argument('<model>', 'a checkpoint folder')
    .argument('<log>', 'JSONL or CSV, also .gz')
    .requiredOption('--out <file>', 'the log to write: JSONL, or CSV where the name ends in .csv')
    .option('--name <name>', "name of the target in the log (default: the folder's name)")
    .option('--candidates <file>', 'JSONL of {"prompt", "candidates"}: the model is normalised over them')
    .option(
      '--on-error <what>',
      'stop: a bad round refuses the log; skip: it is left out',
      choiceOption('--on-error', ['stop', 'skip'] as const),
      'stop',
    )
    .action((model: string, log: string, options: ScoreCommandOptions) => scoreCommand(model, log, options, context));
  common(command, [
    'pope score runs/new log.jsonl --out scored.jsonl',
    'pope score runs/new log.jsonl --name new --out scored.jsonl && pope evaluate scored.jsonl',
  ]);
}

async function scoreCommand(
  model: string,
  path: string,
  options: ScoreCommandOptions,
  context: Context,
): Promise<void> {
  if (path === '-') throw invalid('LOG', path, 'a file, since it is read twice');
  await assertNotInput({ '--out': options.out }, [path, options.candidates]);
  const name = options.name ?? basename(resolve(model));
  if (name === '') throw invalid('--name', name, 'a name that is not empty');
  const progress = createProgress(context.io.stderr, { quiet: options.quiet === true });
  const candidates = options.candidates === undefined ? undefined : await readCandidates(options.candidates);
  const log = await readLog(path, { onError: options.onError, candidates });
  if (log.targetLogProb.has(name)) throw invalid('--name', name, 'a name that no target inside the log has');
  const policy = await loadPolicy(model, candidates);
  const { logProb } = await scorePolicy(policy, log, { label: 'scoring', progress });
  await rewriteLog(
    path,
    options.out,
    (record, round) => ({
      ...record,
      responses: record.responses.map((response, k) => withTarget(response, name, logProb[log.offsets[round] + k])),
    }),
    log,
  );
  note(context, options, `wrote ${options.out}`);
  const result = {
    log: options.out,
    name,
    rounds: log.rounds,
    responses: log.responseCount,
    skipped: log.skipped,
    mean_log_prob: finiteMean(logProb),
    never_said: logProb.filter((value) => value === -Infinity).length,
  };
  printResult(context, options, result, () => {
    const mean = result.mean_log_prob === null ? 'none' : result.mean_log_prob.toPrecision(4);
    return `${name}: ${result.responses} responses of ${result.rounds} rounds scored, mean log-probability ${mean} nats`;
  });
  printWarnings(context, options, log.warnings);
}

/** A lone number is the target named "target" (interface.md section 1) and keeps that name beside the new one. */
function withTarget(response: ResponseRecord, name: string, value: number): ResponseRecord {
  const before = response.target_log_prob;
  const named = before === undefined ? {} : before === null || typeof before === 'number' ? { target: before } : before;
  // Files spell -Infinity as null.
  return { ...response, target_log_prob: { ...named, [name]: value === -Infinity ? null : value } };
}

function finiteMean(values: Float64Array): number | null {
  const finite = values.filter((value) => Number.isFinite(value));
  return finite.length === 0 ? null : finite.reduce((sum, value) => sum + value, 0) / finite.length;
}

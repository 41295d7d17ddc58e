import type { Candidates } from '../../data/index.js';
import type { Log, Warning } from '../../ope/index.js';
import { type EvaluationResult, evaluate } from '../../pope/index.js';
import { formatCount, formatInterval, formatNumber, textTable } from '../../report/index.js';
import { version } from '../../version.js';
import { finiteResult } from '../finite-result.js';
import { scorePolicy } from '../policy-folder.js';
import type { Progress } from '../progress.js';
import type { FinishedRun } from './run-training.js';

/** Off-policy evaluation of the trained policy, alone, on rounds that it never saw. */
export async function heldOutEvaluation(
  { model, settings }: FinishedRun,
  extra: Record<string, unknown>,
  log: Log,
  candidates: Candidates | undefined,
  progress: Progress,
): Promise<EvaluationResult> {
  const trained = await scorePolicy({ checkpoint: { ...model, extra }, candidates: candidates ?? null }, log, {
    label: 'scoring held-out rounds',
    progress,
  });
  return finiteResult(
    evaluate(
      { ...log, targetLogProb: new Map() },
      {
        signals: settings.signals,
        tau: settings.tau,
        diversity: settings.diversity,
        seed: settings.seed,
        targets: { trained },
      },
    ),
  );
}

/** What result.json holds, and what --json prints. */
export function trainResult(
  { phase, settings, records, stopped }: FinishedRun,
  {
    propensity,
    rounds,
    warnings,
    evaluation,
  }: {
    readonly propensity: Log['propensity'];
    readonly rounds: { readonly train: number; readonly held_out: number; readonly skipped: number };
    readonly warnings: readonly Warning[];
    readonly evaluation: EvaluationResult | null;
  },
) {
  const { reason, step, message } = stopped;
  const last = records
    .filter((record) => record.phase === phase && record.step <= step && record.held_out !== undefined)
    .at(-1);
  return {
    version,
    objective: settings.objective,
    log: { ...rounds, propensity },
    settings,
    stopped: { reason, phase, step, message },
    held_out: last?.held_out === undefined ? null : { step: last.step, ...last.held_out },
    alarms: last?.alarms ?? [],
    evaluation,
    warnings: [
      ...warnings,
      ...(evaluation?.warnings.filter(({ code }) => !warnings.some((w) => w.code === code)) ?? []),
    ],
  };
}

export type TrainCommandResult = ReturnType<typeof trainResult>;

/** The result for a terminal. */
export function trainText(result: TrainCommandResult, out: string): string {
  const { log, held_out: look, evaluation } = result;
  const head = `${result.stopped.message} ${formatCount(log.train)} rounds to learn from, ${formatCount(log.held_out)} held out, propensities ${log.propensity}.`;
  const lines = [head];
  if (look !== null) {
    const figures: readonly (readonly [string, number | null])[] = [
      ['utility', look.utility],
      ['diversity', look.diversity],
      ['effective sample size', look.effective_sample_size],
      ['KL to the log', look.kl],
      ['loss of text', look.text_loss],
    ];
    lines.push(
      `held out, after step ${look.step}: ${figures.flatMap(([name, x]) => (x === null ? [] : [`${name} ${formatNumber(x)}`])).join(', ')}`,
    );
  }
  const target = evaluation?.targets['trained'];
  if (evaluation != null && target !== undefined) {
    const rows = (['utility', 'diversity', 'value'] as const).flatMap((c) => {
      const [own, e, gain] = [evaluation.logging[c], target[c]['snips'], target.versus_logging[c]['snips']];
      const cell = (x: typeof e | null) =>
        x == null ? '' : `${formatNumber(x.estimate)} ${formatInterval(x.lower, x.upper)}`;
      return e === undefined ? [] : [[c, cell(own), cell(e), cell(gain)]];
    });
    if (rows.length > 0) lines.push(textTable(['held out (snips)', 'logging policy', 'trained', 'difference'], rows));
    lines.push(`verdict on the trained policy: ${[target.verdict.level, ...target.verdict.reasons].join('\n  - ')}`);
  }
  return [...lines, `wrote ${out}`].join('\n');
}

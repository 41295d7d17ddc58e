import { logFromRecords } from '../data/index.js';
import { evaluate } from '../pope/index.js';
import { parseCsvRows } from './csv-rows.js';
import type { Json, StudyOptions } from './study.js';

/** One replay: what a log says of another policy, and what that policy earned when it ran. */
export interface ReplayRecord {
  readonly [key: string]: Json;
  readonly set: 'captions' | 'obd';
  readonly name: string;
  readonly rounds: number;
  /** Mean reward of the log itself: what one would believe without weights. */
  readonly logged: number;
  readonly estimate: number | null;
  readonly lower: number | null;
  readonly upper: number | null;
  /** What the other policy earned, and its standard error. */
  readonly truth: number;
  readonly truthError: number;
  readonly effectiveSampleSize: number;
  readonly maxWeightShare: number;
  readonly verdict: string;
}

const LEVELS = ['unfunny', 'somewhat_funny', 'funny'] as const;

export function captionReplay(
  contest: string,
  rows: readonly Readonly<Record<string, string>>[],
  { seed }: StudyOptions,
): ReplayRecord {
  const counts = (row: Readonly<Record<string, string>>, arm: string): number[] =>
    LEVELS.map((level) => Number(row[`${arm}_${level}`]));
  const total = (votes: readonly number[]): number => votes.reduce((sum, v) => sum + v, 0);
  const adaptive = rows.map((row) => counts(row, 'adaptive'));
  const uniform = rows.map((row) => counts(row, 'uniform'));
  const n = total(adaptive.map(total));
  const records = rows.flatMap((_, k) => {
    const own = adaptive[k]!;
    const response = (funny: number) => [
      {
        text: String(k),
        propensity: total(own) / n,
        target_log_prob: { uniform: -Math.log(rows.length) },
        feedback: { funny },
      },
    ];
    return own.flatMap((votes, level) =>
      Array.from({ length: votes }, () => ({ prompt: contest, responses: response(level === 2 ? 1 : 0) })),
    );
  });
  const uniformVotes = total(uniform.map(total));
  const funny = total(uniform.map((votes) => votes[2]!)) / uniformVotes;
  return replayRecord('captions', `contest ${contest}`, records, 'funny', 'uniform', seed, {
    truth: funny,
    truthError: Math.sqrt((funny * (1 - funny)) / uniformVotes),
  });
}

export const obdPairs = [
  ['men', 'random', 'bts'],
  ['men', 'bts', 'random'],
  ['women', 'random', 'bts'],
  ['women', 'bts', 'random'],
] as const;

const obdRows = async (read: StudyOptions['read'], file: string) =>
  parseCsvRows(await read(file), file, ['item_id', 'position', 'click', 'propensity_score']);

export async function obdReplay(
  campaign: string,
  from: string,
  to: string,
  { read, seed }: StudyOptions,
): Promise<ReplayRecord> {
  const rows = await obdRows(read, `obd/${from}/${campaign}.csv.gz`);
  const other = await obdRows(read, `obd/${to}/${campaign}.csv.gz`);
  const table = JSON.parse(await read(`obd/bts_action_distribution_${campaign}.json`)) as {
    readonly n_actions: number;
    readonly probability_by_position_then_item: readonly (readonly number[])[];
  };
  const target = (position: number, item: number): number =>
    to === 'bts' ? table.probability_by_position_then_item[position - 1]![item]! : 1 / table.n_actions;
  const records = rows.map((row) => ({
    prompt: `position ${row['position']}`,
    responses: [
      {
        text: row['item_id']!,
        propensity: Number(row['propensity_score']),
        target_log_prob: { [to]: Math.log(target(Number(row['position']), Number(row['item_id']))) },
        feedback: { click: Number(row['click']) },
      },
    ],
  }));
  const clicks = other.reduce((sum, row) => sum + Number(row['click']), 0);
  const rate = clicks / other.length;
  return replayRecord('obd', `${campaign}, ${from} to ${to}`, records, 'click', to, seed, {
    truth: rate,
    truthError: Math.sqrt((rate * (1 - rate)) / other.length),
  });
}

function replayRecord(
  set: ReplayRecord['set'],
  name: string,
  records: readonly unknown[],
  signal: string,
  target: string,
  seed: number,
  truth: { readonly truth: number; readonly truthError: number },
): ReplayRecord {
  const log = logFromRecords(records, { file: name });
  const result = evaluate(log, {
    signals: [{ name: signal, transform: 'identity', weight: 1 }],
    diversity: 'none',
    estimators: ['snips'],
    seed,
  });
  const { utility, diagnostics, verdict } = result.targets[target]!;
  const snips = utility['snips']!;
  return {
    set,
    name,
    rounds: log.rounds,
    logged: result.logging.utility!.estimate!,
    estimate: snips.estimate,
    lower: snips.lower,
    upper: snips.upper,
    ...truth,
    effectiveSampleSize: diagnostics.effective_sample_size,
    maxWeightShare: diagnostics.max_weight_share,
    verdict: verdict.level,
  };
}

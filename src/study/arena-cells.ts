import { logFromRecords } from '../data/index.js';
import { evaluate } from '../pope/index.js';
import type { Json, StudyOptions } from './study.js';

export interface ArenaRecord {
  readonly [key: string]: Json;
  readonly target: string;
  readonly rounds: number;
  readonly estimate: number | null;
  readonly lower: number | null;
  readonly upper: number | null;
  /** Mean judge score of the target's own fresh answers, and its standard error. */
  readonly truth: number;
  readonly truthError: number;
  readonly meanWeight: number | null;
  readonly effectiveSampleSize: number;
  readonly verdict: string;
  readonly tippingPoint: number | null;
  /** Rows whose weight is exactly 1, and the largest |log weight|. */
  readonly same: number;
  readonly largest: number;
}

export const ARENA_TARGETS = ['clone', 'parallel', 'unhelpful'] as const;

/** A real log of a language model, whose service scored the same text twice and did not come to the same number. */
export async function arenaCell(target: string, { read, seed }: StudyOptions): Promise<ArenaRecord> {
  const lines = async (path: string): Promise<Record<string, unknown>[]> =>
    (await read(path))
      .split('\n')
      .flatMap((line) => (line === '' ? [] : [JSON.parse(line) as Record<string, unknown>]));
  const logged = await lines('arena-llm-log/logged.jsonl.gz');
  const fresh = (await lines('arena-llm-log/fresh-draws.jsonl.gz')).filter(({ policy }) => policy === target);
  const scores = fresh.map((row) => row['judge_score'] as number);
  const truth = scores.reduce((sum, v) => sum + v, 0) / scores.length;
  const spread = Math.sqrt(scores.reduce((sum, v) => sum + (v - truth) ** 2, 0) / (scores.length - 1));
  const log = logFromRecords(
    logged.map((row) => ({
      id: String(row['prompt_id']),
      prompt: String(row['prompt_id']),
      responses: [
        {
          text: String(row['prompt_id']),
          log_propensity: row['logprob_base'],
          target_log_prob: { [target]: row[`logprob_${target}`] },
          feedback: { score: row['judge_score'] },
        },
      ],
    })),
  );
  const { utility, diagnostics, verdict, sensitivity } = evaluate(log, {
    signals: [{ name: 'score', transform: 'identity', weight: 1 }],
    diversity: 'none',
    estimators: ['snips'],
    seed,
  }).targets[target]!;
  const snips = utility['snips'];
  const logs = logged.map((row) => Math.abs((row[`logprob_${target}`] as number) - (row['logprob_base'] as number)));
  return {
    target,
    rounds: log.rounds,
    estimate: snips?.estimate ?? null,
    lower: snips?.lower ?? null,
    upper: snips?.upper ?? null,
    truth,
    truthError: spread / Math.sqrt(scores.length),
    meanWeight: diagnostics.mean_weight,
    effectiveSampleSize: diagnostics.effective_sample_size,
    verdict: verdict.level,
    tippingPoint: sensitivity?.tipping_point ?? null,
    same: logs.filter((l) => l === 0).length,
    largest: Math.max(...logs),
  };
}

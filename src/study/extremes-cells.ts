import type { DemoConversation } from '../data/index.js';
import { seededRandom } from '../random/index.js';
import { captionProblem, captionRecords } from './caption-problem.js';
import { type PolicyPlan, rowsOf, trainTable } from './policy-training.js';
import { polisSetting } from './polis-setting.js';
import type { Json, StudyOptions } from './study.js';

/** A policy on contested or open-ended ground. */
export interface ExtremeRecord {
  readonly [key: string]: Json;
  readonly part: 'contested' | 'agreed' | 'captions';
  readonly plan: string;
  readonly tau: number;
  readonly seed: number;
  readonly utility: number;
  /** Of the worst group of voters; 0 where there are no groups. */
  readonly worstGroup: number;
  /** Entropy of opinion classes (Polis) or of captions, nats. */
  readonly entropy: number;
  /** Share of the probability on the half of the responses that people like less. */
  readonly lowHalf: number;
  readonly alarms: readonly string[];
}

/** How far the groups of voters are apart: the mean over statements of the largest difference of agreement. */
function polarisation({ statements, participants, groups }: DemoConversation): number {
  const shares = groups
    .map((group) => participants.filter((p) => p.group === group))
    .filter((some) => some.length >= 10)
    .map((some) => statements.map((_, k) => some.filter(({ votes }) => votes[k] === 1).length / some.length));
  if (shares.length < 2) return 0;
  return (
    statements.reduce(
      (sum, _, k) => sum + Math.max(...shares.map((s) => s[k]!)) - Math.min(...shares.map((s) => s[k]!)),
      0,
    ) / statements.length
  );
}

export async function polisExtreme(
  part: 'contested' | 'agreed',
  plan: PolicyPlan,
  seed: number,
  { read, signal, size }: StudyOptions,
): Promise<ExtremeRecord> {
  const most = size === 'quick' ? 1 : 4;
  const setting = polisSetting(await read('package:polis-demo.json'), seed, (all) => {
    const order = [...all].sort((a, b) => polarisation(b) - polarisation(a));
    return part === 'contested' ? order.slice(0, most) : order.slice(-most);
  });
  const { logProbs, alarms } =
    plan.name === 'logging'
      ? { logProbs: setting.contexts.map(({ logging }) => logging), alarms: [] }
      : await trainTable(plan, setting, seed, 0.1, signal);
  const truth = setting.truth(logProbs, 0.1);
  const liked = setting.problemContexts.map((context) => {
    const own = setting.judges.filter((round) => round.context === context);
    return context.conversation.statements.map(
      (_, k) => own.filter(({ participant }) => participant.votes[k] === 1).length,
    );
  });
  return {
    part,
    plan: plan.name,
    tau: plan.tau,
    seed,
    utility: truth.utility,
    worstGroup: truth.worstGroupUtility,
    entropy: truth.coverage,
    lowHalf: lowHalfOf(liked, logProbs),
    alarms,
  };
}

/** Mean over contexts of the probability of the half that is liked less. */
function lowHalfOf(liked: readonly (readonly number[])[], logProbs: readonly Float64Array[]): number {
  const shares = liked.map((values, x) => {
    const order = [...values.keys()].sort((a, b) => values[a]! - values[b]!);
    return order.slice(0, order.length >> 1).reduce((sum, k) => sum + Math.exp(logProbs[x]![k]!), 0);
  });
  return shares.reduce((s, v) => s + v, 0) / shares.length;
}

const ROUNDS = 500;

export async function captionExtreme(plan: PolicyPlan, seed: number, options: StudyOptions): Promise<ExtremeRecord> {
  const random = seededRandom(seed);
  const problem = await captionProblem(options, random);
  const { contexts, judged } = problem;
  const rounds = options.size === 'quick' ? 60 : ROUNDS;
  const records = (rounds: number): unknown[] => captionRecords(problem, rounds, 5, random);
  const data = {
    contexts,
    train: rowsOf(records(rounds * contexts.length), contexts),
    valid: rowsOf(records((rounds / 3) * contexts.length), contexts),
  };
  const { logProbs, alarms } =
    plan.name === 'logging'
      ? { logProbs: contexts.map(({ logging }) => logging), alarms: [] }
      : await trainTable(plan, data, seed, 0.1, options.signal);
  const mean = (f: (p: Float64Array, x: number) => number): number => {
    let sum = 0;
    logProbs.forEach((row, x) => void (sum += f(row, x)));
    return sum / logProbs.length;
  };
  return {
    part: 'captions',
    plan: plan.name,
    tau: plan.tau,
    seed,
    utility: mean((row, x) => row.reduce((sum, l, k) => sum + Math.exp(l) * judged[x]![k]!, 0)),
    worstGroup: 0,
    entropy: mean((row) => -row.reduce((sum, l) => sum + Math.exp(l) * l, 0)),
    lowHalf: lowHalfOf(judged, logProbs),
    alarms,
  };
}

import type { DemoConversation } from '../data/index.js';
import { categorical, normal, permutation, type Random, seededRandom, uniformInt } from '../random/index.js';
import { parseCsvRows } from './csv-rows.js';
import { type ChoiceContext, type PolicyPlan, rowsOf, trainTable } from './policy-training.js';
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

const CONTESTS = ['540', '636', '640', '642', '643', '646'];
const CAPTIONS = 200;
const ROUNDS = 500;

interface CaptionProblem {
  readonly contexts: readonly ChoiceContext[];
  /** Share of votes better than "unfunny": of the half that the log is made of, and of the half that judges. */
  readonly logged: readonly (readonly number[])[];
  readonly judged: readonly (readonly number[])[];
}

async function captionProblem({ read, size }: StudyOptions, random: Random): Promise<CaptionProblem> {
  const rows = parseCsvRows(await read('caption-contest/captions-dense.csv.gz'));
  const [contexts, logged, judged]: [ChoiceContext[], number[][], number[][]] = [[], [], []];
  const many = size === 'quick' ? 40 : CAPTIONS;
  for (const contest of size === 'quick' ? CONTESTS.slice(0, 2) : CONTESTS) {
    const own = rows.filter((row) => row['contest'] === contest);
    const chosen = permutation(random, own.length).subarray(0, many);
    const scores = Array.from({ length: many }, () => 0.7 * normal(random));
    const total = Math.log(scores.reduce((sum, s) => sum + Math.exp(s), 0));
    contexts.push({
      prompt: `contest ${contest}`,
      logging: Float64Array.from(scores, (s) => s - total),
      candidates: [...chosen].map((i) => ({ text: `${i}: ${own[i]!['caption']!}`, opinion: 'none' })),
    });
    const halves = [...chosen].map((i) => {
      const votes = ['unfunny', 'somewhat_funny', 'funny'].map((level) => Number(own[i]![level]));
      const all = votes.flatMap((count, level) => new Array<number>(count).fill(level > 0 ? 1 : 0));
      const order = permutation(random, all.length);
      const share = (part: Int32Array): number =>
        part.length === 0 ? 0 : [...part].reduce((sum, k) => sum + all[k]!, 0) / part.length;
      return [share(order.subarray(0, all.length >> 1)), share(order.subarray(all.length >> 1))] as const;
    });
    logged.push(halves.map(([a]) => a));
    judged.push(halves.map(([, b]) => b));
  }
  return { contexts, logged, judged };
}

export async function captionExtreme(plan: PolicyPlan, seed: number, options: StudyOptions): Promise<ExtremeRecord> {
  const random = seededRandom(seed);
  const { contexts, logged, judged } = await captionProblem(options, random);
  const rounds = options.size === 'quick' ? 60 : ROUNDS;
  const records = (rounds: number): unknown[] =>
    Array.from({ length: rounds }, () => {
      const x = uniformInt(random, contexts.length);
      const p = contexts[x]!.logging.map(Math.exp);
      return {
        prompt: contexts[x]!.prompt,
        responses: Array.from({ length: 5 }, () => {
          const k = categorical(random, p);
          return {
            text: contexts[x]!.candidates[k]!.text,
            log_propensity: contexts[x]!.logging[k],
            feedback: { agree: categorical(random, [1 - logged[x]![k]!, logged[x]![k]!]) },
          };
        }),
      };
    });
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

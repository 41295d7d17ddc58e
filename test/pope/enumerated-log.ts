import { tensor } from '../../src/backend/index.js';
import { logFromRecords } from '../../src/data/index.js';
import type { Log } from '../../src/ope/index.js';
import { type TabularParams, tabularPolicy } from '../../src/ope/index.js';
import { type EvaluationRows, evaluationRows, type TrainOptions } from '../../src/pope/index.js';

export const prompts = ['x0', 'x1'];
export const responses = ['a', 'b', 'c'];
/** Rounds of each prompt and response; pi0(y|x) is their share. */
export const counts = [
  [4, 2, 2],
  [1, 2, 5],
];
export const utilities = [
  [0, 1, 0.5],
  [2, 0.25, 1],
];
export const opinions = ['p', 'q', 'q'];
export const pi0 = counts.map((row) => row.map((c) => c / 8));

/** A log that enumerates a finite problem: mean over its rounds is expectation under the logging policy, exactly. */
export function enumeratedLog({ propensities = true, u = utilities } = {}): Log {
  const rounds = prompts.flatMap((prompt, x) =>
    responses.flatMap((text, y) =>
      Array.from({ length: counts[x][y] }, (_, copy) => ({
        id: `${prompt}${text}${copy}`,
        prompt,
        responses: [
          { text, ...(propensities && { propensity: pi0[x][y] }), feedback: { up: u[x][y] }, opinion: opinions[y] },
        ],
      })),
    ),
  );
  return logFromRecords(rounds);
}

export const up = [{ name: 'up', transform: 'identity', weight: 1 }] as const;
export const rowsOf = (log: Log): EvaluationRows => evaluationRows(log, up, { withoutPropensity: true });
export const family = tabularPolicy(prompts, responses);
export const logits = (
  rows: readonly (readonly number[])[] = [
    [0, 0, 0],
    [0, 0, 0],
  ],
): TabularParams => ({ logits: tensor(Float64Array.from(rows.flat()), { shape: [2, 3] }) });

/** pi(y|x) of the parameters. */
export function probabilities(params: TabularParams): number[][] {
  const flat = [...params.logits.dataSync()];
  return prompts.map((_, x) => {
    const row = flat.slice(3 * x, 3 * x + 3).map((l) => Math.exp(l));
    const total = row.reduce((s, p) => s + p, 0);
    return row.map((p) => p / total);
  });
}

/** Options that see the whole log at every step. */
export function training(over: Partial<TrainOptions<TabularParams>> = {}): TrainOptions<TabularParams> {
  const rows = rowsOf(enumeratedLog());
  return {
    family,
    params: logits(),
    rows,
    heldOut: null,
    objective: 'pope',
    diversity: 'anchored',
    tau: 0.5,
    steps: 20,
    batch: 16,
    learningRate: 0.05,
    candidatesOf: () => responses.map((text, y) => ({ text, opinion: opinions[y] })),
    ...over,
  };
}

const mean = (f: (x: number, y: number) => number, pi: number[][]): number =>
  pi.reduce((s, row, x) => s + row.reduce((t, p, y) => t + p * f(x, y), 0) / prompts.length, 0);
export const utilityOf = (pi: number[][]): number => mean((x, y) => utilities[x][y], pi);
export const entropyOf = (pi: number[][]): number => mean((x, y) => -Math.log(pi[x][y]), pi);
export const klOf = (pi: number[][]): number => mean((x, y) => Math.log(pi[x][y] / pi0[x][y]), pi);
export const classEntropyOf = (pi: number[][]): number =>
  mean((x, y) => -Math.log(opinions.reduce((s, o, k) => s + (o === opinions[y] ? pi[x][k] : 0), 0)), pi);

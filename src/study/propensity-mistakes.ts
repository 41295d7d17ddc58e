import type { FiniteProblem } from '../ope/index.js';
import { normal, type Random } from '../random/index.js';

/** How the recorded propensities differ from the true ones. */
export interface Mistake {
  readonly name: string;
  readonly law: string;
  /** The recorded log-propensities of the drawn responses. */
  record(draws: readonly Draw[], problem: FiniteProblem, random: Random): number[];
  /** The policy that draws, where it is not the problem's own. */
  draw?(logging: readonly number[]): number[];
}

export interface Draw {
  readonly context: number;
  readonly response: number;
}

export const total = (row: readonly number[]): number => row.reduce((sum, p) => sum + p, 0);
const normalised = (row: readonly number[]): number[] => row.map((p) => p / total(row));
const own = (draws: readonly Draw[], { logging }: FiniteProblem): number[] =>
  draws.map(({ context, response }) => Math.log(logging[context]![response]!));
const tempered = (logging: readonly number[], t: number): number[] => normalised(logging.map((p) => p ** (1 / t)));
/** The likeliest responses up to a share of 0.9, the others never. */
const truncated = (logging: readonly number[]): number[] => {
  const order = [...logging.keys()].sort((a, b) => logging[b]! - logging[a]!);
  let mass = 0;
  const kept = new Set<number>();
  for (const y of order) {
    if (mass >= 0.9) break;
    kept.add(y);
    mass += logging[y]!;
  }
  return normalised(logging.map((p, y) => (kept.has(y) ? p : 0)));
};

/** log (count + s)/(all + s K) of each draw, counted on the draws that `inside` lets in for it. */
function counted(
  draws: readonly Draw[],
  k: number,
  inside: (i: number, j: number) => boolean,
  cell: (draw: Draw) => string,
  smoothing: number,
): number[] {
  return draws.map((draw, i) => {
    let [same, all] = [smoothing, smoothing * k];
    draws.forEach((other, j) => {
      if (!inside(i, j) || other.context !== draw.context) return;
      all++;
      if (cell(other) === cell(draw)) same++;
    });
    return Math.log(same / all);
  });
}
const cellOf = ({ response }: Draw): string => String(response);

const noise = (sd: number): Mistake => ({
  name: `noise of ${sd} a response`,
  law: `each recorded log-propensity is off by a normal of standard deviation ${sd}, drawn for every response anew`,
  record: (draws, problem, random) => own(draws, problem).map((p) => Math.min(0, p + sd * normal(random))),
});

export const mistakes: readonly Mistake[] = [
  { name: 'none', law: 'recorded as they were', record: own },
  noise(0.1),
  noise(0.3),
  noise(1),
  {
    name: 'temperature 0.8 recorded',
    law: 'the log has the probabilities at temperature 0.8, the responses were drawn at 1',
    record: (draws, { logging }) =>
      draws.map(({ context, response }) => Math.log(tempered(logging[context]!, 0.8)[response]!)),
  },
  {
    name: 'temperature 1.25 recorded',
    law: 'the same at 1.25',
    record: (draws, { logging }) =>
      draws.map(({ context, response }) => Math.log(tempered(logging[context]!, 1.25)[response]!)),
  },
  {
    name: 'drawn by top-p 0.9',
    law: 'responses were drawn from the likeliest 90 %, the log has the untruncated probabilities',
    draw: truncated,
    record: own,
  },
  {
    name: 'a smaller model',
    law: 'the propensity is the mean over contexts: a model that does not see the prompt',
    record: (draws, { logging }) =>
      draws.map(({ response }) => Math.log(total(logging.map((row) => row[response]!)) / logging.length)),
  },
  {
    name: 'counted, in sample',
    law: 'relative frequencies of the log itself',
    record: (draws, { logging }) => counted(draws, logging[0]!.length, () => true, cellOf, 0),
  },
  {
    name: 'counted, cross-fitted',
    law: 'relative frequencies of the other four fifths, one made-up response a candidate',
    record: (draws, { logging }) => counted(draws, logging[0]!.length, (i, j) => i % 5 !== j % 5, cellOf, 1),
  },
];

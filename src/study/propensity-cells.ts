import { logFromRecords } from '../data/index.js';
import type { FiniteProblem } from '../ope/index.js';
import { evaluate } from '../pope/index.js';
import { categorical, normal, type Random, seededRandom, uniformInt } from '../random/index.js';
import { drawProblem } from './generated-problem.js';
import type { Json } from './study.js';

/** How the recorded propensities differ from the true ones. */
export interface Mistake {
  readonly name: string;
  readonly law: string;
  /** The recorded log-propensities of the drawn responses. */
  record(draws: readonly Draw[], problem: FiniteProblem, random: Random): number[];
  /** The policy that draws, where it is not the problem's own. */
  draw?(logging: readonly number[]): number[];
}

interface Draw {
  readonly context: number;
  readonly response: number;
}

export interface PropensityRecord {
  readonly [key: string]: Json;
  readonly mistake: string;
  readonly repetitions: number;
  /** Mean over logs of the largest |log of recorded over true|, and of its mean. */
  readonly largestError: number;
  readonly meanError: number;
  readonly bias: number;
  readonly biasError: number;
  readonly rmse: number;
  readonly covered: number;
  /** Logs whose T13 band at the first tabled eta of at least the largest error holds the value; of so many that have one. */
  readonly bandCovered: number;
  readonly bands: number;
  /** The same of the band of T2, which is about ips. */
  readonly ipsBandCovered: number;
  /** Width of the T13 bands. */
  readonly bandWidth: number;
  readonly weak: number;
  readonly refused: number;
  /** Of the logs whose interval misses, those with the verdict "supported". */
  readonly overlooked: number;
  /** Median eta at which the conclusion (better than the logger) would tip; null where it never holds. */
  readonly tippingPoint: number | null;
}

const ROUNDS = 600;
const total = (row: readonly number[]): number => row.reduce((sum, p) => sum + p, 0);
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

/** Logs of generated problems whose propensities were recorded wrongly in one way, judged as if they were right. */
export function propensityCell(mistake: Mistake, repetitions: number, seed: number): PropensityRecord {
  const random = seededRandom(seed);
  const errors: number[] = [];
  const tips: number[] = [];
  let [largest, meanAbsolute, bandWidth] = [0, 0, 0];
  let [covered, bandCovered, ipsBandCovered, bands, weak, refused, overlooked] = [0, 0, 0, 0, 0, 0, 0];
  for (let k = 0; k < repetitions; k++) {
    const problem = drawProblem({ divergence: 0.5, correlation: 0.5 }, random);
    const draws = Array.from({ length: ROUNDS }, (): Draw => {
      const context = uniformInt(random, problem.logging.length);
      const row = problem.logging[context]!;
      return { context, response: categorical(random, mistake.draw?.(row) ?? row) };
    });
    const recorded = mistake.record(draws, problem, random);
    const off = recorded.map((p, i) => {
      const { context, response } = draws[i]!;
      const row = problem.logging[context]!;
      return Math.abs(p - Math.log((mistake.draw?.(row) ?? row)[response]!));
    });
    const most = Math.max(...off);
    largest += most / repetitions;
    meanAbsolute += total(off) / off.length / repetitions;
    const value =
      total(problem.target.map((row, x) => row.reduce((sum, p, y) => sum + p * problem.reward[x]![y]!, 0))) /
      problem.target.length;
    const { utility, verdict, sensitivity } = evaluate(
      logFromRecords(
        draws.map(({ context, response }, i) => ({
          prompt: `x${context}`,
          responses: [
            {
              text: `y${response}`,
              log_propensity: recorded[i],
              target_log_prob: { target: Math.log(problem.target[context]![response]!) },
              feedback: {
                up: categorical(random, [1 - problem.reward[context]![response]!, problem.reward[context]![response]!]),
              },
            },
          ],
        })),
      ),
      {
        signals: [{ name: 'up', transform: 'identity', weight: 1 }],
        diversity: 'none',
        estimators: ['snips', 'ips'],
        seed: k,
      },
    ).targets['target']!;
    const { estimate, lower, upper } = utility['snips']!;
    errors.push(estimate! - value);
    const holds = lower! <= value && value <= upper!;
    if (holds) covered++;
    if (verdict.level === 'weak') weak++;
    if (verdict.level === 'refused') refused++;
    if (!holds && verdict.level === 'supported') overlooked++;
    if (sensitivity !== null) {
      const at = sensitivity.eta.findIndex((eta) => eta >= most);
      const band = at < 0 ? undefined : sensitivity.utility[at];
      if (band !== undefined && band.lower !== null && band.upper !== null) {
        // the band is about propensities alone: chance is on top of it
        const reach = (upper! - lower!) / 2;
        bands++;
        bandWidth += band.upper - band.lower;
        if (band.lower - reach <= value && value <= band.upper + reach) bandCovered++;
        const [plain, own] = [sensitivity.ips[at]!, utility['ips']!];
        const chance = (own.upper! - own.lower!) / 2;
        if (
          plain.lower !== null &&
          plain.upper !== null &&
          plain.lower - chance <= value &&
          value <= plain.upper + chance
        )
          ipsBandCovered++;
      }
      if (sensitivity.tipping_point !== null) tips.push(sensitivity.tipping_point);
    }
  }
  const bias = total(errors) / errors.length;
  const spread = Math.sqrt(total(errors.map((e) => (e - bias) ** 2)) / errors.length);
  tips.sort((a, b) => a - b);
  return {
    mistake: mistake.name,
    repetitions,
    largestError: largest,
    meanError: meanAbsolute,
    bias,
    biasError: spread / Math.sqrt(errors.length),
    rmse: Math.hypot(bias, spread),
    covered: covered,
    bandCovered: bandCovered,
    ipsBandCovered: ipsBandCovered,
    bands: bands,
    bandWidth: bands === 0 ? 0 : bandWidth / bands,
    weak: weak,
    refused: refused,
    overlooked: overlooked,
    tippingPoint: tips.length === 0 ? null : tips[tips.length >> 1]!,
  };
}

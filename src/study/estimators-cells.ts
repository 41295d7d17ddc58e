import { logFromRecords } from '../data/index.js';
import { decomposedIps, exactMoments, type FiniteProblem, jointIps } from '../ope/index.js';
import { evaluate, varianceLowerBound } from '../pope/index.js';
import { categorical, type Random, seededRandom, uniformInt } from '../random/index.js';
import { CONTEXTS, drawProblem } from './generated-problem.js';
import type { Json } from './study.js';

export interface Design {
  readonly [key: string]: Json;
  /** Responses a slate. */
  readonly slate: number;
  /** How far the target's logits stray from the logger's. */
  readonly divergence: number;
  /** Between the rewards and the direction in which the target strays. */
  readonly correlation: number;
}

export interface EstimatorFigures {
  readonly [key: string]: Json;
  readonly bias: number;
  readonly biasError: number;
  readonly rmse: number;
  /** Replications whose interval held the value, and how many had one. */
  readonly covered: number;
  readonly intervals: number;
  readonly width: number;
}

export interface EstimatorsRecord extends Design {
  readonly repetitions: number;
  readonly rounds: number;
  /** Means over the problems. */
  readonly kl: number;
  readonly refused: number;
  readonly estimators: { readonly [name: string]: EstimatorFigures };
  /** Variance of one round of joint weights over that of decomposed ones, exact; geometric mean over the problems. */
  readonly jointOverDecomposed: number;
  /** sigma^2 and its bound T4 of one response, exact, a pair a problem. */
  readonly bounds: readonly { readonly variance: number; readonly bound: number }[];
}

const ROUNDS = 300;

/** Draws problems of one design, a log of each, and judges every estimator against the exact value. */
export function estimatorsCell(design: Design, repetitions: number, seed: number): EstimatorsRecord {
  const random = seededRandom(seed);
  const seen = new Map<string, { errors: number[]; covered: number; intervals: number; width: number }>();
  const bounds: { variance: number; bound: number }[] = [];
  let [kl, refused, logRatio, exact] = [0, 0, 0, 0];
  for (let k = 0; k < repetitions; k++) {
    const problem = drawProblem(design, random);
    const value = mean(problem.target.map((row, x) => dot(row, problem.reward[x]!)));
    kl +=
      mean(
        problem.target.map((row, x) =>
          dot(
            row,
            row.map((p, y) => Math.log(p / problem.logging[x]![y]!)),
          ),
        ),
      ) / repetitions;
    // a sample of the problems: the enumeration is dear
    if (k < 20) {
      const [joint, decomposed] = [jointIps, decomposedIps].map(
        (use) => exactMoments(use, problem, { slate: design.slate }).variance,
      );
      logRatio += Math.log(joint! / decomposed!);
      exact++;
      const flat = problem.logging.flatMap((row, x) =>
        row.map((p, y) => ({
          p: p / CONTEXTS,
          ratio: Math.log(problem.target[x]![y]! / p),
          reward: problem.reward[x]![y]!,
        })),
      );
      const { variance, lowerBound } = varianceLowerBound(
        flat.map(({ ratio }) => ratio),
        flat.map(({ reward }) => reward),
        flat.map(({ p }) => p),
      );
      bounds.push({ variance, bound: lowerBound });
    }
    const result = evaluate(logFromRecords(drawLog(problem, design.slate, random)), {
      signals: [{ name: 'up', transform: 'identity', weight: 1 }],
      diversity: 'none',
      seed: k,
    }).targets['target']!;
    if (result.verdict.level === 'refused') refused++;
    for (const [name, entry] of Object.entries(result.utility)) {
      if (entry === null || entry === undefined || entry.estimate === null) continue;
      const own = seen.get(name) ?? { errors: [], covered: 0, intervals: 0, width: 0 };
      seen.set(name, own);
      own.errors.push(entry.estimate - value);
      if (entry.lower === null || entry.upper === null) continue;
      own.intervals++;
      own.width += entry.upper - entry.lower;
      if (entry.lower <= value && value <= entry.upper) own.covered++;
    }
  }
  return {
    ...design,
    repetitions,
    rounds: ROUNDS,
    kl,
    refused,
    estimators: Object.fromEntries(
      [...seen].map(([name, { errors, covered, intervals, width }]) => {
        const bias = mean(errors);
        const spread = Math.sqrt(mean(errors.map((e) => (e - bias) ** 2)));
        return [
          name,
          {
            bias,
            biasError: spread / Math.sqrt(errors.length),
            rmse: Math.hypot(bias, spread),
            covered,
            intervals,
            width: intervals === 0 ? 0 : width / intervals,
          },
        ];
      }),
    ),
    jointOverDecomposed: Math.exp(logRatio / exact),
    bounds,
  };
}

const mean = (values: readonly number[]): number => values.reduce((sum, v) => sum + v, 0) / values.length;
const dot = (x: readonly number[], y: readonly number[]): number => x.reduce((sum, v, i) => sum + v * y[i]!, 0);
function drawLog({ logging, target, reward, predicted }: FiniteProblem, slate: number, random: Random): unknown[] {
  return Array.from({ length: ROUNDS }, () => {
    const x = uniformInt(random, CONTEXTS);
    return {
      prompt: `x${x}`,
      predicted_value: { target: dot(target[x]!, predicted![x]!) },
      responses: Array.from({ length: slate }, () => {
        const y = categorical(random, logging[x]!);
        return {
          text: `y${y}`,
          propensity: logging[x]![y],
          target_log_prob: { target: Math.log(target[x]![y]!) },
          predicted_reward: predicted![x]![y],
          // one vote of a person who likes it with that chance
          feedback: { up: categorical(random, [1 - reward[x]![y]!, reward[x]![y]!]) },
        };
      }),
    };
  });
}

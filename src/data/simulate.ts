import { categorical, normal, type Random, uniformInt } from '../random/index.js';
import { assertFinite, assertInteger, assertRange, invalid } from '../util/index.js';
import type { ResponseRecord, RoundRecord } from './record.js';

export interface SimulateOptions {
  /** Rounds N, at least 1. */
  readonly rounds: number;
  /** Responses a slate n, at least 1, drawn independently from pi0 (with repetition). */
  readonly slate: number;
  /** Responses a context, at least 2. */
  readonly responses: number;
  /** Contexts, at least 1, met equally often in expectation. */
  readonly contexts: number;
  /** How far the target's logits stray from the logger's, at least 0 (0: the same policy). */
  readonly divergence: number;
  /** Names of the signals, at least one, all different. */
  readonly signals: readonly string[];
  /** Standard deviation of normal noise on each observed signal, at least 0. Default 0: a signal is a function of (x, y). */
  readonly noise?: number;
  /** Opinion classes c0, c1 ..., response y being of class y mod opinions. Default: 3, or fewer where there are fewer responses. */
  readonly opinions?: number;
  readonly random: Random;
}

/** Exact figures of one policy, averaged over contexts. */
export interface PolicyTruth {
  /** E_x E_{y ~ pi} of each signal. */
  readonly utility: Readonly<Record<string, number>>;
  /** E_x H(pi(.|x)) in nats: the diversity of surprisal. */
  readonly entropy: number;
  /** E_x of the entropy of opinion classes, in nats. */
  readonly class_entropy: number;
}

/** What is exactly true of a simulated problem; snake_case since it is written to a file. */
export interface Truth {
  readonly rounds: number;
  readonly slate: number;
  readonly responses: number;
  readonly contexts: number;
  readonly divergence: number;
  readonly noise: number;
  readonly signals: readonly string[];
  readonly logging: PolicyTruth;
  readonly target: PolicyTruth;
  /** E_x KL(target || logging) in nats. */
  readonly kl: number;
  /** E_x chi2(target || logging) = E_pi0 rho^2 - 1. */
  readonly chi2: number;
  /** The largest importance weight of any (context, response). */
  readonly max_weight: number;
  /** Standard error of `ips` with equal slot weights 1/n for each signal, at this number of rounds. */
  readonly ips_std_error: Readonly<Record<string, number>>;
}

export interface Simulation {
  readonly records: RoundRecord[];
  readonly candidates: { readonly prompt: string; readonly candidates: readonly { text: string; opinion: string }[] }[];
  readonly truth: Truth;
}

/** Tables of a finite problem: [context][response], rewards [signal][context][response]. */
interface Tables {
  readonly logging: number[][];
  readonly target: number[][];
  readonly rewards: number[][][];
}

/**
 * A log drawn from a known finite problem, and the exact truth about it. The logger is a softmax of standard normal
 * logits, the target adds `divergence` times other standard normal logits, and the mean of a signal is a logistic
 * function of another standard normal, so it lies in (0, 1). Rounds are independent given the tables.
 * @throws PopeError where an option is out of its range.
 */
export function simulateLog(options: SimulateOptions): Simulation {
  const { rounds, slate, contexts, signals, noise = 0, random } = options;
  const opinions = checkOptions(options);
  const tables = drawTables(options);
  const records: RoundRecord[] = [];
  for (let i = 0; i < rounds; i++) {
    const x = uniformInt(random, contexts);
    const responses: ResponseRecord[] = [];
    for (let j = 0; j < slate; j++) {
      const y = categorical(random, tables.logging[x]);
      const feedback = signals.map((name, s) => [
        name,
        tables.rewards[s][x][y] + (noise > 0 ? noise * normal(random) : 0),
      ]);
      responses.push({
        text: `r${y}`,
        log_propensity: Math.log(tables.logging[x][y]),
        target_log_prob: { target: Math.log(tables.target[x][y]) },
        feedback: Object.fromEntries(feedback) as Record<string, number>,
        opinion: `c${y % opinions}`,
      });
    }
    records.push({ id: `round${i}`, prompt: `x${x}`, responses });
  }
  const space = Array.from({ length: options.responses }, (_, y) => ({ text: `r${y}`, opinion: `c${y % opinions}` }));
  const candidates = Array.from({ length: contexts }, (_, x) => ({ prompt: `x${x}`, candidates: space }));
  return { records, candidates, truth: truthOf(options, tables, opinions) };
}

function checkOptions({
  rounds,
  slate,
  responses,
  contexts,
  divergence,
  signals,
  noise = 0,
  opinions,
}: SimulateOptions): number {
  assertInteger('rounds', rounds, 1);
  assertInteger('slate', slate, 1);
  assertInteger('responses', responses, 2);
  assertInteger('contexts', contexts, 1);
  assertFinite('divergence', divergence);
  assertRange('divergence', divergence, 0, 100);
  assertFinite('noise', noise);
  assertRange('noise', noise, 0, Infinity);
  if (signals.length === 0 || new Set(signals).size < signals.length || signals.includes('')) {
    throw invalid('signals', signals, 'at least one name, all different');
  }
  const classes = opinions ?? Math.min(3, responses);
  assertInteger('opinions', classes, 1, responses);
  return classes;
}

function drawTables({ responses, contexts, divergence, signals, random }: SimulateOptions): Tables {
  const normals = () => Array.from({ length: contexts }, () => Array.from({ length: responses }, () => normal(random)));
  const base = normals();
  const shift = normals();
  const shifted = base.map((row, x) => row.map((logit, y) => logit + divergence * shift[x][y]));
  const rewards = signals.map(() => normals().map((row) => row.map((z) => 1 / (1 + Math.exp(-z)))));
  return { logging: base.map(softmax), target: shifted.map(softmax), rewards };
}

function softmax(logits: readonly number[]): number[] {
  const top = Math.max(...logits);
  const weights = logits.map((logit) => Math.max(Math.exp(logit - top), 1e-300)); // full support, also at large divergence
  const total = sum(weights);
  return weights.map((weight) => weight / total);
}

function truthOf(options: SimulateOptions, tables: Tables, opinions: number): Truth {
  const { rounds, slate, responses, contexts, divergence, signals, noise = 0 } = options;
  const { logging, target, rewards } = tables;
  const weight = (x: number, y: number) => target[x][y] / logging[x][y];
  const secondMoments = logging.map((row, x) => sum(row.map((p, y) => p * weight(x, y) ** 2)));
  const stdErrors = signals.map((name, s) => {
    // Var = Var_x V(x) + E_x [ (E rho^2 (R^2 + noise^2) - V(x)^2) / n ]: slots are independent given x.
    const values = target.map((row, x) => dot(row, rewards[s][x]));
    const mean = average(values);
    const between = average(values.map((value) => (value - mean) ** 2));
    const within = logging.map((row, x) => {
      const second = sum(row.map((p, y) => p * weight(x, y) ** 2 * (rewards[s][x][y] ** 2 + noise ** 2)));
      return (second - values[x] ** 2) / slate;
    });
    return [name, Math.sqrt((between + average(within)) / rounds)] as const;
  });
  const policy = (table: number[][]): PolicyTruth => ({
    utility: Object.fromEntries(
      signals.map((name, s) => [name, average(table.map((row, x) => dot(row, rewards[s][x])))]),
    ),
    entropy: average(table.map(entropy)),
    class_entropy: average(
      table.map((row) =>
        entropy(Array.from({ length: opinions }, (_, c) => sum(row.filter((_p, y) => y % opinions === c)))),
      ),
    ),
  });
  return {
    rounds,
    slate,
    responses,
    contexts,
    divergence,
    noise,
    signals,
    logging: policy(logging),
    target: policy(target),
    kl: average(target.map((row, x) => sum(row.map((p, y) => p * Math.log(weight(x, y)))))),
    chi2: average(secondMoments) - 1,
    max_weight: Math.max(...logging.map((row, x) => Math.max(...row.map((_, y) => weight(x, y))))),
    ips_std_error: Object.fromEntries(stdErrors),
  };
}

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
const average = (values: readonly number[]) => sum(values) / values.length;
const dot = (a: readonly number[], b: readonly number[]) => sum(a.map((value, k) => value * b[k]));
const entropy = (p: readonly number[]) => -sum(p.map((q) => (q > 0 ? q * Math.log(q) : 0)));

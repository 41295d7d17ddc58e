import type { GptParams } from '../../nn/index.js';
import type { PolicyFamily } from '../../ope/index.js';
import type { EvaluationRows } from '../../pope/index.js';
import type { DemoContext, DemoProblem } from '../../study/polis-log.js';
import { type Truth, trueValue } from '../../study/polis-truth.js';
import { scope } from '../../tensor/index.js';
import type { TrainedPolicy } from './train-policies.js';

/** A policy as the held-out log and the held-out people see it. */
export interface JudgedPolicy {
  readonly name: string;
  /** log pi of the held-out log's responses. */
  readonly logProb: Float64Array;
  /** log pi(c(y)|x) of each response's own opinion class, exact. */
  readonly classLogProb: Float64Array;
  readonly truth: Truth;
}

export interface JudgeOptions {
  readonly tau: number;
  readonly diversity: 'anchored' | 'coverage';
}

/** Scores each policy on the held-out log, and computes its exact value from the held-out votes. */
export function judgePolicies(
  problem: DemoProblem,
  policies: readonly TrainedPolicy[],
  family: PolicyFamily<GptParams>,
  { log }: EvaluationRows,
  options: JudgeOptions,
): JudgedPolicy[] {
  const contextOf = new Map(problem.contexts.map((context) => [context.prompt, context]));
  return policies.map(({ plan, params }) => {
    const table = scope(() => {
      const policy = family.bind(params);
      const rows = policy.distribution!(problem.contexts.map(({ prompt }) => prompt));
      return new Map(problem.contexts.map((context, i) => [context, normalized(rows[i].dataSync())]));
    });
    const logProb = new Float64Array(log.responseCount);
    const classLogProb = new Float64Array(log.responseCount);
    log.prompts.forEach((prompt, i) => {
      const context = contextOf.get(prompt as string)!;
      const own = table.get(context)!;
      const { statements } = context.conversation;
      for (let j = log.offsets[i]; j < log.offsets[i + 1]; j++) {
        const k = statements.findIndex(({ text }) => text === log.responses[j]);
        logProb[j] = own[k];
        let mass = 0;
        statements.forEach(({ opinion }, s) => {
          if (opinion === statements[k].opinion) mass += Math.exp(own[s]);
        });
        classLogProb[j] = Math.min(0, Math.log(mass));
      }
    });
    return {
      name: plan.name,
      logProb,
      classLogProb,
      truth: exactTruth(problem, (context) => table.get(context)!, options),
    };
  });
}

/** The exact value on the held-out people of any policy given by its log-probabilities. */
export const exactTruth = (
  problem: DemoProblem,
  logProbs: (context: DemoContext) => Float64Array,
  options: JudgeOptions,
): Truth =>
  trueValue(
    problem.rounds.filter(({ heldOut }) => heldOut),
    logProbs,
    options.tau,
    options.diversity,
  );

/** float32 log-probabilities made to sum to 1 in float64, so that estimate and truth speak of the very same policy. */
function normalized(logProbs: ArrayLike<number>): Float64Array {
  const row = Float64Array.from(logProbs);
  let total = 0;
  for (const p of row) total += Math.exp(p);
  return row.map((p) => Math.min(0, p - Math.log(total)));
}

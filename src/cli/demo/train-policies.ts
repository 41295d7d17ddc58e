import type { GptConfig, GptParams } from '../../nn/index.js';
import type { PolicyFamily } from '../../ope/index.js';
import {
  type EvaluationRows,
  type HeldOutFigures,
  type Objective,
  type StepRecord,
  type TrainableDiversity,
  type TrainResult,
  trainPope,
} from '../../pope/index.js';
import { dispose } from '../../tensor/index.js';

/** One policy of the demo: how it is trained, and what its name means in a sentence. */
export interface PolicyPlan {
  readonly name: string;
  readonly objective: Objective;
  readonly diversity: TrainableDiversity;
  readonly tau: number;
  readonly sentence: string;
}

/** The policies that the demo compares, all but the first trained from the fit of the log with one budget. */
export function policyPlans(diversity: TrainableDiversity, tau: number): readonly PolicyPlan[] {
  const plan = (name: string, objective: Objective, sentence: string, own: Partial<PolicyPlan> = {}): PolicyPlan => ({
    name,
    objective,
    diversity,
    tau,
    sentence,
    ...own,
  });
  return [
    plan('sft', 'sft', 'imitates the log (maximum likelihood: the fit of pi0)'),
    plan('dpo', 'dpo', 'prefers what participants agreed with over what they did not'),
    plan('utility_only', 'utility', 'raises the agreement alone'),
    plan('diversity_only', 'diversity', 'raises the diversity alone'),
    plan('pope', 'pope', `raises agreement + tau x diversity (${diversity})`),
    ...(diversity === 'coverage'
      ? []
      : [
          plan('pope_coverage', 'pope', 'raises agreement + the entropy of opinions (coverage)', {
            diversity: 'coverage',
            tau: 1,
          }),
        ]),
  ];
}

export interface TrainedPolicy {
  readonly plan: PolicyPlan;
  readonly params: GptParams;
  readonly records: readonly StepRecord[];
}

export interface DemoBudget {
  /** Steps of the imitation of the log, and of each policy trained from there. */
  readonly sftSteps: number;
  readonly steps: number;
  readonly batch: number;
  readonly promptsPerBatch: number;
  readonly learningRate: number;
}

export interface TrainPoliciesOptions {
  readonly family: PolicyFamily<GptParams>;
  readonly config: GptConfig;
  /** The pre-trained language model. */
  readonly start: GptParams;
  readonly rows: EvaluationRows;
  readonly heldOut: EvaluationRows;
  readonly plans: readonly PolicyPlan[];
  readonly budget: DemoBudget;
  readonly candidatesOf: NonNullable<Parameters<typeof trainPope>[0]['candidatesOf']>;
  readonly textLoss: (params: GptParams) => number | Promise<number>;
  readonly seed: number;
  readonly signal?: AbortSignal;
  readonly onStart: (plan: PolicyPlan, steps: number) => void;
  readonly onStep: (step: number) => void;
  readonly onDone: (policy: TrainedPolicy, result: TrainResult<GptParams>) => void;
}

/** Trains the plans in turn: the first from `start`, the others from where the first ended. */
export async function trainPolicies(options: TrainPoliciesOptions): Promise<TrainedPolicy[]> {
  const { budget, plans } = options;
  const done: TrainedPolicy[] = [];
  let start: HeldOutFigures | undefined;
  for (const plan of plans) {
    const first = done.length === 0;
    const steps = first ? budget.sftSteps : budget.steps;
    options.onStart(plan, steps);
    const result = await trainPope({
      family: options.family,
      params: first ? options.start : done[0].params,
      rows: options.rows,
      heldOut: options.heldOut,
      objective: plan.objective,
      diversity: plan.diversity,
      tau: plan.tau,
      steps,
      innerSteps: plan.objective === 'sft' || plan.objective === 'dpo' ? 1 : 2,
      batch: budget.batch,
      promptsPerBatch: budget.promptsPerBatch,
      learningRate: budget.learningRate,
      candidatesOf: options.candidatesOf,
      textLoss: options.textLoss,
      seed: options.seed,
      logEvery: Math.ceil(steps / 2),
      ...(start && { start }),
      onStep: ({ step }) => options.onStep(step),
      ...(options.signal && { signal: options.signal }),
    });
    const trained = { plan, params: result.params, records: result.records };
    dispose([result.state.optimizer.firstMoment, result.state.optimizer.secondMoment]);
    start ??= result.figures ?? undefined;
    done.push(trained);
    options.onDone(trained, result);
  }
  return done;
}

import type { GptParams } from '../../nn/index.js';
import type { CandidatesOf, PolicyFamily } from '../../ope/index.js';
import {
  type HeldOutFigures,
  needsAnchor,
  type Objective,
  type StepRecord,
  type TrainableDiversity,
  type TrainResult,
  trainPope,
} from '../../pope/index.js';
import { dispose } from '../../tensor/index.js';
import { budget, type DemoSetting } from './setting.js';

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

export interface TrainPlanOptions {
  readonly setting: DemoSetting;
  readonly family: PolicyFamily<GptParams>;
  readonly candidatesOf: CandidatesOf;
  readonly textLoss: (params: GptParams) => number | Promise<number>;
  /** Where training starts, and its held-out figures if they are known. */
  readonly start: GptParams;
  readonly startFigures?: HeldOutFigures | undefined;
  readonly seed: number;
  readonly signal?: AbortSignal | undefined;
  readonly onStep: (step: number) => void;
}

/** Steps of a plan: the imitation of the log has a budget of its own, since all others start from it. */
export const stepsOf = ({ objective }: PolicyPlan): number => (objective === 'sft' ? budget.sftSteps : budget.steps);

/** Trains one policy on the training rounds; the held-out ones judge it. */
export async function trainPlan(plan: PolicyPlan, options: TrainPlanOptions): Promise<TrainResult<GptParams>> {
  const steps = stepsOf(plan);
  const result = await trainPope({
    family: options.family,
    params: options.start,
    rows: options.setting.train.rows,
    heldOut: options.setting.heldOut.rows,
    objective: plan.objective,
    diversity: plan.diversity,
    tau: plan.tau,
    steps,
    innerSteps: needsAnchor(plan.objective) ? 2 : 1,
    batch: budget.batch,
    promptsPerBatch: budget.promptsPerBatch,
    learningRate: budget.learningRate,
    candidatesOf: options.candidatesOf,
    textLoss: options.textLoss,
    seed: options.seed,
    logEvery: Math.ceil(steps / 2),
    onStep: ({ step }) => options.onStep(step),
    ...(options.startFigures && { start: options.startFigures }),
    ...(options.signal && { signal: options.signal }),
  });
  dispose([result.state.optimizer.firstMoment, result.state.optimizer.secondMoment]);
  return result;
}

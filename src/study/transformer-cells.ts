import { type DemoConversation, logFromRecords, parseDemo } from '../data/index.js';
import { evaluationRows, needsAnchor, trainPope } from '../pope/index.js';
import { seededRandom } from '../random/index.js';
import { dispose, ownedScope } from '../tensor/index.js';
import type { PolicyPlan } from './policy-training.js';
import { demoFamily, demoLanguage, type Language } from './polis-language.js';
import { type DemoProblem, demoRecords, polisProblem } from './polis-log.js';
import { trueValue } from './polis-truth.js';
import { oncePerSeed, seedsOf } from './seeds.js';
import type { Cell, Json, StudyOptions } from './study.js';

/** A transformer trained by one method: what it gives, and what it does to its language. */
export interface TransformerRecord {
  readonly [key: string]: Json;
  readonly model: 'transformer';
  readonly plan: string;
  readonly seed: number;
  readonly utility: number;
  readonly kl: number;
  readonly classEntropy: number;
  readonly worstGroup: number;
  readonly distribution: number;
  /** Loss of statements that pre-training never saw, nats a token. */
  readonly textLoss: number;
}

const BUDGET = { imitate: 60, steps: 40, batch: 240, promptsPerBatch: 4, learningRate: 4e-3 } as const;

interface Start {
  readonly problem: DemoProblem;
  readonly language: Language;
  /** Fitted to the log: where every method begins. */
  readonly params: Language['params'];
}

/** Every method from one pre-trained transformer that imitates the log first; the first cell of a seed is that start. */
export function transformerCells(plans: readonly PolicyPlan[], options: StudyOptions): Cell<TransformerRecord>[] {
  const quick = options.size === 'quick';
  const startOf = oncePerSeed((seed) => makeStart(seed, options));
  const some = quick ? plans.slice(0, 1) : plans;
  return seedsOf(options).flatMap((seed) => [
    { key: `transformer, start, seed ${seed}`, run: async () => judged('start', seed, await startOf(seed), null) },
    ...some.map(
      (plan): Cell<TransformerRecord> => ({
        key: `transformer, ${plan.name}, seed ${seed}`,
        run: async () => trained(plan, seed, await startOf(seed), options),
      }),
    ),
  ]);
}

async function makeStart(seed: number, { read, size, signal }: StudyOptions): Promise<Start> {
  const all: readonly DemoConversation[] = parseDemo(JSON.parse(await read('package:polis-demo.json')));
  const quick = size === 'quick';
  const problem = polisProblem(
    quick ? all.slice(1, 3) : all,
    { slate: 5, skew: 3, heldOutShare: 0.4, namedGroup: Number.POSITIVE_INFINITY },
    seededRandom(seed),
  );
  const settings = {
    vocabSize: 320,
    nLayer: quick ? 1 : 2,
    nHead: 4,
    nEmbd: quick ? 16 : 48,
    steps: quick ? 5 : 250,
    holdOutEvery: 8,
  };
  const language = await demoLanguage(problem, settings, seed, () => undefined, signal);
  const { params } = await train(
    { name: 'start', objective: 'sft', diversity: 'none', tau: 0 },
    quick ? 3 : BUDGET.imitate,
    seed,
    { problem, language, params: language.params },
    signal,
  );
  return { problem, language, params };
}

async function train(
  plan: PolicyPlan,
  steps: number,
  seed: number,
  { problem, language, params }: Start,
  signal: AbortSignal | undefined,
) {
  const log = logFromRecords(demoRecords(problem.rounds.filter(({ heldOut }) => !heldOut)), {
    candidates: problem.candidates,
  });
  const result = await trainPope({
    ...demoFamily(language, problem),
    params,
    rows: evaluationRows(log, [{ name: 'agree', transform: 'identity', weight: 1 }]),
    heldOut: null,
    objective: plan.objective,
    diversity: plan.diversity,
    tau: plan.tau,
    steps,
    innerSteps: needsAnchor(plan.objective) ? 2 : 1,
    batch: BUDGET.batch,
    promptsPerBatch: BUDGET.promptsPerBatch,
    learningRate: BUDGET.learningRate,
    seed,
    ...(signal && { signal }),
  });
  dispose([result.state.optimizer.firstMoment, result.state.optimizer.secondMoment]);
  return result;
}

async function trained(
  plan: PolicyPlan,
  seed: number,
  start: Start,
  { size, signal }: StudyOptions,
): Promise<TransformerRecord> {
  const { params } = await train(plan, size === 'quick' ? 2 : BUDGET.steps, seed, start, signal);
  const record = await judged(plan.name, seed, start, params);
  dispose(params);
  return record;
}

async function judged(
  plan: string,
  seed: number,
  { problem, language, params }: Start,
  own: Language['params'] | null,
): Promise<TransformerRecord> {
  const used = own ?? params;
  const { family } = demoFamily(language, problem);
  const rows = ownedScope(() => family.bind(used).distribution!(problem.contexts.map(({ prompt }) => prompt)));
  const tables = await Promise.all(rows.map((row) => row.data()));
  dispose([...rows]);
  const of = new Map(
    problem.contexts.map((context, i) => {
      const row = Float64Array.from(tables[i]!);
      const total = Math.log(row.reduce((sum, l) => sum + Math.exp(l), 0));
      return [context, row.map((l) => Math.min(0, l - total))];
    }),
  );
  const truth = trueValue(
    problem.rounds.filter(({ heldOut }) => heldOut),
    (context) => of.get(context)!,
    0,
    'anchored',
  );
  return {
    model: 'transformer',
    plan,
    seed,
    utility: truth.utility,
    kl: -truth.diversity,
    classEntropy: truth.coverage,
    worstGroup: truth.worstGroupUtility,
    distribution: truth.distribution,
    textLoss: await language.textLoss(used),
  };
}

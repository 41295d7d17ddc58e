import { tensor } from '../backend/index.js';
import { logFromRecords } from '../data/index.js';
import { type CandidatesOf, finitePolicy, type PolicyFamily, promptKey } from '../ope/index.js';
import {
  type EvaluationRows,
  evaluationRows,
  needsAnchor,
  type Objective,
  type TrainableDiversity,
  trainPope,
} from '../pope/index.js';
import { dispose, type Tensor } from '../tensor/index.js';

/** A context of a finite problem: what may be said, and how the logger says it. */
export interface ChoiceContext {
  readonly prompt: string;
  readonly candidates: readonly { readonly text: string; readonly opinion: string }[];
  /** log pi0, one a candidate. */
  readonly logging: Float64Array;
}

/** Logits of the candidates of each context, by its number. */
type TableParams = Readonly<Record<string, Tensor>>;

/** What a policy is trained on: rounds to learn from, and others to choose by. Those that judge are not here. */
export interface PolicyData {
  readonly contexts: readonly ChoiceContext[];
  readonly train: EvaluationRows;
  readonly valid: EvaluationRows;
}

export interface PolicyPlan {
  readonly name: string;
  readonly objective: Objective;
  readonly diversity: TrainableDiversity;
  readonly tau: number;
}

export interface TrainedTable {
  /** log pi(y|x) of every context, one a candidate; each sums to 1. */
  readonly logProbs: readonly Float64Array[];
  /** On the validation rounds: what the log says of it. */
  readonly utility: number | null;
  readonly kl: number | null;
  readonly alarms: readonly string[];
}

/** Rows of records with signal `agree`, over the candidates of the contexts. */
export function rowsOf(records: readonly unknown[], contexts: readonly ChoiceContext[]): EvaluationRows {
  const candidates = new Map(contexts.map(({ prompt, candidates }) => [prompt, candidates]));
  return evaluationRows(logFromRecords(records, { candidates }), [{ name: 'agree', transform: 'identity', weight: 1 }]);
}

/** The softmax table over the candidates of each context. */
function tableFamily(contexts: readonly ChoiceContext[]): {
  family: PolicyFamily<TableParams>;
  candidatesOf: CandidatesOf;
} {
  const rowOf = new Map(contexts.map(({ prompt }, i) => [prompt, i]));
  const candidatesOf: CandidatesOf = (prompt) => contexts[rowOf.get(promptKey(prompt))!]!.candidates;
  return {
    candidatesOf,
    family: {
      bind: (params) =>
        finitePolicy(candidatesOf, (prompts) => prompts.map((prompt) => params[`x${rowOf.get(promptKey(prompt))!}`]!)),
    },
  };
}

/** The budget of every method alike. */
const BUDGET = { steps: 120, innerSteps: 2, batch: 200 } as const;
/** Learning rates that are tried for every method alike; the validation rounds choose. */
export const LEARNING_RATES = [0.03, 0.1, 0.3] as const;

/**
 * Trains a table from the logging policy on, once for each learning rate, and keeps the one that the validation rounds
 * say is best by utility - `price` KL, the same for all methods.
 */
export async function trainTable(
  plan: PolicyPlan,
  data: PolicyData,
  seed: number,
  price: number,
  signal?: AbortSignal,
): Promise<TrainedTable> {
  const { family, candidatesOf } = tableFamily(data.contexts);
  let best: { readonly score: number; readonly table: TrainedTable } | undefined;
  for (const learningRate of LEARNING_RATES) {
    const params: TableParams = Object.fromEntries(
      data.contexts.map(({ logging }, i) => [`x${i}`, tensor(Float64Array.from(logging), { dtype: 'float64' })]),
    );
    const result = await trainPope({
      family,
      params,
      rows: data.train,
      heldOut: data.valid,
      objective: plan.objective,
      diversity: plan.diversity,
      tau: plan.tau,
      ...BUDGET,
      innerSteps: needsAnchor(plan.objective) ? BUDGET.innerSteps : 1,
      learningRate,
      candidatesOf,
      seed,
      logEvery: BUDGET.steps,
      ...(signal && { signal }),
    });
    const { utility = null, kl = null } = result.figures ?? {};
    // what the log cannot tell is no reason to choose it
    const score = utility === null || kl === null ? Number.NEGATIVE_INFINITY : utility - price * kl;
    if (best === undefined || score > best.score) {
      const logProbs = data.contexts.map((_, i) => normalised(result.params[`x${i}`]!.dataSync()));
      const alarms = result.records.at(-1)?.alarms?.map(({ code }) => code) ?? [];
      best = { score, table: { logProbs, utility, kl, alarms } };
    }
    dispose([result.params, result.state.optimizer.firstMoment, result.state.optimizer.secondMoment, params]);
  }
  return best!.table;
}

function normalised(logits: ArrayLike<number>): Float64Array {
  const row = Float64Array.from(logits);
  const top = row.reduce((most, l) => Math.max(most, l), Number.NEGATIVE_INFINITY);
  const total = Math.log(row.reduce((sum, l) => sum + Math.exp(l - top), 0)) + top;
  return row.map((l) => Math.min(0, l - total));
}

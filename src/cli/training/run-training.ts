import type { Candidates } from '../../data/index.js';
import type { GptParams } from '../../nn/index.js';
import { type PolicyFamily, promptKey } from '../../ope/index.js';
import { type EvaluationRows, needsAnchor, type TrainOptions, type TrainResult, trainPope } from '../../pope/index.js';
import type { LanguageModel } from '../language-model.js';
import type { Progress } from '../progress.js';
import type { TrainSettings } from './settings.js';
import type { Phase, PhaseRecord, SavedRun } from './training-folder.js';

export interface RunInput {
  readonly settings: TrainSettings;
  readonly model: LanguageModel;
  readonly family: PolicyFamily<GptParams>;
  readonly candidates: Candidates | undefined;
  readonly rows: EvaluationRows;
  readonly heldOut: EvaluationRows | null;
  readonly textLoss: ((params: GptParams) => Promise<number>) | undefined;
  /** The run to go on with. */
  readonly saved: SavedRun | undefined;
  readonly signal: AbortSignal;
  readonly progress: Progress;
}

export interface FinishedRun extends SavedRun {
  readonly stopped: TrainResult<GptParams>['stopped'];
}

/** Imitation of the log where the settings have it, then the objective; or what is left of both. */
export async function runTraining(input: RunInput): Promise<FinishedRun> {
  const { settings, saved, progress } = input;
  const records: PhaseRecord[] = [...(saved?.records ?? [])];
  let params = input.model.params;
  let phase: Phase = saved?.phase ?? (settings.imitate > 0 ? 'imitate' : 'train');
  let resume = saved?.state;
  let start: TrainResult<GptParams>['figures'] = null;
  for (;;) {
    const name = phase;
    const steps = name === 'imitate' ? settings.imitate : settings.steps;
    progress.start(name === 'imitate' ? 'imitating the log' : `training (${settings.objective})`, steps);
    const result: TrainResult<GptParams> = await trainPope({
      ...phaseOptions(input, name),
      params,
      steps,
      ...(resume && { resume }),
      ...(start && { start }),
      signal: input.signal,
      onStep: (record) => {
        records.push({ phase: name, ...record });
        progress.at(record.step);
      },
    });
    progress.stop();
    const { state, stopped } = result;
    if (name === 'train' || stopped.reason !== 'done') {
      return { model: { ...input.model, params: result.params }, phase: name, state, settings, records, stopped };
    }
    [params, phase, resume, start] = [result.params, 'train', undefined, result.figures];
  }
}

type PhaseOptions = Omit<TrainOptions<GptParams>, 'params' | 'steps'>;

function phaseOptions(
  { settings: s, family, candidates, rows, heldOut, textLoss }: RunInput,
  phase: Phase,
): PhaseOptions {
  const shared = {
    family,
    rows,
    heldOut,
    diversity: s.diversity,
    tau: s.tau,
    batch: s.batch,
    ...(s.prompts_per_batch !== null && { promptsPerBatch: s.prompts_per_batch }),
    learningRate: s.learning_rate,
    seed: s.seed,
    logEvery: s.log_every,
    ...(textLoss && { textLoss }),
  };
  if (phase === 'imitate') return { ...shared, objective: 'sft', innerSteps: 1 };
  return {
    ...shared,
    objective: s.objective,
    innerSteps: needsAnchor(s.objective) ? 2 : 1,
    beta: s.beta,
    rewardFloor: s.reward_floor,
    ...(s.clip !== null && { clip: s.clip }),
    ...(s.kl !== null && { kl: s.kl }),
    ...(candidates && { candidatesOf: (prompt) => candidates.get(promptKey(prompt)) ?? [] }),
  };
}

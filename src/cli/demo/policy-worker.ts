import { parentPort, workerData } from 'node:worker_threads';
import type { HeldOutFigures, StepRecord, TrainResult } from '../../pope/index.js';
import { demoFamily, languageParts } from '../../study/polis-language.js';
import { type PackedParams, packParams, unpackParams } from './packed-params.js';
import { demoSetting, languageSettings } from './setting.js';
import { type PolicyPlan, trainPlan } from './train-policies.js';

/** What the main thread sends along. The log and the tokenizer are made anew: they are the same for the same seed. */
export interface WorkerInput {
  readonly seed: number;
  readonly plan: PolicyPlan;
  readonly start: PackedParams;
  readonly startFigures: HeldOutFigures | undefined;
}

/** What a worker says: that a step is done, or all of it. */
export type WorkerMessage =
  | { readonly step: number }
  | {
      readonly params: PackedParams;
      readonly records: readonly StepRecord[];
      readonly stopped: TrainResult<never>['stopped'];
    };

const { seed, plan, start, startFigures } = workerData as WorkerInput;
const say = (message: WorkerMessage): void => parentPort!.postMessage(message);
const setting = await demoSetting(seed);
const language = languageParts(setting.problem, languageSettings);
const { params, records, stopped } = await trainPlan(plan, {
  setting,
  ...demoFamily(language, setting.problem),
  textLoss: language.textLoss,
  start: unpackParams(language.config, start),
  startFigures,
  seed,
  onStep: (step) => say({ step }),
});
say({ params: packParams(params), records, stopped });

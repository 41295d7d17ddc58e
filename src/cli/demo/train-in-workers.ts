import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import type { GptConfig, GptParams } from '../../nn/index.js';
import type { HeldOutFigures, StepRecord, TrainResult } from '../../pope/index.js';
import { PopeError } from '../../util/index.js';
import { packParams, unpackParams } from './packed-params.js';
import type { WorkerInput, WorkerMessage } from './policy-worker.js';
import type { PolicyPlan } from './train-policies.js';

export interface WorkersOptions {
  readonly seed: number;
  readonly config: GptConfig;
  readonly start: GptParams;
  readonly startFigures: HeldOutFigures | undefined;
  readonly signal: AbortSignal;
  readonly onStep: (plan: PolicyPlan, step: number) => void;
}

export interface WorkerResult {
  readonly params: GptParams;
  readonly records: readonly StepRecord[];
  readonly stopped: TrainResult<GptParams>['stopped'];
}

/** The worker's script: beside the built main script; absent where the sources run unbuilt. */
const script = fileURLToPath(new URL('./demo-worker.js', import.meta.url));

/** Workers that may train side by side here; 1 means that none should be started. */
export const workerCount = (): number => (existsSync(script) ? Math.min(4, availableParallelism()) : 1);

/** Trains plans side by side, each in a thread of its own. The numbers are those of training them one by one. */
export async function trainInWorkers(plans: readonly PolicyPlan[], options: WorkersOptions): Promise<WorkerResult[]> {
  const results = new Array<WorkerResult>(plans.length);
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < plans.length) {
      const index = next++;
      results[index] = await trainInWorker(plans[index], options);
    }
  };
  await Promise.all(Array.from({ length: workerCount() }, lane));
  return results;
}

function trainInWorker(plan: PolicyPlan, options: WorkersOptions): Promise<WorkerResult> {
  const input: WorkerInput = {
    seed: options.seed,
    plan,
    start: packParams(options.start),
    startFigures: options.startFigures,
  };
  return new Promise((resolve, reject) => {
    const interrupted = new PopeError('the demo was interrupted; nothing was written.', { code: 'aborted' });
    if (options.signal.aborted) return reject(interrupted);
    const worker = new Worker(script, { workerData: input });
    const abort = (): void => {
      reject(interrupted);
      void worker.terminate();
    };
    options.signal.addEventListener('abort', abort);
    worker.on('message', (message: WorkerMessage) => {
      if ('step' in message) options.onStep(plan, message.step);
      else resolve({ ...message, params: unpackParams(options.config, message.params) });
    });
    worker.on('error', reject);
    worker.on('exit', (code) => {
      options.signal.removeEventListener('abort', abort);
      // settles nothing where the result came before
      reject(
        new PopeError(`the training of ${plan.name} ended without a result (exit code ${code}).`, { code: 'failed' }),
      );
    });
  });
}

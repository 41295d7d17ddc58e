import { formatNumber } from '../../report/index.js';
import { demoFamily, type Language } from '../../study/polis-language.js';
import { PopeError } from '../../util/index.js';
import type { Progress } from '../progress.js';
import type { DemoSetting } from './setting.js';
import { trainInWorkers, type WorkerResult, workerCount } from './train-in-workers.js';
import { type PolicyPlan, stepsOf, type TrainedPolicy, trainPlan } from './train-policies.js';

export interface TrainAllOptions {
  readonly setting: DemoSetting;
  readonly language: Language;
  readonly seed: number;
  readonly signal: AbortSignal;
  readonly progress: Progress;
  readonly say: (text: string) => void;
}

/**
 * Trains all plans: the first, the fit of the log, from the pre-trained model, and the others from there: side by side
 * in threads where there are several cores, else one by one, with the same numbers.
 */
export async function trainPolicies(plans: readonly PolicyPlan[], options: TrainAllOptions): Promise<TrainedPolicy[]> {
  const { setting, language, seed, signal, progress } = options;
  const common = { setting, ...demoFamily(language, setting.problem), textLoss: language.textLoss, seed, signal };
  const [first, ...others] = plans;
  progress.start(first.name, stepsOf(first));
  const fit = await trainPlan(first, { ...common, start: language.params, onStep: progress.at });
  progress.stop();
  const done = [accept(first, fit, options)];
  const startFigures = fit.figures ?? undefined;

  if (workerCount() > 1) {
    const steps = new Map<PolicyPlan, number>();
    progress.start(
      'training',
      others.reduce((sum, plan) => sum + stepsOf(plan), 0),
    );
    const onStep = (plan: PolicyPlan, step: number): void => {
      steps.set(plan, step);
      progress.at([...steps.values()].reduce((sum, s) => sum + s, 0));
    };
    const results = await trainInWorkers(others, {
      seed,
      config: language.config,
      start: fit.params,
      startFigures,
      signal,
      onStep,
    });
    progress.stop();
    results.forEach((result, i) => void done.push(accept(others[i], result, options)));
    return done;
  }
  for (const plan of others) {
    progress.start(plan.name, stepsOf(plan));
    const result = await trainPlan(plan, { ...common, start: fit.params, startFigures, onStep: progress.at });
    progress.stop();
    done.push(accept(plan, result, options));
  }
  return done;
}

/** Says what came out, or stops the demo where training did. */
function accept(plan: PolicyPlan, { params, records, stopped }: WorkerResult, { say }: TrainAllOptions): TrainedPolicy {
  if (stopped.reason === 'aborted')
    throw new PopeError('the demo was interrupted; nothing was written.', { code: 'aborted' });
  if (stopped.reason === 'diverged') throw new PopeError(stopped.message, { code: 'diverged' });
  const last = records.at(-1);
  say(
    `   ${plan.name}: ${plan.sentence}; held-out agreement ${formatNumber(last?.held_out?.utility ?? null)}, KL to the log ${formatNumber(last?.held_out?.kl ?? null)} nats.`,
  );
  for (const alarm of last?.alarms ?? []) say(`   alarm (${alarm.code}): ${alarm.message}`);
  return { plan, params, records };
}

import { readLog } from '../../data/node.js';
import type { Log } from '../../ope/index.js';
import {
  type EvaluationResult,
  estimateExamination,
  evaluate,
  type ScoredPolicy,
  utilityReward,
} from '../../pope/index.js';
import { binWeights, type WeightBins } from '../../report/index.js';
import { readTargets } from '../read-targets.js';
import { signalsOf } from '../signal-option.js';
import { type EvaluateCommandOptions, type Evaluated, type Reading, sharedOptions, unfitted } from './settings.js';

/** Reads the whole log, then evaluates it. */
export async function evaluateWhole(
  paths: readonly string[],
  options: EvaluateCommandOptions,
  { candidates, progress }: Reading,
): Promise<Evaluated> {
  let hash = '';
  const read = await readLog(paths, { onError: options.onError, candidates, onHash: (sha256) => void (hash = sha256) });
  if (read.logPropensity === null) throw unfitted(paths);
  const signals = signalsOf(read, options.signal);
  const { log, scored } = await readTargets(read, options.target ?? [], { candidates, progress });
  const { positionBias } = options;
  const examination = positionBias === 'fit' ? estimateExamination(log, utilityReward(log, signals)) : positionBias;
  const evaluated = evaluate(log, {
    ...sharedOptions(options, signals),
    resamples: options.resamples,
    targets: scored,
    tune: options.tune === true,
    biasCorrected: options.biasCorrected === true,
    ...(options.rewardRange && { rewardRange: options.rewardRange }),
    ...(examination && { examination }),
  });
  return { evaluated, weights: (result) => weightsOf(log, result, scored), hash };
}

/** Histograms of the raw weights, for the report; none where a weight leaves float64. */
function weightsOf(
  log: Log,
  result: EvaluationResult,
  scored: Readonly<Record<string, ScoredPolicy>>,
): Record<string, WeightBins> {
  const bins: Record<string, WeightBins> = {};
  for (const name of Object.keys(result.targets)) {
    const logProb = scored[name]?.logProb ?? log.targetLogProb.get(name);
    const weights = logProb?.map((p, j) => Math.exp(p - log.logPropensity![j]));
    if (weights?.every((rho) => Number.isFinite(rho))) bins[name] = binWeights(weights);
  }
  return bins;
}

import { leavesOf, type Tree } from '../tensor/index.js';
import { assertFinite, assertInteger, assertOneOf, assertRange, invalid, PopeError } from '../util/index.js';
import type { EvaluationRows } from './evaluation-rows.js';
import { noPropensity, objectives, trainableDiversities } from './objective.js';
import type { TrainOptions } from './train-options.js';

/** @throws PopeError where an option is outside of its domain, or the rows lack what the objective or a guard needs. */
export function checkTraining<P extends Tree>(options: TrainOptions<P>): void {
  const { objective, diversity, rows, heldOut, resume, kl } = options;
  assertOneOf('objective', objective, objectives);
  assertOneOf('diversity', diversity, trainableDiversities);
  assertRange('tau', options.tau, 0, 1e6);
  assertInteger('steps', options.steps, 1);
  assertInteger('batch', options.batch, 1);
  assertInteger('promptsPerBatch', options.promptsPerBatch ?? 1, 1);
  assertInteger('innerSteps', options.innerSteps ?? 2, 1);
  assertInteger('logEvery', options.logEvery ?? 10, 1);
  if (!(options.learningRate > 0 && options.learningRate < 1e3)) {
    throw invalid('learningRate', options.learningRate, 'a number above 0 and below 1000');
  }
  if (options.clip !== undefined && !(options.clip > 0)) throw invalid('clip', options.clip, 'a number above 0');
  if (options.beta !== undefined && !(options.beta > 0 && options.beta < Infinity)) {
    throw invalid('beta', options.beta, 'a finite number above 0');
  }
  assertFinite('rewardFloor', options.rewardFloor ?? 0);
  if (leavesOf(options.params).length === 0) {
    throw new PopeError('params holds no tensor; expected the parameters to train.', { argument: 'params' });
  }
  if (resume !== undefined) assertInteger('resume.step', resume.step, 0, options.steps);
  if (objective === 'diversity' && diversity === 'none') {
    throw invalid('diversity', diversity, 'a diversity to raise, for objective "diversity"');
  }
  if (objective !== 'sft' && rows.logPropensity.some(Number.isNaN)) throw noPropensity(objective);
  if (kl !== undefined) {
    if (!(kl >= 0)) throw invalid('kl', kl, 'a number of at least 0, in nats');
    if (heldOut === null || heldOut.logPropensity.some(Number.isNaN)) {
      throw new PopeError(
        'kl is given, but there are no held-out rounds with propensities to estimate it on; expected both or neither.',
        {
          argument: 'kl',
        },
      );
    }
  }
  checkRewards(options, rows);
}

/** T7 and T8 hold for rewards of at least 0. */
function checkRewards(
  { objective, rewardFloor = 0 }: Pick<TrainOptions<Tree>, 'objective' | 'rewardFloor'>,
  rows: EvaluationRows,
): void {
  if (objective !== 'pope' && objective !== 'utility' && objective !== 'reward-weighted') return;
  const lowest = rows.utility.reduce((least, u) => Math.min(least, u), Infinity);
  if (lowest >= rewardFloor) return;
  throw invalid(
    'rewardFloor',
    rewardFloor,
    `at most the smallest utility, ${lowest}`,
    'The lower bound (T7) holds for rewards that are at least 0 after the floor is taken off.',
  );
}

import { describe, expect, test } from 'vitest';
import { createJsBackend, tensor } from '../../src/backend/index.js';
import {
  additiveBaseline,
  betaStar,
  candidateClassLogProb,
  cascadeDoublyRobust,
  type Estimator,
  type EstimatorInput,
  estimate,
  exactClassLogProb,
  exponentialWeight,
  finitePolicy,
  geometricMeanWeight,
  jointSnips,
  logSmoothing,
  paretoSmoothedIps,
  prefixIps,
  prefixSnips,
  selfNormalizedDoublyRobust,
  slotSnips,
  snips,
  softmaxLinearPolicy,
  switchDoublyRobust,
  weightedIps,
} from '../../src/ope/index.js';
import type { Tensor } from '../../src/tensor/index.js';
import { inputOf } from '../arbitraries/sample-log.js';
import { changeWitness } from '../properties/estimator-oracles.js';
import { expectAllClose, expectClose } from '../theorems/close.js';

/** Not the default one: two backends do not mix, so that a tensor made on the default one would be refused. */
const backend = createJsBackend();
const moved = (x: Tensor): Tensor => tensor(x.dataSync(), { backend, shape: x.shape });
const column = (...values: number[]): Tensor => tensor(Float64Array.from(values), { backend });

describe('a log may live on another backend than the default one', () => {
  const log = inputOf(changeWitness);
  const there = Object.fromEntries(
    Object.entries(log).map(([name, value]) => [name, typeof value === 'number' ? value : moved(value)]),
  ) as unknown as EstimatorInput;
  const folds = { foldOf: Int32Array.from({ length: log.rounds }, (_, i) => i % 2), folds: 2 };
  const estimators: Readonly<Record<string, () => Estimator>> = {
    snips: () => snips,
    additiveBaseline: () => additiveBaseline(0.5),
    betaStar: () => betaStar(folds),
    jointSnips: () => jointSnips,
    slotSnips: () => slotSnips,
    prefixIps: () => prefixIps,
    prefixSnips: () => prefixSnips,
    paretoSmoothedIps: () => paretoSmoothedIps,
    logSmoothing: () => logSmoothing(0.5),
    'ips, weights flattened': () => weightedIps(exponentialWeight(0)),
    'ips, geometric mean of tokens': () => weightedIps(geometricMeanWeight(3)),
    selfNormalizedDoublyRobust: () => selfNormalizedDoublyRobust,
    switchDoublyRobust: () => switchDoublyRobust(1.5),
  };
  test.each(Object.keys(estimators))('%s', (name) => {
    const use = estimators[name]();
    expectClose(estimate(use, there).item(), estimate(use, log).item());
  });
  test('cascade doubly robust, with its expectations there too', () => {
    const expected = log.predictedReward!;
    expectClose(
      estimate(cascadeDoublyRobust(moved(expected)), there).item(),
      estimate(cascadeDoublyRobust(expected), log).item(),
    );
  });
});

describe('so may a policy', () => {
  const opinions = ['p', 'q', 'p'];
  const candidates = opinions.map((opinion, k) => ({ text: `y${k}`, opinion }));
  test('over candidates, its classes included', () => {
    const policy = finitePolicy(
      () => candidates,
      (prompts) => prompts.map(() => column(0, Math.log(2), 0)),
    );
    expectAllClose(policy.logProb(['x', 'x'], ['y1', 'y2']).dataSync(), [Math.log(0.5), Math.log(0.25)]);
    const classes = exactClassLogProb(policy, () => candidates, ['x', 'z'], ['p', 'q']);
    expectAllClose(classes.dataSync(), [Math.log(0.5), Math.log(0.5)]);
    expectAllClose(
      candidateClassLogProb(column(Math.log(0.25), Math.log(0.5), Math.log(0.25)), opinions).dataSync(),
      [0.5, 0.5, 0.5].map(Math.log),
    );
  });
  test('with linear scores', () => {
    const linear = softmaxLinearPolicy(
      () => candidates,
      (_, text) => [Number(text.slice(1))],
    ).bind({ weight: column(Math.log(2)) });
    const found = linear.logProb(['x'], ['y1']);
    expect(found.device).toBe(backend);
    expectClose(found.item(), Math.log(2 / 7));
  });
});

import { fc, test } from '@fast-check/vitest';
import { expect } from 'vitest';
import { grad, stopGradient } from '../../src/autograd/index.js';
import { tensor } from '../../src/backend/index.js';
import { type EstimatorInput, estimate, ips, snips, tabularPolicy } from '../../src/ope/index.js';
import { add, mul, sub } from '../../src/ops/index.js';
import { policyGradient, surprisalReward } from '../../src/pope/index.js';
import { scope, type Tensor } from '../../src/tensor/index.js';
import { anySlate, finiteProblem } from '../arbitraries/finite-problem.js';
import { type SampleRound, sampleLogs } from '../arbitraries/sample-log.js';
import { expectAllClose, expectClose } from './close.js';
import { boundInputOf, logitsOf, tableOf, valueGradient } from './enumerate.js';

const taus = fc.constantFrom(0, 0.25, 1, 3);
const betas = fc.integer({ min: -12, max: 12 }).map((q) => q / 4);
const texts = ['a', 'b', 'c'];
const family = tabularPolicy(['x'], texts);
const logitsArbitrary = fc.array(
  fc.integer({ min: -8, max: 8 }).map((q) => q / 4),
  { minLength: 3, maxLength: 3 },
);

/** A log whose responses are some of three texts; the log-ratio of the sample serves as a propensity. */
function readSample(log: readonly SampleRound[]) {
  const rows = log.flatMap((round, i) =>
    round.responses.map((r, j) => ({ ...r, i, text: texts[(i + 2 * j + (r.reward > 0 ? 1 : 0)) % 3] })),
  );
  const column = (f: (r: (typeof rows)[number]) => number) => tensor(Float64Array.from(rows, f));
  return {
    texts: rows.map((r) => r.text),
    logPropensity: column((r) => -Math.abs(r.logRatio)),
    utility: column((r) => r.reward),
    slateWeight: column((r) => r.slateWeight),
    roundOf: tensor(Int32Array.from(rows, (r) => r.i)),
    rounds: log.length,
  };
}
type Sample = ReturnType<typeof readSample>;

const logProbOf = (sample: Sample, logits: Tensor): Tensor =>
  family.bind({ logits }).logProb(
    sample.texts.map(() => 'x'),
    sample.texts,
  );

/** E2 of the value, u - tau log pi with the surprisal differentiated as well. */
function estimatorInput(sample: Sample, logProb: Tensor, tau: number): EstimatorInput {
  return {
    rounds: sample.rounds,
    logRatio: sub(logProb, sample.logPropensity),
    reward: add(sample.utility, mul(surprisalReward(logProb), tau)),
    slateWeight: sample.slateWeight,
    roundOf: sample.roundOf,
  };
}

const gradientOf = (f: (logits: Tensor) => Tensor, logits: Tensor): number[] =>
  scope(() => [...grad(f)(logits).dataSync()]);

const samples = fc.tuple(sampleLogs({ zeros: false }), logitsArbitrary, taus);

test.prop([samples])('T10: at beta = 0 it is the derivative of decomposed IPS', ([log, row, tau]) => {
  const sample = readSample(log);
  const logits = tensor(Float64Array.from(row), { shape: [1, 3] });
  const formula = gradientOf((l) => policyGradient({ ...sample, logProb: logProbOf(sample, l) }, tau), logits);
  const derivative = gradientOf((l) => estimate(ips, estimatorInput(sample, logProbOf(sample, l), tau)), logits);
  expectAllClose(formula, derivative, 100);
});

test.prop([samples])(
  'T10: at beta = V_snips it is the derivative of SNIPS, times the mean weight',
  ([log, row, tau]) => {
    const sample = readSample(log);
    const logits = tensor(Float64Array.from(row), { shape: [1, 3] });
    const at = estimatorInput(sample, logProbOf(sample, logits), tau);
    const baseline = estimate(snips, at).item();
    const meanWeight = estimate(ips, { ...at, reward: tensor(new Float64Array(at.reward.size).fill(1)) }).item();
    const formula = gradientOf(
      (l) => policyGradient({ ...sample, logProb: logProbOf(sample, l) }, tau, { baseline }),
      logits,
    );
    const derivative = gradientOf((l) => estimate(snips, estimatorInput(sample, logProbOf(sample, l), tau)), logits);
    expectAllClose(
      formula.map((g) => g / meanWeight),
      derivative,
      100,
    );
  },
);

// #region T10
test.prop([finiteProblem({ targetZeros: false }), taus, betas, anySlate(2)])(
  'T10: with full support it is unbiased for the gradient of V, for every baseline',
  (problem, tau, baseline, w) => {
    const expected = gradientOf(
      (logits) =>
        policyGradient(boundInputOf(problem, w, tableOf(problem).bind({ logits }), problem.target), tau, { baseline }),
      logitsOf(problem.target),
    );
    expectAllClose(expected, valueGradient(problem, problem.target, tau), 10);
  },
);
// #endregion T10

test.prop([finiteProblem({ support: 'deficient', targetZeros: false }), taus, betas])(
  'T10: with deficient support a baseline adds beta times the gradient of the lost mass',
  (problem, tau, baseline) => {
    const at = (beta: number) =>
      gradientOf(
        (logits) =>
          policyGradient(boundInputOf(problem, [1], tableOf(problem).bind({ logits }), problem.target), tau, {
            baseline: beta,
          }),
        logitsOf(problem.target),
      );
    const lost = { ...problem, reward: problem.logging.map((row) => row.map((p) => (p === 0 ? 1 : 0))) };
    const [with0, withBeta] = [at(0), at(baseline)];
    expectAllClose(
      withBeta.map((g, i) => g - with0[i]),
      valueGradient(lost, problem.target, 0).map((g) => baseline * g),
      10,
    );
  },
);

test('T10: witness: with deficient support a baseline pushes where there is nothing to gain', () => {
  const problem = { contextProb: [1], logging: [[1, 0]], target: [[0.5, 0.5]], reward: [[0, 0]] };
  const at = (baseline: number) =>
    gradientOf(
      (logits) =>
        policyGradient(boundInputOf(problem, [1], tableOf(problem).bind({ logits }), problem.target), 0, { baseline }),
      logitsOf(problem.target),
    );
  expectAllClose(at(0), [0, 0]);
  expectAllClose(at(1), [-0.25, 0.25]);
});

test('T10: clipping holds the weight at M', () => {
  const problem = { contextProb: [1], logging: [[0.1, 0.9]], target: [[0.5, 0.5]], reward: [[1, 0]] };
  const [clipped] = gradientOf(
    (logits) =>
      policyGradient(boundInputOf(problem, [1], tableOf(problem).bind({ logits }), problem.target), 0, { clip: 2 }),
    logitsOf(problem.target),
  );
  expectClose(clipped, 0.1 * 2 * 0.5);
});

test('T10: only log pi is differentiated', () => {
  const log: SampleRound[] = [
    { responses: [{ logRatio: 0.5, reward: 1, slateWeight: 1, predicted: 0 }], slateReward: 0, predictedValue: 0 },
  ];
  const sample = readSample(log);
  const logits = tensor(Float64Array.of(0.1, 0.2, 0.3), { shape: [1, 3] });
  const none = gradientOf((l) => policyGradient({ ...sample, logProb: stopGradient(logProbOf(sample, l)) }, 1), logits);
  expect(none).toEqual([0, 0, 0]);
});

import { fc } from '@fast-check/vitest';
import { tensor } from '../../src/backend/index.js';
import type { EstimatorInput } from '../../src/ope/index.js';

export interface SampleResponse {
  /** log rho; -Infinity is weight 0. */
  readonly logRatio: number;
  readonly reward: number;
  readonly slateWeight: number;
  readonly predicted: number;
}

/** A round as an estimator sees it. */
export interface SampleRound {
  readonly responses: readonly SampleResponse[];
  readonly slateReward: number;
  readonly predictedValue: number;
}

export interface SampleConstraints {
  readonly minRounds?: number;
  readonly maxRounds?: number;
  readonly maxSlate?: number;
  /** Are weights of 0 drawn, too? Default true. */
  readonly zeros?: boolean;
}

const quarter = (max: number) => fc.integer({ min: -4 * max, max: 4 * max }).map((q) => q / 4);

/** Logs of 1 to 8 rounds with slates of 1 to 3. */
export function sampleLogs({
  minRounds = 1,
  maxRounds = 8,
  maxSlate = 3,
  zeros = true,
}: SampleConstraints = {}): fc.Arbitrary<SampleRound[]> {
  const logRatio = fc.integer({ min: -16, max: 16 }).map((q) => q / 4);
  const response = fc.record({
    logRatio: zeros
      ? fc.oneof({ weight: 5, arbitrary: logRatio }, { weight: 1, arbitrary: fc.constant(-Infinity) })
      : logRatio,
    reward: quarter(3),
    slateWeight: fc.integer({ min: 1, max: 4 }),
    predicted: quarter(3),
  });
  const round = fc.record({
    responses: fc.array(response, { minLength: 1, maxLength: maxSlate }).map((slate) => {
      const total = slate.reduce((sum, r) => sum + r.slateWeight, 0);
      return slate.map((r) => ({ ...r, slateWeight: r.slateWeight / total }));
    }),
    slateReward: quarter(3),
    predictedValue: quarter(3),
  });
  return fc.array(round, { minLength: minRounds, maxLength: maxRounds });
}

/** The columns of a log as tensors. */
export function inputOf(log: readonly SampleRound[]): EstimatorInput {
  const responses = log.flatMap((round) => round.responses);
  const column = (f: (r: SampleResponse) => number) => tensor(Float64Array.from(responses, f));
  return {
    rounds: log.length,
    logRatio: column((r) => r.logRatio),
    reward: column((r) => r.reward),
    slateWeight: column((r) => r.slateWeight),
    roundOf: tensor(Int32Array.from(log.flatMap((round, i) => round.responses.map(() => i)))),
    slateReward: tensor(Float64Array.from(log, (round) => round.slateReward)),
    predictedReward: column((r) => r.predicted),
    predictedValue: tensor(Float64Array.from(log, (round) => round.predictedValue)),
  };
}

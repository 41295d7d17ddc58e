import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { grad } from '../../src/autograd/index.js';
import { tensor } from '../../src/backend/index.js';
import { logFromRecords } from '../../src/data/index.js';
import { sum } from '../../src/ops/index.js';
import { requireOpinions } from '../../src/pope/class-probability.js';
import { slateEntropyReward } from '../../src/pope/diversity.js';
import {
  alarms,
  classProbabilities,
  decompositionGap,
  evaluationRows,
  type HeldOutFigures,
  type Signal,
  utilityReward,
  varianceLowerBound,
  weightMoments,
} from '../../src/pope/index.js';
import type { Tensor } from '../../src/tensor/index.js';
import { PopeError } from '../../src/util/index.js';
import { expectClose } from '../theorems/close.js';

const errorOf = (run: () => unknown): PopeError => {
  try {
    run();
  } catch (error) {
    if (error instanceof PopeError) return error;
    throw error;
  }
  return expect.fail('nothing was thrown');
};
const up = (transform: Signal['transform'] = 'identity'): Signal[] => [{ name: 'up', transform, weight: 1 }];
const logOf = (slates: readonly (readonly number[])[], more: Record<string, unknown> = {}) =>
  logFromRecords(
    slates.map((slate, i) => ({
      id: `r${i}`,
      prompt: 'x',
      ...more,
      responses: slate.map((f, j) => ({ text: `y${j}`, propensity: 0.5, feedback: { up: f } })),
    })),
  );

describe('alarms, each figure at its limit and each one missing', () => {
  const start: HeldOutFigures = {
    utility: 1,
    utilityError: 0.1,
    diversity: 2,
    effectiveSampleSize: 80,
    responses: 100,
    meanWeight: 1,
    kl: 0,
    textLoss: 2,
  };
  const between = (before: Partial<HeldOutFigures>, now: Partial<HeldOutFigures>) =>
    alarms({ ...start, ...before }, { ...start, ...now }).map(({ code }) => code);
  const messageOf = (now: Partial<HeldOutFigures>) => alarms(start, { ...start, ...now })[0].message;

  test('weights: the mean weight may be from 0.5 to 2, and what is unknown is no alarm', () => {
    for (const meanWeight of [0.5, 2, null]) expect(between({}, { meanWeight })).toEqual([]);
    for (const meanWeight of [0.49, 2.01]) expect(between({}, { meanWeight })).toEqual(['weights']);
    expect(between({}, { effectiveSampleSize: null })).toEqual([]);
  });

  test('diversity_hacking: more than two standard errors, and more diversity', () => {
    // 2 hypot(3, 4) = 10 on the dot
    const before = { utility: 10, utilityError: 3 };
    expect(between(before, { utility: 0, utilityError: 4, diversity: 3 })).toEqual([]);
    expect(between(before, { utility: -0.01, utilityError: 4, diversity: 3 })).toEqual(['diversity_hacking']);
    expect(between({}, { utility: -9, diversity: 2 })).toEqual([]);
    // without errors any fall counts, and no fall does not
    const exact = { utilityError: null };
    expect(between(exact, { ...exact, utility: 0.99, diversity: 3 })).toEqual(['diversity_hacking']);
    expect(between(exact, { ...exact, utility: 1, diversity: 3 })).toEqual([]);
  });

  test('diversity_hacking: nothing is said where one of its four figures is unknown', () => {
    // each would count as 0, and raise the alarm
    expect(between({ utility: null }, { utility: -9, diversity: 3 })).toEqual([]);
    expect(between({ utility: 9 }, { utility: null, diversity: 3 })).toEqual([]);
    expect(between({ diversity: null }, { utility: -9 })).toEqual([]);
    expect(between({ diversity: -1 }, { utility: -9, diversity: null })).toEqual([]);
  });

  test('general_ability: a rise above 10 %, from a loss that is known', () => {
    expect(between({}, { textLoss: 2 * 1.1 })).toEqual([]);
    expect(between({ textLoss: null }, { textLoss: 9 })).toEqual([]);
    expect(between({ textLoss: -1 }, { textLoss: null })).toEqual([]);
  });

  test('the messages carry the figures', () => {
    expect(messageOf({ effectiveSampleSize: 4 })).toMatch(/is 4\.0 % of 100 responses, below 10 %:/);
    expect(messageOf({ meanWeight: 3 })).toMatch(/is 3\.00, far from 1/);
    expect(messageOf({ utility: -9, diversity: 2.5 })).toMatch(/rose by 0\.500 while utility fell by 10\.0,/);
    expect(messageOf({ textLoss: 3 })).toMatch(/from 2\.000 to 3\.000 nats a token, more than 10 %/);
  });
});

describe('T4: the variance at its edges', () => {
  test.prop([fc.integer({ min: -600, max: -300 }), fc.integer({ min: 200, max: 350 })])(
    'T4: a draw of probability 0 counts nothing, however large its weight beside the others',
    (small, large) => {
      const [logRatio, reward] = [
        [small, small + 1],
        [1, -2],
      ];
      const plain = varianceLowerBound(logRatio, reward, [0.25, 0.75]);
      expect(varianceLowerBound([...logRatio, large], [...reward, 1], [0.25, 0.75, 0])).toEqual(plain);
      expect(plain.kl).toBeGreaterThan(0);
    },
  );
  test('T4: a weight times reward whose square leaves float64 is refused by row', () => {
    expectClose(varianceLowerBound([353.9], [1]).z, Math.exp(353.9));
    const error = errorOf(() => varianceLowerBound([0, 354], [1, 1]));
    expect(error.message).toMatch(/row 1 is exp\(354\)/);
    expect(error).toMatchObject({ argument: 'logRatio' });
  });
});

describe('T6: moments and the gap', () => {
  test('T6: the moments by hand, signs included', () => {
    // rho = 0.5, 1.5
    expect(weightMoments([0.5, 0.5], [0.25, 0.75], [-1, -2])).toEqual({ a: 1.25, b: -2.375, c: 4.625, v: -1.75 });
  });
  test('T6: a slate of one has nothing to decompose: the gap is 0, not almost 0', () => {
    const moments = weightMoments([0.5, 0.5], [0.25, 0.75], [-1, -2]);
    for (const w of [1, 1 - 5e-10, 1 + 5e-10]) expect(decompositionGap(moments, [w])).toBe(0);
    // a target that says nothing of what was logged: a = 0, and 0/0 lies near
    expect(decompositionGap(weightMoments([1, 0], [0, 1], [3, 4]), [1])).toBe(0);
    expect(() => decompositionGap(moments, [])).toThrow(/slateWeights/);
  });
});

describe('utility and rows at their edges', () => {
  test('D1: a slate without any success shares equally', () => {
    expect([...utilityReward(logOf([[0, 0, 0, 0], [0], [3, 1]]), up('share'))]).toEqual([
      0.25, 0.25, 0.25, 0.25, 1, 0.75, 0.25,
    ]);
  });
  test('D1: the refusal names the round of the response, wherever in the slate it stands', () => {
    expect(() => utilityReward(logOf([[-1]]), up('log1p'))).toThrow(/feedback.up of round r0 is -1/);
    const error = errorOf(() => utilityReward(logOf([[1], [1, 1, -2]]), up('share')));
    expect(error.message).toMatch(/feedback.up of round r1 is -2/);
    expect(error).toMatchObject({ argument: 'up', got: -2, expected: 'at least 0, the domain of share' });
    expect(errorOf(() => utilityReward(logOf([[1]]), []))).toMatchObject({ argument: 'signals' });
  });
  test('rounds without named clusters stand alone, and are not called clustered', () => {
    expect(evaluationRows(logOf([[1], [2]]), up())).toMatchObject({ clustered: false, units: 2 });
    expect(evaluationRows(logOf([[1], [2]], { cluster: 'u' }), up())).toMatchObject({ clustered: true, units: 1 });
  });
  test('a log without feedback names the argument to change', () => {
    const log = logOf([[1]]);
    const none = { ...log, feedback: new Map([['up', Float64Array.of(Number.NaN)]]) };
    expect(errorOf(() => evaluationRows(none, up()))).toMatchObject({ argument: 'signals' });
  });
});

describe('D3: opinions', () => {
  const log = logOf([[1], [2]]);
  test.each([
    ['the first', [undefined, 'a'], 'r0'],
    ['a later one', ['a', undefined], 'r1'],
  ])('D3: %s that lacks its class is refused, with its round', (_, opinions, round) => {
    const error = errorOf(() => requireOpinions({ ...log, opinions }));
    expect(error.message).toMatch(new RegExp(`round ${round} have no opinion`));
    expect(error).toMatchObject({ argument: 'opinion' });
    expect(() => classProbabilities({ ...log, opinions }, new Float64Array(2))).toThrow(/have no opinion/);
  });
  test('D3: a log without any is refused', () => {
    expect(() => requireOpinions({ ...log, opinions: null })).toThrow(/round r0 have no opinion/);
  });
});

test('D4: a slate to which the policy gives no mass has reward 0 and pulls at nothing', () => {
  const logProb = tensor(Float64Array.of(-Infinity, -Infinity, -1, -2));
  const [distinct, roundOf] = [tensor(Float64Array.of(1, 1, 1, 1)), tensor(Int32Array.of(0, 0, 1, 1))];
  const reward = (x: Tensor): Tensor => slateEntropyReward(x, distinct, roundOf, 2);
  const p = 1 / (1 + Math.exp(-1));
  const [none, entropy] = reward(logProb).dataSync();
  expect(none).toBe(0);
  expectClose(entropy, -p * Math.log(p) - (1 - p) * Math.log(1 - p));
  // dH/dl_1 = p (1 - p) log((1 - p) / p), and log((1 - p) / p) = l_2 - l_1 = -1
  const slope = [...grad((x: Tensor) => sum(reward(x)))(logProb).dataSync()];
  expect(slope.slice(0, 2)).toEqual([0, 0]);
  expectClose(slope[2], -p * (1 - p));
  expectClose(slope[3], p * (1 - p));
});

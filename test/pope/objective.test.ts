import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { grad } from '../../src/autograd/index.js';
import { tensor } from '../../src/backend/index.js';
import { logFromRecords } from '../../src/data/index.js';
import type { Candidate, Policy } from '../../src/ope/index.js';
import {
  type Batch,
  evaluationRows,
  type ObjectiveOptions,
  objectiveValue,
  type TrainableDiversity,
  wholeBatch,
} from '../../src/pope/index.js';
import type { Tensor } from '../../src/tensor/index.js';
import { PopeError } from '../../src/util/index.js';
import { expectAllClose, expectClose } from '../theorems/close.js';
import {
  classEntropyOf,
  entropyOf,
  enumeratedLog,
  family,
  klOf,
  opinions,
  pi0,
  prompts,
  responses,
  rowsOf,
  up,
  utilities,
  utilityOf,
} from './enumerated-log.js';

/** On this batch the mean over rounds is the expectation under pi0, so that every bound has its exact value. */
const batch = wholeBatch(rowsOf(enumeratedLog()));
const tau = 0.5;
const candidatesOf = (): Candidate[] => responses.map((text, y) => ({ text, opinion: opinions[y] }));
const options = (over: Partial<ObjectiveOptions>): ObjectiveOptions => ({
  objective: 'pope',
  diversity: 'none',
  tau,
  candidatesOf,
  ...over,
});
const softmax = (flat: readonly number[]): number[][] =>
  prompts.map((_, x) => {
    const row = flat.slice(3 * x, 3 * x + 3).map(Math.exp);
    return row.map((e) => e / row.reduce((a, b) => a + b, 0));
  });
const asTensor = (flat: readonly number[]) => tensor(Float64Array.from(flat), { shape: [2, 3] });
const valueAt = (flat: readonly number[], over: Partial<ObjectiveOptions>, on: Batch = batch): number =>
  objectiveValue(family.bind({ logits: asTensor(flat) }), on, null, options(over)).item();
const slopeAt = (flat: readonly number[], over: Partial<ObjectiveOptions>): number[] => [
  ...grad((logits: Tensor) => objectiveValue(family.bind({ logits }), batch, null, options(over)))(
    asTensor(flat),
  ).dataSync(),
];
/** Central differences of a number of the policy. */
const differences = (f: (pi: number[][]) => number, flat: readonly number[]): number[] =>
  flat.map((_, i) => {
    const at = (h: number) => f(softmax(flat.map((l, j) => (i === j ? l + h : l))));
    return (at(1e-5) - at(-1e-5)) / 2e-5;
  });
const table = fc.array(
  fc.integer({ min: -8, max: 8 }).map((q) => q / 4),
  { minLength: 6, maxLength: 6 },
);

/** tau times the diversity that each kind adds, in closed form. */
const added: Record<TrainableDiversity, (pi: number[][]) => number> = {
  none: () => 0,
  anchored: (pi) => -tau * klOf(pi),
  surprisal: (pi) => tau * entropyOf(pi),
  coverage: (pi) => tau * classEntropyOf(pi),
};
const kinds = Object.keys(added) as TrainableDiversity[];

describe.each(kinds)('with diversity %s', (diversity) => {
  const value = (pi: number[][]): number => utilityOf(pi) + added[diversity](pi);

  test.prop([table, fc.constantFrom(0, -1)])(
    'T8: the bound at its anchor is the value, with the gradient of the value, whatever the floor',
    (flat, rewardFloor) => {
      const over = { diversity, rewardFloor };
      expectClose(valueAt(flat, over), value(softmax(flat)));
      expectAllClose(slopeAt(flat, over), differences(value, flat), 1, 1e-7);
    },
  );
  test.prop([table])('T10: the policy gradient is the gradient of the same value', (flat) => {
    const over = { objective: 'policy-gradient', diversity } as const;
    expectAllClose(slopeAt(flat, over), differences(value, flat), 1, 1e-7);
  });
  if (diversity === 'none') return;
  test.prop([table])('objective diversity is the added part alone: no utility, and no floor of one', (flat) => {
    const over = { objective: 'diversity', diversity, rewardFloor: -1 } as const;
    expectClose(valueAt(flat, over), added[diversity](softmax(flat)));
    expectAllClose(slopeAt(flat, over), differences(added[diversity], flat), 1, 1e-7);
  });
});

test.prop([table, fc.constantFrom(0, -1)])('objective utility leaves diversity out', (flat, rewardFloor) => {
  const over = { objective: 'utility', diversity: 'surprisal', rewardFloor } as const;
  expectClose(valueAt(flat, over), utilityOf(softmax(flat)));
  expectAllClose(slopeAt(flat, over), differences(utilityOf, flat), 1, 1e-7);
});

test.prop([table, table])('T7: away from its anchor the bound is E rho_k u (1 + log pi - log pi_k)', (flat, from) => {
  const [pi, anchor] = [softmax(flat), softmax(from)];
  const logAnchor = Float64Array.from(batch.prompts, (prompt, m) =>
    Math.log(anchor[prompts.indexOf(prompt as string)][responses.indexOf(batch.responses[m])]),
  );
  const found = objectiveValue(family.bind({ logits: asTensor(flat) }), batch, tensor(logAnchor), options({})).item();
  const expected = anchor
    .flatMap((row, x) => row.map((p, y) => (p * utilities[x][y] * (1 + Math.log(pi[x][y] / p))) / 2))
    .reduce((a, b) => a + b);
  expectClose(found, expected);
  expect(found).toBeLessThanOrEqual(utilityOf(pi) + 1e-12);
});

test.prop([table, fc.constantFrom(0, -1, 0.25)])(
  'sft is the mean log-probability, reward-weighted weighs 1 + log rho by the utility above the floor',
  (flat, rewardFloor) => {
    const pi = softmax(flat);
    const under = (f: (x: number, y: number) => number) =>
      pi0.flatMap((row, x) => row.map((p, y) => (p * f(x, y)) / 2)).reduce((a, b) => a + b);
    expectClose(
      valueAt(flat, { objective: 'sft' }),
      under((x, y) => Math.log(pi[x][y])),
    );
    const weighted = under((x, y) => (utilities[x][y] - rewardFloor) * (1 + Math.log(pi[x][y] / pi0[x][y])));
    expectClose(valueAt(flat, { objective: 'reward-weighted', rewardFloor }), weighted);
  },
);

test.prop([table])(
  'T8: a policy without its distribution has the surprisal bound of the log, of the same value',
  (flat) => {
    const whole = family.bind({ logits: asTensor(flat) });
    const sampled: Policy = { logProb: (p, r) => whole.logProb(p, r) };
    const pi = softmax(flat);
    const found = objectiveValue(sampled, batch, null, options({ diversity: 'surprisal' })).item();
    expectClose(found, utilityOf(pi) + tau * entropyOf(pi));
  },
);

describe('dpo', () => {
  const slates: fc.Arbitrary<number[][]> = fc.array(fc.array(fc.nat(2), { minLength: 1, maxLength: 3 }), {
    minLength: 1,
    maxLength: 4,
  });
  const batchOfSlates = (ups: readonly (readonly number[])[]): Batch =>
    wholeBatch(
      evaluationRows(
        logFromRecords(
          ups.map((row, i) => ({
            id: `${i}`,
            prompt: prompts[i % 2],
            responses: row.map((u, j) => ({
              text: responses[j],
              propensity: pi0[i % 2][j],
              feedback: { up: u },
            })),
          })),
        ),
        up,
      ),
    );

  test.prop([table, slates, fc.constantFrom(undefined, 0.5, 3)])(
    'is the mean of log sigmoid of the margins of all ordered pairs of a slate, and 0 without one',
    (flat, ups, beta) => {
      const pi = softmax(flat);
      const score = (i: number, j: number) => Math.log(pi[i % 2][j] / pi0[i % 2][j]);
      const terms = ups.flatMap((row, i) =>
        row.flatMap((u, a) =>
          row.flatMap((v, b) => (u > v ? [-Math.log1p(Math.exp(-(beta ?? 0.1) * (score(i, a) - score(i, b))))] : [])),
        ),
      );
      const expected = terms.length === 0 ? 0 : terms.reduce((s, t) => s + t, 0) / terms.length;
      const over = { objective: 'dpo', ...(beta !== undefined && { beta }) } as const;
      expectClose(valueAt(flat, over, batchOfSlates(ups)), expected);
    },
  );
});

describe('kto', () => {
  test.prop([table, fc.array(fc.nat(2), { minLength: 1, maxLength: 8 }), fc.constantFrom(undefined, 0.5, 3)])(
    'is the mean of sigmoid(r - z) over what is liked more than the mean plus that of sigmoid(z - r) over what is liked less',
    (flat, ups, beta) => {
      const pi = softmax(flat);
      const rounds = ups.map((u, i) => ({ x: i % 2, y: i % 3, u }));
      const on = wholeBatch(
        evaluationRows(
          logFromRecords(
            rounds.map(({ x, y, u }, i) => ({
              id: `${i}`,
              prompt: prompts[x],
              responses: [{ text: responses[y], propensity: pi0[x][y], feedback: { up: u } }],
            })),
          ),
          up,
        ),
      );
      const b = beta ?? 0.1;
      const log = rounds.map(({ x, y }) => Math.log(pi[x][y] / pi0[x][y]));
      const z = (b * log.reduce((sum, l) => sum + Math.exp(l) * l - Math.expm1(l), 0)) / log.length;
      const average = ups.reduce((sum, u) => sum + u, 0) / ups.length;
      const part = (keep: (u: number) => boolean, sign: number): number => {
        const own = log.filter((_, i) => keep(ups[i]));
        return own.length === 0
          ? 0
          : own.reduce((sum, l) => sum + 1 / (1 + Math.exp(-sign * (b * l - z))), 0) / own.length;
      };
      const expected = part((u) => u > average, 1) + part((u) => u < average, -1);
      const over = { objective: 'kto', ...(beta !== undefined && { beta }) } as const;
      expectClose(valueAt(flat, over, on), expected);
    },
  );
});

describe('refusals', () => {
  const errorOf = (over: Partial<ObjectiveOptions>, on: Batch = batch, policy?: Policy): PopeError => {
    try {
      objectiveValue(policy ?? family.bind({ logits: asTensor([0, 0, 0, 0, 0, 0]) }), on, null, options(over));
    } catch (error) {
      if (error instanceof PopeError) return error;
      throw error;
    }
    return expect.fail('nothing was thrown');
  };
  test('one missing propensity is enough, for every objective that weighs; sft needs none', () => {
    const holes: Batch = { ...batch, logPropensity: batch.logPropensity.map((l, m) => (m === 3 ? Number.NaN : l)) };
    for (const objective of [
      'pope',
      'utility',
      'diversity',
      'policy-gradient',
      'reward-weighted',
      'dpo',
      'kto',
    ] as const) {
      const error = errorOf({ objective, diversity: 'anchored' }, holes);
      expect(error.message).toMatch(new RegExp(`no propensities, which objective "${objective}" needs`));
      expect(error).toMatchObject({ argument: 'log', code: 'no_propensity' });
    }
    expect(valueAt([0, 0, 0, 0, 0, 0], { objective: 'sft' }, holes)).toBeCloseTo(-Math.log(3), 12);
  });
  test('coverage needs a distribution, candidates and the class of each', () => {
    const whole = family.bind({ logits: asTensor([0, 0, 0, 0, 0, 0]) });
    const coverage = { diversity: 'coverage' } as const;
    for (const error of [
      errorOf(coverage, batch, { logProb: whole.logProb }),
      errorOf({ ...coverage, candidatesOf: undefined }),
    ]) {
      expect(error.message).toMatch(/^diversity "coverage" needs a finite response space/);
      expect(error).toMatchObject({ argument: 'candidates' });
    }
    const partly = () => candidatesOf().map((c, k) => (k === 1 ? { text: c.text } : c));
    const error = errorOf({ ...coverage, candidatesOf: partly });
    expect(error.message).toMatch(/^candidate "b" has no opinion/);
    expect(error).toMatchObject({ argument: 'candidates' });
  });
});

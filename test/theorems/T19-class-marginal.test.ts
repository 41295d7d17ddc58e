import { fc, test } from '@fast-check/vitest';
import { expect } from 'vitest';
import { tensor } from '../../src/backend/index.js';
import { logFromRecords } from '../../src/data/index.js';
import {
  candidateClassLogProb,
  classMarginalLogRatio,
  clippedIps,
  decomposedIps,
  doublyRobust,
  type Estimator,
  exactValue,
  expectUnder,
  type FiniteProblem,
  jointIps,
  type Log,
  logSmoothing,
} from '../../src/ope/index.js';
import { pooledClassLogRatio } from '../../src/pope/index.js';
import { scope } from '../../src/tensor/index.js';
import { anySlate, finiteProblem, slateTable, slateWeights } from '../arbitraries/finite-problem.js';
import { expectAllClose, expectAtLeast, expectClose } from './close.js';
import { everyRound } from './enumerate.js';

const floats = (values: readonly number[]) => tensor(Float64Array.from(values));
type Problem = Required<FiniteProblem>;

/** The class of each response of each context: p, q or r. */
interface ClassedProblem {
  readonly problem: Problem;
  readonly classes: readonly (readonly string[])[];
}

/** A finite problem and classes; `byClass`: the reward depends on the response through its class alone. */
const classed = (constraints: Parameters<typeof finiteProblem>[0] = {}, byClass = true): fc.Arbitrary<ClassedProblem> =>
  fc
    .tuple(
      finiteProblem(constraints),
      fc.array(fc.array(fc.constantFrom('p', 'q', 'r'), { minLength: 4, maxLength: 4 }), {
        minLength: 3,
        maxLength: 3,
      }),
    )
    .map(([problem, drawn]) => {
      const classes = problem.reward.map((row, x) => drawn[x].slice(0, row.length));
      const reward = problem.reward.map((row, x) => row.map((_, y) => row[classes[x].indexOf(classes[x][y])]));
      return { classes, problem: byClass ? { ...problem, reward } : problem };
    });

/** log of the probability of each response's own class, by our function. */
const classLogProbs = (policy: Problem['target'], classes: ClassedProblem['classes']): number[][] =>
  policy.map((row, x) => [...candidateClassLogProb(floats(row.map(Math.log)), classes[x]).dataSync()]);

interface Weighing {
  readonly by: 'class' | 'response';
  readonly w?: readonly number[];
  readonly slateReward?: (context: number, slate: readonly number[]) => number;
}

/** Mean and second moment of an estimator's round term under pi0, with weights of responses or of their classes. */
function moments(use: Estimator, { problem, classes }: ClassedProblem, { by, w = [1], slateReward }: Weighing) {
  const all = everyRound(problem, w.length);
  const column = (f: (x: number, y: number, j: number) => number) =>
    floats(all.flatMap(({ context, slate }) => slate.map((y, j) => f(context, y, j))));
  const logs = (policy: Problem['target']) => policy.map((row) => row.map(Math.log));
  const of = by === 'class' ? (policy: Problem['target']) => classLogProbs(policy, classes) : logs;
  const [target, logging] = [of(problem.target), of(problem.logging)];
  return scope(() => {
    const { numerator, baseline } = use({
      rounds: all.length,
      logRatio: classMarginalLogRatio(
        column((x, y) => target[x][y]),
        column((x, y) => logging[x][y]),
      ),
      reward: column((x, y) => problem.reward[x][y]),
      slateWeight: column((_x, _y, j) => w[j]),
      roundOf: tensor(Int32Array.from(all.flatMap(({ slate }, i) => slate.map(() => i)))),
      predictedReward: column((x, y) => problem.predicted[x][y]),
      predictedValue: floats(
        all.map(({ context: x }) => problem.target[x].reduce((sum, p, y) => sum + p * problem.predicted[x][y], 0)),
      ),
      ...(slateReward && { slateReward: floats(all.map(({ context, slate }) => slateReward(context, slate))) }),
    });
    const [terms, model] = [numerator.dataSync(), baseline?.dataSync()];
    let [mean, second] = [0, 0];
    all.forEach(({ probability }, i) => {
      const term = terms[i] + (model?.[i] ?? 0);
      mean += probability * term;
      second += probability * term ** 2;
    });
    return { mean, second };
  });
}

const rho = ({ problem }: ClassedProblem, x: number, y: number) => problem.target[x][y] / problem.logging[x][y];
/** pi(c(y)|x), by a plain sum. */
const classProb = (policy: Problem['target'], { classes }: ClassedProblem, x: number, y: number) =>
  policy[x].reduce((sum, p, k) => (classes[x][k] === classes[x][y] ? sum + p : sum), 0);
const rhoOfClass = (c: ClassedProblem, x: number, y: number) =>
  classProb(c.problem.target, c, x, y) / classProb(c.problem.logging, c, x, y);

// #region T19
test.prop([classed(), anySlate(2)])(
  'T19: for rewards of the class alone, class weights are unbiased and their second moment is no larger',
  (c, w) => {
    const byClass = moments(decomposedIps, c, { by: 'class', w });
    const byResponse = moments(decomposedIps, c, { by: 'response', w });
    expectClose(byClass.mean, exactValue(c.problem));
    expectAtLeast(byResponse.second, byClass.second, 1 + byResponse.second);
  },
);
// #endregion T19

test.prop([classed(), anySlate(2)])(
  'T19: what they take off is the variance of the weights within a class, times the squared reward',
  (c, w) => {
    const [byClass, byResponse] = (['class', 'response'] as const).map((by) => moments(decomposedIps, c, { by, w }));
    const within = expectUnder(
      c.problem,
      c.problem.logging,
      (x, y) => c.problem.reward[x][y] ** 2 * (rho(c, x, y) ** 2 - rhoOfClass(c, x, y) ** 2),
    );
    const squares = w.reduce((sum, v) => sum + v * v, 0);
    expectClose(byResponse.second - byClass.second, squares * within, 1 + byResponse.second);
  },
);

test.prop([classed({ responses: 3 }), slateWeights(2), slateTable(2)])(
  'T19: so are products of class weights, for rewards of the classes of a slate',
  (c, w, cell) => {
    const slateReward = (x: number, slate: readonly number[]) =>
      cell(
        x,
        slate.map((y) => c.classes[x].indexOf(c.classes[x][y])),
      );
    const [byClass, byResponse] = (['class', 'response'] as const).map((by) =>
      moments(jointIps, c, { by, w, slateReward }),
    );
    const { contextProb, target } = c.problem;
    let truth = 0;
    contextProb.forEach((px, x) => {
      target[x].forEach((p, a) => {
        target[x].forEach((q, b) => {
          truth += px * p * q * slateReward(x, [a, b]);
        });
      });
    });
    expectClose(byClass.mean, truth);
    expectAtLeast(byResponse.second, byClass.second, 1 + byResponse.second);
  },
);

test.prop([classed(), anySlate(2)])(
  'T19: so is doubly robust, for a model that depends on the class alone as the reward does',
  (c, w) => {
    const predicted = c.problem.predicted.map((row, x) =>
      row.map((_, y) => row[c.classes[x].indexOf(c.classes[x][y])]),
    );
    const modelled = { ...c, problem: { ...c.problem, predicted } };
    const [byClass, byResponse] = (['class', 'response'] as const).map((by) =>
      moments(doublyRobust, modelled, { by, w }),
    );
    expectClose(byClass.mean, exactValue(c.problem), 3);
    expectAtLeast(byResponse.second, byClass.second, 10 + byResponse.second);
  },
);

test('T19: not for transformed weights, nor for a model of wordings: clip .25 to .5, smoothed .275 to .347, DR 1 for .5', () => {
  const problem = {
    contextProb: [1],
    logging: [[0.25, 0.25, 0.5]],
    target: [[0.5, 0, 0.5]],
    reward: [[1, 1, 0]],
    predicted: [[2, 0, 0]],
  };
  const c = { problem, classes: [['p', 'p', 'q']] };
  const both = (use: Estimator) => (['response', 'class'] as const).map((by) => moments(use, c, { by }));
  expectClose(exactValue(problem), 0.5);
  const clipped = both(clippedIps(1));
  expectAllClose(
    clipped.map(({ mean }) => mean),
    [0.25, 0.5],
  );
  expectAllClose(
    clipped.map(({ second }) => second),
    [0.25, 0.5],
  );
  expectAllClose(
    both(logSmoothing(1)).map(({ mean }) => mean),
    [Math.log(3) / 4, Math.log(2) / 2],
  );
  expectAllClose(
    both(doublyRobust).map(({ mean }) => mean),
    [0.5, 1],
  );
});

test.prop([classed({ support: 'deficient' }), anySlate(2)])(
  'T19: they need the classes covered and not the responses: the bias is the value of the classes that are never logged',
  (c, w) => {
    const never = (x: number, y: number) => classProb(c.problem.logging, c, x, y) === 0;
    const bias = -expectUnder(c.problem, c.problem.target, (x, y) => (never(x, y) ? c.problem.reward[x][y] : 0));
    expectClose(moments(decomposedIps, c, { by: 'class', w }).mean - exactValue(c.problem), bias);
  },
);

test('T19: with deficient support the second moment can be the larger one: it carries what was never logged', () => {
  // both say the same thing; the logger has one wording for it, the target the other
  const problem = { contextProb: [1], logging: [[1, 0]], target: [[0, 1]], reward: [[2, 2]], predicted: [[0, 0]] };
  const c = { problem, classes: [['p', 'p']] };
  expect(moments(decomposedIps, c, { by: 'response' })).toEqual({ mean: 0, second: 0 });
  expect(moments(decomposedIps, c, { by: 'class' })).toEqual({ mean: 2, second: 4 });
});

test.prop([classed({}, false), anySlate(2)])(
  'T19: where the reward varies within a class the bias is minus the covariance of weight and reward there',
  (c, w) => {
    const { problem } = c;
    const bias = moments(decomposedIps, c, { by: 'class', w }).mean - exactValue(problem);
    const covariance = expectUnder(
      problem,
      problem.logging,
      (x, y) => (rho(c, x, y) - rhoOfClass(c, x, y)) * problem.reward[x][y],
    );
    expectClose(bias, -covariance);
  },
);

test.prop([classed({ support: 'deficient' }, false)])(
  "T19: and with or without support, it is the target's classes valued as the logger words them",
  (c) => {
    const { problem } = c;
    const asLogged = expectUnder(problem, problem.target, (x, y) => {
      const mass = classProb(problem.logging, c, x, y);
      if (mass === 0) return 0;
      return problem.reward[x].reduce(
        (sum, r, k) => (c.classes[x][k] === c.classes[x][y] ? sum + (problem.logging[x][k] / mass) * r : sum),
        0,
      );
    });
    expectClose(moments(decomposedIps, c, { by: 'class' }).mean, asLogged);
  },
);

test('T19: the named witness: two wordings of one opinion, one of them liked: 1/2 for a value of 3/4', () => {
  const problem = {
    contextProb: [1],
    logging: [[0.5, 0.5]],
    target: [[0.75, 0.25]],
    reward: [[1, 0]],
    predicted: [[0, 0]],
  };
  const c = { problem, classes: [['p', 'p']] };
  expectClose(exactValue(problem), 0.75);
  expectClose(moments(decomposedIps, c, { by: 'response' }).mean, 0.75);
  expectClose(moments(decomposedIps, c, { by: 'class' }).mean, 0.5);
});

test('T19: log-probabilities that are none are refused by row', () => {
  const at = (target: number[], logging: number[]) => classMarginalLogRatio(floats(target), floats(logging));
  expect([...at([-Infinity, -2000], [-1, -3000]).dataSync()]).toEqual([-Infinity, 1000]);
  expect(() => at([0, -1], [0, -Infinity])).toThrow(/loggingClassLogProb\[1\] is -Infinity; expected a finite number/);
  expect(() => at([Number.NaN], [0])).toThrow(/targetClassLogProb\[0\] is NaN; expected at most 0/);
  expect(() => at([Infinity], [0])).toThrow(/targetClassLogProb\[0\] is Infinity/);
  expect(() => at([0], [Number.NaN])).toThrow(/loggingClassLogProb\[0\] is NaN/);
  expect(() => at([0, 0], [0])).toThrow(/loggingClassLogProb.shape is \[1\]; expected \[2\]/);
});

/** A log of responses y0, y1 ... with their classes; each slate is one round. */
const logOf = (
  slates: readonly { readonly prompt: string; readonly slate: readonly number[] }[],
  classes: readonly string[],
): Log =>
  logFromRecords(
    slates.map(({ prompt, slate }, i) => ({
      id: `r${i}`,
      prompt,
      responses: slate.map((y) => ({ text: `y${y}`, opinion: classes[y], feedback: { up: 0 } })),
    })),
  );

const pooled = fc.record({
  copies: fc
    .array(fc.integer({ min: 0, max: 4 }), { minLength: 4, maxLength: 4 })
    .filter((row) => row.some((n) => n > 0)),
  weights: fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 4, maxLength: 4 }),
  classes: fc.array(fc.constantFrom('p', 'q', 'r'), { minLength: 4, maxLength: 4 }),
});

test.prop([pooled])(
  'T19: over the whole of pi0 the mean weight of a class is its weight, less what is never logged',
  ({ copies, weights, classes }) => {
    const [logged, said] = [copies, weights].map((row) => row.reduce((a, b) => a + b, 0));
    const slates = copies.flatMap((n, y) => Array.from({ length: n }, () => ({ prompt: 'x', slate: [y] })));
    const ratio = slates.map(({ slate: [y] }) => Math.log(weights[y] / said) - Math.log(copies[y] / logged));
    const mass = (row: readonly number[], c: string, counts: (y: number) => boolean) =>
      row.reduce((sum, m, y) => (classes[y] === c && counts(y) ? sum + m : sum), 0);
    const expected = slates.map(
      ({ slate: [y] }) =>
        Math.log(mass(weights, classes[y], (k) => copies[k] > 0) / said) -
        Math.log(mass(copies, classes[y], () => true) / logged),
    );
    expectAllClose(pooledClassLogRatio(logOf(slates, classes), ratio), expected);
  },
);

const quarter = fc.integer({ min: -8, max: 8 }).map((q) => q / 4);
const pooledLog = fc
  .record({
    slate: fc.integer({ min: 1, max: 3 }),
    rounds: fc.array(
      fc.record({
        prompt: fc.constantFrom('x', 'z'),
        slate: fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 3, maxLength: 3 }),
        ratios: fc.array(fc.oneof(quarter, fc.constant(-Infinity)), { minLength: 3, maxLength: 3 }),
      }),
      { minLength: 1, maxLength: 6 },
    ),
    reward: fc.record({ x: fc.tuple(quarter, quarter), z: fc.tuple(quarter, quarter) }),
  })
  .map(({ slate, rounds, reward }) => ({
    reward,
    rounds: rounds.map((r) => ({ prompt: r.prompt, slate: r.slate.slice(0, slate), ratios: r.ratios.slice(0, slate) })),
  }));

test.prop([pooledLog])(
  'T19: pooling on the log that is evaluated gives plain IPS back, to rounding, and so buys nothing',
  ({ rounds, reward }) => {
    const classes = ['p', 'p', 'q', 'q'];
    const log = logOf(rounds, classes);
    const rewardOf = rounds.flatMap(({ prompt, slate }) =>
      slate.map((y) => reward[prompt as 'x' | 'z'][y < 2 ? 0 : 1]),
    );
    const ips = (logRatio: ArrayLike<number>) =>
      rewardOf.reduce((sum, r, j) => sum + Math.exp(logRatio[j]) * r, 0) / rewardOf.length;
    const plain = rounds.flatMap(({ ratios }) => ratios);
    expectClose(ips(pooledClassLogRatio(log, plain)), ips(plain), 10);
  },
);

test('T19: not with slates of different sizes, whose responses do not count the same', () => {
  const log = logOf(
    [
      { prompt: 'x', slate: [0] },
      { prompt: 'x', slate: [0, 0] },
    ],
    ['p'],
  );
  const plain = [Math.log(4), Math.log(1), Math.log(1)];
  const ips = ([a, b, c]: ArrayLike<number> & Iterable<number>) => (Math.exp(a) + (Math.exp(b) + Math.exp(c)) / 2) / 2;
  expectClose(ips(plain), 2.5);
  expectClose(ips(pooledClassLogRatio(log, plain)), 2);
});

test.prop(
  [
    fc.record({
      logging: fc.tuple(...[1, 2, 3].map(() => fc.integer({ min: 1, max: 5 }))),
      target: fc.tuple(...[1, 2, 3].map(() => fc.integer({ min: 0, max: 5 }))).filter((t) => t.some((p) => p > 0)),
      reward: fc.tuple(quarter, quarter),
    }),
  ],
  { numRuns: 25 },
)(
  'T19: pooled on another log that saw every class it is unbiased, and the variance within a class falls with its count',
  ({ logging, target, reward }) => {
    const classes = ['p', 'p', 'q'];
    const total = (row: readonly number[]) => row.reduce((a, b) => a + b, 0);
    const [pi0, pi] = [logging, target].map((row) => row.map((p) => p / total(row)));
    const ratio = pi.map((p, y) => Math.log(p) - Math.log(pi0[y]));
    const rewardOf = (y: number) => reward[y < 2 ? 0 : 1];
    const onto = logOf(
      [0, 1, 2].map((y) => ({ prompt: 'x', slate: [y] })),
      classes,
    );
    // all logs of three rounds, by how many of them are of class p
    const byCount = new Map<number, { probability: number; mean: number; second: number }>();
    for (let code = 0; code < 27; code++) {
      const slate = [code % 3, Math.floor(code / 3) % 3, Math.floor(code / 9)];
      const count = slate.filter((y) => y < 2).length;
      if (count === 0 || count === 3) continue;
      const seen = logOf(
        slate.map((y) => ({ prompt: 'x', slate: [y] })),
        classes,
      );
      const own = pooledClassLogRatio(
        seen,
        slate.map((y) => ratio[y]),
        onto,
      );
      const sums = byCount.get(count) ?? { probability: 0, mean: 0, second: 0 };
      const probability = slate.reduce((p, y) => p * pi0[y], 1);
      sums.probability += probability;
      pi0.forEach((p, y) => {
        sums.mean += probability * p * Math.exp(own[y]) * rewardOf(y);
        sums.second += probability * p * (Math.exp(own[y]) * rewardOf(y)) ** 2;
      });
      byCount.set(count, sums);
    }
    const value = total(pi.map((p, y) => p * rewardOf(y)));
    const massOf = (row: readonly number[], y: number) => (y < 2 ? row[0] + row[1] : row[2]);
    for (const [count, { probability, mean, second }] of byCount) {
      expectClose(mean / probability, value);
      const expected = pi0.map((p, y) => {
        const of = (massOf(pi, y) / massOf(pi0, y)) ** 2;
        const within = y < 2 ? (pi[0] ** 2 / pi0[0] + pi[1] ** 2 / pi0[1]) / massOf(pi0, y) - of : 0;
        return p * rewardOf(y) ** 2 * (of + within / (y < 2 ? count : 3 - count));
      });
      expectClose(second / probability, total(expected), 10);
    }
  },
);

test('T19: pooling stays in log space, and refuses what it cannot know', () => {
  const log = logOf([{ prompt: 'x', slate: [0, 1, 2] }], ['p', 'p', 'q']);
  expectAllClose(pooledClassLogRatio(log, [1e3, 1e3 + Math.log(3), -Infinity]).slice(0, 2), [
    1e3 + Math.log(2),
    1e3 + Math.log(2),
  ]);
  expect([...pooledClassLogRatio(log, [0, 0, -Infinity])]).toEqual([0, 0, -Infinity]);
  expect(() => pooledClassLogRatio(log, [0, 0])).toThrow(/logRatio.length is 2; expected 3/);
  expect(() => pooledClassLogRatio(log, [0, Number.NaN, 0])).toThrow(/logRatio\[1\] is NaN/);
  const other = logOf([{ prompt: 'x', slate: [0] }], ['r']);
  expect(() => pooledClassLogRatio(log, [0, 0, 0], other)).toThrow(
    /response 0 of the second log has opinion "r", which the first log never saw for its prompt/,
  );
  const unclassed = logFromRecords([{ prompt: 'x', responses: [{ text: 'y', feedback: { up: 1 } }] }]);
  expect(() => pooledClassLogRatio(unclassed, [0])).toThrow(/have no opinion/);
});

import { fc, test } from '@fast-check/vitest';
import { expect } from 'vitest';
import { checkGradient } from '../../src/autograd/index.js';
import { tensor } from '../../src/backend/index.js';
import { slateSum } from '../../src/ope/index.js';
import { sum } from '../../src/ops/index.js';
import { chainRuleEntropy, surprisalReward } from '../../src/pope/index.js';
import { scope } from '../../src/tensor/index.js';
import { slateWeights } from '../arbitraries/finite-problem.js';
import {
  everyResponse,
  type TreeLanguage,
  type TreeResponse,
  treeLanguage,
  treeResponse,
} from '../arbitraries/tree-language.js';
import { expectAllClose, expectAtLeast, expectClose } from './close.js';

const entropyOf = (probabilities: readonly number[]): number =>
  probabilities.reduce((h, p) => (p > 0 ? h - p * Math.log(p) : h), 0);
const floats = (values: readonly number[]) => tensor(Float64Array.from(values));

/** The chain-rule numbers of responses; with `keep`, only those steps keep their entropy. */
function chainOf(
  { target }: TreeLanguage,
  responses: readonly TreeResponse[],
  keep: (step: number) => boolean = () => true,
): number[] {
  const steps = responses.flatMap((r, j) => r.steps.map((step, t) => ({ ...step, j, t })));
  return scope(() => [
    ...chainRuleEntropy(
      floats(steps.map((s) => Math.log(s.target) - Math.log(s.logging))),
      floats(steps.map((s) => (keep(s.t) ? entropyOf(target[s.prefix]) : 0))),
      tensor(Int32Array.from(steps, ({ j }) => j)),
      responses.length,
    ).dataSync(),
  ]);
}

/** rho(y) times the surprisal of each response. */
const surprisalOf = (responses: readonly TreeResponse[]): number[] =>
  [...surprisalReward(floats(responses.map((r) => Math.log(r.target)))).dataSync()].map(
    (surprisal, j) => (responses[j].target / responses[j].logging) * surprisal,
  );

/** Mean and variance under pi0, by enumeration. */
function under(responses: readonly TreeResponse[], values: readonly number[]): { mean: number; variance: number } {
  const mean = responses.reduce((m, { logging }, j) => m + logging * values[j], 0);
  return { mean, variance: responses.reduce((v, { logging }, j) => v + logging * (values[j] - mean) ** 2, 0) };
}

const logged = (language: TreeLanguage): TreeResponse[] => everyResponse(language).filter(({ logging }) => logging > 0);
const exactEntropy = (language: TreeLanguage): number => entropyOf(everyResponse(language).map(({ target }) => target));

// #region T20
test.prop([treeLanguage()])(
  'T20: prefix weights times next-token entropies have the mean H(pi), that of the weighted surprisal',
  (language) => {
    const responses = logged(language);
    expectClose(under(responses, chainOf(language, responses)).mean, exactEntropy(language));
    expectClose(under(responses, surprisalOf(responses)).mean, exactEntropy(language));
  },
);
// #endregion T20

test.prop([treeLanguage(), slateWeights(2)])('T20: so has their average over a slate', (language, w) => {
  const responses = logged(language);
  const values = chainOf(language, responses);
  const slates = responses.flatMap((_, a) => responses.map((_, b) => [a, b]));
  const rounds = slateSum(floats(slates.flat().map((j) => values[j])), {
    slateWeight: floats(slates.flatMap(() => w)),
    roundOf: tensor(Int32Array.from(slates.flatMap((_, i) => [i, i]))),
    rounds: slates.length,
  }).dataSync();
  const mean = slates.reduce((m, [a, b], i) => m + responses[a].logging * responses[b].logging * rounds[i], 0);
  expectClose(mean, exactEntropy(language));
});

test.prop([treeLanguage(), fc.integer({ min: 1, max: 3 })])(
  'T20: the first k steps alone have the entropy of the first k tokens as their mean',
  (language, k) => {
    const responses = logged(language);
    const beginnings = new Map<string, number>();
    for (const { text, target } of everyResponse(language)) {
      const beginning = text.slice(0, k);
      beginnings.set(beginning, (beginnings.get(beginning) ?? 0) + target);
    }
    expectClose(
      under(
        responses,
        chainOf(language, responses, (t) => t < k),
      ).mean,
      entropyOf([...beginnings.values()]),
    );
  },
);

/** Prefixes at which a token is chosen, with their probabilities under both. */
function prefixesOf(language: TreeLanguage): Map<string, { target: number; logging: number; entropy: number }> {
  const found = new Map<string, { target: number; logging: number; entropy: number }>();
  for (const { steps } of everyResponse(language)) {
    let [target, logging] = [1, 1];
    for (const step of steps) {
      found.set(step.prefix, { target, logging, entropy: entropyOf(language.target[step.prefix]) });
      target *= step.target;
      logging *= step.logging;
    }
  }
  return found;
}

test.prop([treeLanguage({ support: 'deficient' })])(
  'T20: with deficient support the entropy after what is never logged is lost, and no more than the surprisal loses',
  (language) => {
    const responses = logged(language);
    const [chain, surprisal] = [chainOf(language, responses), surprisalOf(responses)].map(
      (values) => under(responses, values).mean - exactEntropy(language),
    );
    const prefixes = [...prefixesOf(language).values()];
    expectClose(chain, -prefixes.reduce((lost, p) => lost + (p.logging === 0 ? p.target * p.entropy : 0), 0));
    // what the surprisal loses beyond it: -log pi of the beginnings with which pi leaves the log
    const leaving = new Map<string, number>();
    for (const { text, steps } of everyResponse(language)) {
      const t = steps.findIndex((step) => step.logging === 0);
      if (t >= 0) leaving.set(text.slice(0, t + 1), treeResponse(steps.slice(0, t + 1)).target);
    }
    expectClose(chain - surprisal, entropyOf([...leaving.values()]));
    expectAtLeast(chain, surprisal);
    expectAtLeast(0, chain);
  },
);

test.prop([treeLanguage({ support: 'deficient' }).map((language) => ({ ...language, depth: 1 }))])(
  'T20: over responses of one step it is H(pi) itself, without noise and whatever was logged',
  (language) => {
    for (const value of chainOf(language, logged(language))) expectClose(value, exactEntropy(language));
  },
);

test.prop([treeLanguage()])('T20: step by step it never has the larger variance', (language) => {
  const responses = logged(language);
  for (let t = 0; t < language.depth; t++) {
    const stepwise = responses.map(({ steps, target, logging }) =>
      t < steps.length && target > 0 ? (target / logging) * -Math.log(steps[t].target) : 0,
    );
    const [chain, surprisal] = [chainOf(language, responses, (s) => s === t), stepwise].map((values) =>
      under(responses, values),
    );
    expectClose(chain.mean, surprisal.mean);
    expectAtLeast(surprisal.variance, chain.variance, 1 + surprisal.variance);
  }
});

test('T20: nor, usually, in sum: in 97 % of the drawn languages', () => {
  const languages = fc.sample(treeLanguage(), { numRuns: 2000, seed: 20 }).filter((language) => language.depth > 1);
  const lower = languages.filter((language) => {
    const responses = logged(language);
    const [chain, surprisal] = [chainOf(language, responses), surprisalOf(responses)].map(
      (values) => under(responses, values).variance,
    );
    return chain <= surprisal + 1e-12;
  }).length;

  expect(lower / languages.length).toBeGreaterThan(0.95);
  expect(lower / languages.length).toBeLessThan(1);
});

/** Either a, or b and then c or d, each of the three with probability 1/3: branches of different lengths. */
const uneven = { alphabet: '', depth: 2, target: { '': [1 / 3, 2 / 3], b: [1 / 2, 1 / 2] }, logging: {} };
const unevenResponses = (a: number, bc: number, bd: number): TreeResponse[] => [
  treeResponse([{ prefix: '', token: 'a', target: 1 / 3, logging: a }]),
  ...[bc, bd].map((p, k) =>
    treeResponse([
      { prefix: '', token: 'b', target: 2 / 3, logging: bc + bd },
      { prefix: 'b', token: 'cd'[k], target: 1 / 2, logging: p / (bc + bd) },
    ]),
  ),
];

test('T20: not always: the even choice among a, bc, bd, on its own log: variance 0 against 2/9 log(2)^2', () => {
  const responses = unevenResponses(1 / 3, 1 / 3, 1 / 3);
  const chain = under(responses, chainOf(uneven, responses));
  const surprisal = under(responses, surprisalOf(responses));
  for (const { mean } of [chain, surprisal]) expectClose(mean, Math.log(3));
  expectClose(surprisal.variance, 0);
  expectClose(chain.variance, (2 / 9) * Math.log(2) ** 2);
});

test('T20: on another log of the same target it wins', () => {
  const responses = unevenResponses(1 / 3, 1 / 6, 1 / 2);
  const [chain, surprisal] = [chainOf(uneven, responses), surprisalOf(responses)].map((values) =>
    under(responses, values),
  );
  for (const { mean } of [chain, surprisal]) expectClose(mean, Math.log(3));
  expect(chain.variance).toBeLessThan(surprisal.variance / 2);
});

const tokens = fc
  .array(
    fc.array(
      fc.record({
        logRatio: fc.oneof(
          { weight: 9, arbitrary: fc.integer({ min: -8, max: 8 }).map((q) => q / 8) },
          { weight: 1, arbitrary: fc.constant(-Infinity) },
        ),
        entropy: fc.integer({ min: 0, max: 8 }).map((q) => q / 4),
      }),
      { minLength: 1, maxLength: 20 },
    ),
    { minLength: 1, maxLength: 5 },
  )
  .map((responses) => ({
    responses,
    logRatio: floats(responses.flatMap((r) => r.map((t) => t.logRatio))),
    entropy: floats(responses.flatMap((r) => r.map((t) => t.entropy))),
    tokenOf: tensor(Int32Array.from(responses.flatMap((r, j) => r.map(() => j)))),
  }));

test.prop([tokens])(
  'T20: the sum over doubled prefixes is the plain loop',
  ({ responses, logRatio, entropy, tokenOf }) => {
    const loop = responses.map((steps) => {
      let [total, logWeight] = [0, 0];
      for (const step of steps) {
        total += Math.exp(logWeight) * step.entropy;
        logWeight += step.logRatio;
      }
      return total;
    });
    expectAllClose(chainRuleEntropy(logRatio, entropy, tokenOf, responses.length).dataSync(), loop);
  },
);

test('T20: its gradient in ratios and entropies is that of central differences', () => {
  const tokenOf = tensor(Int32Array.from([0, 0, 0, 0, 1, 2, 2]));
  checkGradient(({ logRatio, entropy }) => chainRuleEntropy(logRatio, entropy, tokenOf, 3), {
    logRatio: floats([0.5, -1, 0.25, 2, 1, -0.5, 0.75]),
    entropy: floats([1, 0.5, 0.75, 2, 0.25, 1.5, 0.125]),
  });
});

test('T20: ratios of exp(1000) and of 0 never make NaN', () => {
  const of = (logRatio: number[], entropy: number[]) =>
    chainRuleEntropy(floats(logRatio), floats(entropy), tensor(new Int32Array(logRatio.length)), 1).item();
  expect(of([1e3, -1e3, 0], [1, 0, 2])).toBe(3); // huge, and back before it counts
  expect(of([0, 1e3], [1, 2])).toBe(3); // the last step's ratio is never used
  expect(of([-1e3, 5, 0], [1, 2, 3])).toBe(1);
  expect(of([-Infinity, 1e3, 0], [1, 2, 3])).toBe(1);
  expect(() => of([1e3, 0], [1, 2])).toThrow(
    /a prefix of response 0 has the weight exp\(1000\), beyond the largest float/,
  );
  const x = floats([-Infinity, 1, 0]);
  const dead = sum(chainRuleEntropy(x, floats([1, 2, 3]), tensor(new Int32Array(3)), 1));
  expect(dead.item()).toBe(1);
  const single = (values: number[]) => tensor(Float32Array.from(values));
  expect(() => chainRuleEntropy(single([100, 0]), single([1, 2]), tensor(new Int32Array(2)), 1)).toThrow(/exp\(100\)/);
});

test('T20: what is no list of responses is refused by name', () => {
  const [x, h] = [floats([0, 0, 0]), floats([1, 1, 1])];
  const at = (...values: number[]) => tensor(Int32Array.from(values));
  expect(() => chainRuleEntropy(x, h, at(0, 2, 2), 3)).toThrow(/tokenOf\[1\] is 2; expected 0 or 1/);
  expect(() => chainRuleEntropy(x, h, at(0, 1, 0), 2)).toThrow(/tokenOf\[2\] is 0; expected 1 or 2/);
  expect(() => chainRuleEntropy(x, h, at(1, 1, 1), 2)).toThrow(/tokenOf\[0\] is 1; expected 0/);
  expect(() => chainRuleEntropy(x, h, at(0, 0, 1), 3)).toThrow(/responses is 3; expected 2/);
  expect(() => chainRuleEntropy(x, h, floats([0, 0, 0]), 1)).toThrow(/tokenOf.dtype is "float64"; expected int32/);
  expect(() => chainRuleEntropy(x, floats([1]), at(0, 0, 0), 1)).toThrow(
    /nextTokenEntropy.shape is \[1\]; expected \[3\]/,
  );
  expect(() => chainRuleEntropy(floats([0, Number.NaN, 0]), h, at(0, 0, 0), 1)).toThrow(/tokenLogRatio\[1\] is NaN/);
  expect(() => chainRuleEntropy(floats([0, 0, Infinity]), h, at(0, 0, 0), 1)).toThrow(/tokenLogRatio\[2\] is Infinity/);
  expect(() => chainRuleEntropy(x, floats([1, -0.5, 1]), at(0, 0, 0), 1)).toThrow(/nextTokenEntropy\[1\] is -0.5/);
  expect(() => chainRuleEntropy(floats([]), floats([]), at(), 1)).toThrow(/responses is 1; expected 0/);
});

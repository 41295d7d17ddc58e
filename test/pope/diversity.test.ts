import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { checkGradient } from '../../src/autograd/index.js';
import { tensor } from '../../src/backend/index.js';
import { logFromRecords } from '../../src/data/index.js';
import {
  anchoredReward,
  classEntropy,
  classProbabilities,
  coverageReward,
  distributionReward,
  evaluationRows,
  klEstimate,
  slateEntropyReward,
  surprisalReward,
} from '../../src/pope/index.js';
import { logDiversity } from '../../src/pope/log-diversity.js';
import { expectAllClose, expectClose } from '../theorems/close.js';

const numbers = (values: readonly number[]) => tensor(Float64Array.from(values));
const logProbs = fc.array(
  fc.oneof(
    { weight: 5, arbitrary: fc.double({ min: -8, max: 0, noNaN: true }) },
    { weight: 1, arbitrary: fc.constant(-Infinity) },
  ),
  { minLength: 1, maxLength: 6 },
);
const distribution = (k: number) =>
  fc.array(fc.integer({ min: 0, max: 6 }), { minLength: k, maxLength: k }).map((w) => {
    const total = w.reduce((a, b) => a + b, 0);
    return total === 0 ? w.map((_, i) => (i === 0 ? 1 : 0)) : w.map((x) => x / total);
  });
const entropyOf = (p: readonly number[]): number => p.reduce((h, q) => h - (q > 0 ? q * Math.log(q) : 0), 0);

describe('rewards of a response', () => {
  // #region D2
  test.prop([distribution(4)])('D2: the mean surprisal under pi is its entropy; -log 0 counts as 0', (p) => {
    const reward = surprisalReward(numbers(p.map(Math.log))).dataSync();
    const mean = p.reduce((sum, q, i) => sum + q * reward[i], 0);
    expectClose(mean, entropyOf(p));
    expect(mean).toBeGreaterThanOrEqual(0);
    expect(mean).toBeLessThanOrEqual(Math.log(4) + 1e-12);
    expectAllClose(
      reward,
      p.map((q) => (q === 0 ? 0 : -Math.log(q))),
    );
  });
  // #endregion D2

  // #region D7
  test.prop([distribution(4), distribution(4)])(
    'D7: the mean anchored reward under pi is -KL(pi||pi0)',
    (p, weights) => {
      const p0 = weights.map((w) => (w + 0.05) / 1.2);
      const reward = anchoredReward(numbers(p.map((q, i) => Math.log(q) - Math.log(p0[i])))).dataSync();
      const kl = p.reduce((sum, q, i) => sum + (q > 0 ? q * Math.log(q / p0[i]) : 0), 0);
      expectClose(
        p.reduce((sum, q, i) => sum + q * reward[i], 0),
        -kl,
      );
      expect(kl).toBeGreaterThanOrEqual(-1e-12);
    },
  );

  test.prop([logProbs])(
    'D7: every term of the estimate of KL is at least 0, and 0 where the policies agree',
    (logProb) => {
      const reference = logProb.map((_, j) => -0.5 - j / 4);
      logProb.forEach((l, j) => {
        const input = {
          logProb: numbers([l]),
          anchorLogProb: numbers([reference[j]]),
          logPropensity: numbers([-1]),
          utility: numbers([0]),
          slateWeight: numbers([1]),
          roundOf: tensor(Int32Array.of(0)),
          rounds: 1,
        };
        expect(klEstimate(input, input.anchorLogProb).item()).toBeGreaterThanOrEqual(-1e-16);
        expect(klEstimate({ ...input, logProb: input.anchorLogProb }, input.anchorLogProb).item()).toBe(0);
      });
    },
  );
  // #endregion D7

  // #region D3
  test.prop([distribution(3)])('D3: the mean coverage reward under pi is the entropy of the classes', (p) => {
    const classes = [0, 0, 1];
    const own = classes.map((c) => classes.reduce((sum, other, i) => sum + (other === c ? p[i] : 0), 0));
    const reward = coverageReward(numbers(own.map(Math.log))).dataSync();
    const mean = p.reduce((sum, q, i) => sum + q * reward[i], 0);
    expectClose(mean, entropyOf([p[0] + p[1], p[2]]));
    expect(mean).toBeLessThanOrEqual(entropyOf(p) + 1e-12);
  });
  // #endregion D3
});

describe('class probabilities from the log', () => {
  const log = logFromRecords([
    {
      id: 'a',
      prompt: 'x',
      responses: [
        { text: '1', propensity: 0.5, opinion: 'yes' },
        { text: '2', propensity: 0.25, opinion: 'no' },
      ],
    },
    { id: 'b', prompt: 'x', responses: [{ text: '3', propensity: 0.25, opinion: 'no' }] },
    { id: 'c', prompt: 'z', responses: [{ text: '1', propensity: 0.5, opinion: 'yes' }] },
  ]);

  test('D3: self-normalised over all responses of the prompt, by hand', () => {
    // weights 1, 2, 3 for prompt x: yes 1/6, no 5/6
    const found = classProbabilities(log, [0, Math.log(2), Math.log(3), 5]);
    expect(found.byPrompt.get('x')!.get('yes')).toBeCloseTo(1 / 6, 14);
    expectAllClose(found.ownLogProb, [1 / 6, 5 / 6, 5 / 6, 1].map(Math.log));
    expectClose(classEntropy(found.byPrompt.get('x')!), entropyOf([1 / 6, 5 / 6]));
    expectClose(classEntropy(found.byPrompt.get('z')!), 0);
  });

  test('D3: a common factor, weights beyond float64 and a prompt without weight', () => {
    const l = [0, Math.log(2), Math.log(3), 0];
    expectAllClose(
      classProbabilities(
        log,
        l.map((x) => x + 5000),
      ).ownLogProb,
      classProbabilities(log, l).ownLogProb,
    );
    const none = classProbabilities(log, [-Infinity, -Infinity, -Infinity, 0]);
    expect([...none.ownLogProb]).toEqual([-Infinity, -Infinity, -Infinity, 0]);
    expect(classEntropy(none.byPrompt.get('x')!)).toBe(0);
  });

  test('D3: with every response logged in proportion, exact', () => {
    // pi = (0.6, 0.4) on yes and no; pi0 = (0.25, 0.75): 1 yes and 3 no
    const records = ['yes', 'no', 'no', 'no'].map((opinion, i) => ({
      id: String(i),
      prompt: 'x',
      responses: [{ text: opinion, propensity: opinion === 'yes' ? 0.25 : 0.75, opinion }],
    }));
    const found = classProbabilities(
      logFromRecords(records),
      ['yes', 'no', 'no', 'no'].map((c) => (c === 'yes' ? Math.log(0.6 / 0.25) : Math.log(0.4 / 0.75))),
    );
    expectClose(found.byPrompt.get('x')!.get('yes')!, 0.6);
  });

  test('D3: a response without class is refused, with its round', () => {
    const torn = logFromRecords([
      { id: 'a', prompt: 'x', responses: [{ text: '1', propensity: 0.5, opinion: 'yes' }] },
      { id: 'b', prompt: 'x', responses: [{ text: '1', propensity: 0.5 }] },
    ]);
    expect(() => classProbabilities(torn, [0, 0])).toThrow(/round b/);
  });
});

/** -sum p log p with p the share of each distinct response, by loops. */
function slateEntropy(logProb: readonly number[], texts: readonly number[]): number {
  const kept = logProb.filter((_, j) => texts.indexOf(texts[j]) === j).map(Math.exp);
  const total = kept.reduce((a, b) => a + b, 0);
  return total === 0 ? 0 : entropyOf(kept.map((m) => m / total));
}

describe('rewards of a slate', () => {
  const slates = fc.array(fc.array(fc.tuple(fc.nat(3), fc.constant(0)), { minLength: 1, maxLength: 4 }), {
    minLength: 1,
    maxLength: 4,
  });
  const table = fc.array(
    fc.oneof(
      { weight: 5, arbitrary: fc.double({ min: -8, max: 0, noNaN: true }) },
      { weight: 1, arbitrary: fc.constant(-Infinity) },
    ),
    { minLength: 4, maxLength: 4 },
  );
  const read = (list: readonly (readonly (readonly [number, number])[])[], logProb: readonly number[]) => {
    const rows = list.flatMap((slate, i) =>
      slate.map(([text], j) => ({ i, text, first: slate.findIndex(([t]) => t === text) === j })),
    );
    return {
      logProb: numbers(rows.map(({ text }) => logProb[text])),
      distinct: numbers(rows.map(({ first }) => (first ? 1 : 0))),
      roundOf: tensor(Int32Array.from(rows, ({ i }) => i)),
    };
  };

  // #region D4
  test.prop([slates, table])(
    'D4: the entropy within each slate, duplicates merged, 0 without mass, at most log n',
    (list, logProb) => {
      const columns = read(list, logProb);
      const found = slateEntropyReward(columns.logProb, columns.distinct, columns.roundOf, list.length).dataSync();
      list.forEach((slate, i) => {
        const texts = slate.map(([t]) => t);
        expectClose(
          found[i],
          slateEntropy(
            texts.map((t) => logProb[t]),
            texts,
          ),
        );
        expect(found[i]).toBeLessThanOrEqual(Math.log(new Set(texts).size) + 1e-12);
      });
    },
  );
  // #endregion D4

  test('D4: long responses, whose probabilities are below every float', () => {
    const at = (base: number, dtype: 'float32' | 'float64') =>
      slateEntropyReward(
        tensor([base, base + Math.log(3), base - 3000], { dtype }),
        tensor([1, 1, 1], { dtype }),
        tensor(Int32Array.of(0, 0, 0)),
        1,
      ).item();
    expect(at(-2000, 'float64')).toBeCloseTo(entropyOf([0.25, 0.75]), 10);
    expect(at(-500, 'float32')).toBeCloseTo(entropyOf([0.25, 0.75]), 4);
  });

  test('D4: its gradient is that of the formula, also beside a response without mass', () => {
    const roundOf = tensor(Int32Array.of(0, 0, 0, 1, 1));
    checkGradient((l) => slateEntropyReward(l, numbers([1, 1, 0, 1, 1]), roundOf, 2), numbers([-1, -2, -1, -0.5, -3]));
  });

  test('D4: by hand, and the log without slates is refused', () => {
    const log = logFromRecords([
      {
        id: 'a',
        prompt: 'x',
        responses: ['p', 'q', 'p'].map((text) => ({
          text,
          propensity: 0.25,
          target_log_prob: Math.log(text === 'p' ? 0.6 : 0.2),
          feedback: { f: 1 },
        })),
      },
    ]);
    const rows = evaluationRows(log, null);
    const logProb = [...log.targetLogProb.values()][0];
    const found = logDiversity('slate', rows, { logProb });
    expect(found.form).toBe('slate');
    if (found.form === 'slate') expectAllClose(found.reward, [entropyOf([0.75, 0.25])]);
    const single = logFromRecords([{ id: 'a', prompt: 'x', responses: [{ text: 'p', propensity: 0.5 }] }]);
    expect(() => logDiversity('slate', evaluationRows(single, null), { logProb: Float64Array.of(-1) })).toThrow(
      /slates of at least two/,
    );
  });

  // #region D5
  test.prop([distribution(4), distribution(4)])(
    'D5: minus the Jensen-Shannon divergence lies in [-log 2, 0] and is symmetric',
    (m, p) => {
      const row = (x: readonly number[]) => tensor(Float64Array.from(x), { shape: [1, 4] });
      const found = distributionReward(row(m), row(p)).item();
      const middle = m.map((x, c) => (x + p[c]) / 2);
      const kl = (x: readonly number[]) => x.reduce((s, v, c) => s + (v > 0 ? v * Math.log(v / middle[c]) : 0), 0);
      expectClose(found, -(kl(m) + kl(p)) / 2);
      expect(found).toBeGreaterThanOrEqual(-Math.LN2 - 1e-12);
      expect(found).toBeLessThanOrEqual(1e-12);
      expectClose(distributionReward(row(p), row(m)).item(), found);
      expectClose(distributionReward(row(m), row(m)).item(), 0);
    },
  );
  // #endregion D5

  test('D5: disjoint distributions are log 2 apart; on a log the classes are pooled by prompt', () => {
    const row = (...x: number[]) => tensor(Float64Array.from(x), { shape: [1, 2] });
    expectClose(distributionReward(row(1, 0), row(0, 1)).item(), -Math.LN2);
    const of = (opinion_distribution: object | undefined) =>
      logFromRecords(
        ['yes', 'no'].map((opinion, i) => ({
          id: String(i),
          prompt: 'x',
          opinion_distribution,
          responses: [{ text: opinion, propensity: 0.5, opinion, target_log_prob: Math.log(0.5) }],
        })),
      );
    const logProb = Float64Array.of(Math.log(0.5), Math.log(0.5));
    const found = logDiversity('distribution', evaluationRows(of({ yes: 1 }), null), { logProb });
    // m = (1, 0), pi(c) = (1/2, 1/2): JS = (log(4/3) + (1/2) log(2/3) + (1/2) log 2)/2
    const js = (Math.log(4 / 3) + Math.log(2 / 3) / 2 + Math.log(2) / 2) / 2;
    if (found.form !== 'round') expect.fail(found.form);
    else expectAllClose(found.reward, [-js, -js]);
    expect(() => logDiversity('distribution', evaluationRows(of(undefined), null), { logProb })).toThrow(
      /round 0 has no opinion_distribution/,
    );
  });
});

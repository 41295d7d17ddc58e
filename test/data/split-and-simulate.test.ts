import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import {
  batches,
  foldsOf,
  jsonlText,
  logFromRecords,
  logToRecords,
  logWarnings,
  parseCandidates,
  selectRounds,
  simulateLog,
  splitLog,
} from '../../src/data/index.js';
import { seededRandom } from '../../src/random/index.js';
import { validRecords } from './log-arbitrary.js';

const seeds = fc.integer({ min: 0, max: 1e6 });
const simulated = (options: Partial<Parameters<typeof simulateLog>[0]> = {}, seed = 1) =>
  simulateLog({
    rounds: 50,
    slate: 2,
    responses: 5,
    contexts: 3,
    divergence: 1,
    signals: ['up'],
    random: seededRandom(seed),
    ...options,
  });

describe('selecting and splitting', () => {
  test.prop([validRecords, seeds])('selecting rounds is selecting records', (records, seed) => {
    const log = logFromRecords(records);
    const indices = [...records.keys()]
      .sort((a, b) => ((a * 7 + seed) % 5) - ((b * 7 + seed) % 5))
      .slice(0, 1 + (seed % records.length));
    const all = logToRecords(log);
    expect(logToRecords(selectRounds(log, indices))).toEqual(indices.map((i) => all[i]));
  });

  test('indices out of range, twice or none are refused', () => {
    const log = logFromRecords(simulated().records);
    expect(() => selectRounds(log, [])).toThrow('expected at least one round');
    expect(() => selectRounds(log, [50])).toThrow('indices[0] is 50; expected an integer from 0 to 49.');
    expect(() => selectRounds(log, [1, 1])).toThrow('indices[1] is 1 for the second time');
  });

  const clustered = fc.record({
    clusters: fc.array(fc.constantFrom('a', 'b', 'c', 'd', 'e'), { minLength: 2, maxLength: 60 }),
    given: fc.boolean(),
    fraction: fc.double({ min: 0.01, max: 0.99, noNaN: true }),
    seed: seeds,
  });
  test.prop([clustered])(
    'a split is a partition by whole clusters, near its fraction',
    ({ clusters, given, fraction, seed }) => {
      fc.pre(!given || new Set(clusters).size > 1);
      const log = logFromRecords(
        clusters.map((cluster) => ({ prompt: 'p', responses: [{ text: 'y' }], ...(given ? { cluster } : {}) })),
      );
      const { train, heldOut } = splitLog(log, fraction, seededRandom(seed));
      expect([...train.ids, ...heldOut.ids].map(Number).sort((a, b) => a - b)).toEqual(log.ids.map(Number));
      if (given) expect(heldOut.clusters?.some((c) => train.clusters?.includes(c))).toBe(false);
      else
        expect(
          Math.abs(heldOut.rounds - Math.min(Math.max(fraction * log.rounds, 1), log.rounds - 1)),
        ).toBeLessThanOrEqual(1);
      expect(splitLog(log, fraction, seededRandom(seed)).heldOut.ids).toEqual(heldOut.ids);
    },
  );

  test.prop([clustered, fc.integer({ min: 2, max: 5 })])(
    'folds keep clusters whole and are all used',
    ({ clusters, given, seed }, k) => {
      fc.pre((given ? new Set(clusters).size : clusters.length) >= k);
      const log = logFromRecords(
        clusters.map((cluster) => ({ prompt: 'p', responses: [{ text: 'y' }], ...(given ? { cluster } : {}) })),
      );
      const folds = foldsOf(log, k, seededRandom(seed));
      expect([...new Set(folds)].sort()).toEqual([...Array(k).keys()]);
      if (given) expect(new Set(clusters.map((c, i) => `${c}${folds[i]}`)).size).toBe(new Set(clusters).size);
      else {
        const sizes = [...Array(k).keys()].map((f) => folds.filter((fold) => fold === f).length);
        expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
      }
    },
  );

  test('too few to divide is refused', () => {
    const log = logFromRecords([{ prompt: 'p', responses: [{ text: 'y' }] }]);
    expect(() => splitLog(log, 0.5, seededRandom(0))).toThrow('the log has 1 rounds; expected at least 2');
    expect(() => splitLog(log, 1, seededRandom(0))).toThrow(
      'fraction is 1; expected a number strictly between 0 and 1.',
    );
    expect(() => foldsOf(log, 3, seededRandom(0))).toThrow('expected at least 3 to divide it into 3 parts');
  });

  test.prop([fc.nat(50), fc.integer({ min: 1, max: 20 }), seeds])('batches visit every index once', (n, size, seed) => {
    const all = [...batches(n, size, seededRandom(seed))];
    expect(all.flatMap((batch) => [...batch]).sort((a, b) => a - b)).toEqual([...Array(n).keys()]);
    expect(all.slice(0, -1).every((batch) => batch.length === size)).toBe(true);
  });
});

describe('simulation', () => {
  test('the same seed gives the same log, which is valid and fits its candidates', async () => {
    const { records, candidates } = simulated();
    expect(simulated().records).toEqual(records);
    const log = logFromRecords(records, { candidates: await parseCandidates([jsonlText(candidates)]) });
    expect(log).toMatchObject({ rounds: 50, responseCount: 100, propensity: 'logged', warnings: [] });
  });

  test.prop([seeds, fc.double({ min: 0, max: 2, noNaN: true })])(
    'kl, chi2 and the largest weight obey their inequalities',
    (seed, divergence) => {
      const { truth } = simulated({ rounds: 1, divergence }, seed);
      expect(truth.kl).toBeGreaterThanOrEqual(-1e-12);
      expect(Math.log1p(truth.chi2)).toBeGreaterThanOrEqual(truth.kl - 1e-12);
      expect(truth.max_weight).toBeGreaterThanOrEqual(1 + truth.chi2 - 1e-9);
      expect(truth.target.class_entropy).toBeLessThanOrEqual(truth.target.entropy + 1e-12);
      expect(truth.target.entropy).toBeLessThanOrEqual(Math.log(5) + 1e-12);
    },
  );

  test('divergence 0: the target is the logger', () => {
    const { truth } = simulated({ divergence: 0 });
    expect(truth.target).toEqual(truth.logging);
    expect([truth.kl, truth.chi2, truth.max_weight]).toEqual([
      expect.closeTo(0, 12),
      expect.closeTo(0, 12),
      expect.closeTo(1, 12),
    ]);
  });

  test('means over a long log agree with the truth within 4 standard errors, and the standard error is right', () => {
    const rounds = 20_000;
    const { records, truth } = simulated({ rounds, signals: ['up', 'down'], noise: 0.5, divergence: 0.7 }, 3);
    const log = logFromRecords(records);
    const target = log.targetLogProb.get('target') ?? new Float64Array();
    const pi0 = log.logPropensity ?? new Float64Array();
    for (const signal of ['up', 'down']) {
      const u = log.feedback.get(signal) ?? new Float64Array();
      const terms = Float64Array.from({ length: rounds }, (_, i) => {
        let term = 0;
        for (let j = 2 * i; j < 2 * i + 2; j++) term += 0.5 * Math.exp(target[j] - pi0[j]) * u[j];
        return term;
      });
      const mean = terms.reduce((a, b) => a + b) / rounds;
      const stdError = Math.sqrt(terms.reduce((a, b) => a + (b - mean) ** 2, 0) / (rounds - 1) / rounds);
      expect(Math.abs(mean - truth.target.utility[signal])).toBeLessThan(4 * truth.ips_std_error[signal]);
      expect(Math.abs(stdError / truth.ips_std_error[signal] - 1)).toBeLessThan(0.1);
      const own = u.reduce((a, b) => a + b) / u.length;
      expect(Math.abs(own - truth.logging.utility[signal])).toBeLessThan(
        4 * Math.sqrt((0.25 + 0.25) / u.length) * Math.SQRT2,
      );
    }
  });

  test('options out of range are refused', () => {
    expect(() => simulated({ responses: 1 })).toThrow('responses is 1; expected an integer of at least 2.');
    expect(() => simulated({ divergence: NaN })).toThrow('divergence is NaN');
    expect(() => simulated({ signals: [] })).toThrow('signals is []; expected at least one name, all different.');
    expect(() => simulated({ opinions: 9 })).toThrow('opinions is 9');
  });
});

describe('warnings', () => {
  const codes = (records: object[]) => logWarnings(logFromRecords(records)).map(({ code }) => code);
  const many = (fields: object, response: object = {}) =>
    Array(30).fill({ prompt: 'p', responses: [{ text: 'y', ...response }], ...fields });

  test('placeholder propensities, few rounds and altered sampling are warned about; a plain log is not', () => {
    expect(codes(many({}, { propensity: 0.5 }))).toEqual([]);
    expect(codes(many({}, { propensity: 1 }))).toEqual(['placeholder_propensity']);
    expect(codes(many({}).slice(1))).toEqual(['few_rounds']);
    for (const sampling of [{ temperature: 0.7 }, { top_p: 0.9 }, { top_k: 50 }])
      expect(codes(many({ sampling }))).toEqual(['sampling_mismatch']);
    expect(codes(many({ sampling: { temperature: 1, top_p: 1, top_k: 0 } }))).toEqual([]);
  });

  test('predictions on some responses only are dropped with a warning', () => {
    const log = logFromRecords([
      { prompt: 'p', responses: [{ text: 'y', predicted_reward: 1 }, { text: 'z' }], predicted_value: { t: 1 } },
      { prompt: 'p', responses: [{ text: 'y' }] },
    ]);
    expect(log.predictedReward).toBeNull();
    expect(log.predictedValue.size).toBe(0);
    expect(log.warnings.map(({ code }) => code)).toEqual(['partial_predictions', 'partial_predictions', 'few_rounds']);
  });
});

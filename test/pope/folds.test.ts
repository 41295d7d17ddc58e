import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { logShape } from '../../src/pope/estimator-keys.js';
import { evaluationRows } from '../../src/pope/evaluation-rows.js';
import { evaluate } from '../../src/pope/index.js';
import { expectClose } from '../theorems/close.js';
import { logOf, mean, type Row, up } from './evaluation-log.js';

// beta_star fits its baseline on the other folds: what makes it unbiased is how the folds are cut

const row = fc.record({
  p0: fc.integer({ min: 1, max: 8 }).map((k) => k / 8),
  pi: fc.integer({ min: 1, max: 8 }).map((k) => k / 8),
  up: fc.option(fc.integer({ min: -8, max: 8 }).map((k) => k / 4)),
});
const seen: fc.Arbitrary<Row> = row.map((r) => ({ ...r, up: r.up ?? 1 }));
const seeds = fc.integer({ min: 0, max: 1e6 });

/** Rounds of one response, with the clusters named where they are given. */
const log = (rounds: readonly Row[], clusters?: readonly string[]) =>
  logOf(rounds.map((r, i) => ({ rows: [r], ...(clusters && { cluster: clusters[i] }) })));
const shapeOf = (rounds: readonly Row[], seed: number, clusters?: readonly string[]) =>
  logShape(evaluationRows(log(rounds, clusters), up), seed);

/** The mean of rho (u - beta) + beta, where the rounds of a fold have the beta of the other folds: plain loops. */
function crossFitted(rounds: readonly Row[], foldOf: ArrayLike<number>): number {
  const w = rounds.map((r) => r.pi / r.p0);
  const z = rounds.map((r, i) => w[i] * r.up!);
  const betaWithout = (fold: number): number => {
    const rest = rounds.map((_, i) => i).filter((i) => foldOf[i] !== fold);
    if (rest.length === 0) return 0;
    const [meanW, meanZ] = [mean(rest.map((i) => w[i])), mean(rest.map((i) => z[i]))];
    const variance = mean(rest.map((i) => (w[i] - meanW) ** 2));
    return variance > 1e-12 ? mean(rest.map((i) => (w[i] - meanW) * (z[i] - meanZ))) / variance : 0;
  };
  const betas = rounds.map((_, i) => betaWithout(foldOf[i]));
  return mean(rounds.map((_, i) => z[i] + (1 - w[i]) * betas[i]));
}
const betaStarOf = (rounds: readonly Row[], seed: number, clusters?: readonly string[]): number =>
  evaluate(log(rounds, clusters), { signals: up, diversity: 'none', seed }).targets['pi'].utility['beta_star']!
    .estimate!;

describe('the folds of an evaluation', () => {
  test.prop([
    fc
      .array(fc.tuple(row, fc.integer({ min: 0, max: 7 })), { minLength: 1, maxLength: 30 })
      .filter((rounds) => rounds.some(([r]) => r.up !== null)),
    seeds,
    fc.boolean(),
  ])('rounds of one cluster share one, and they are as even as units can be cut in five', (drawn, seed, clustered) => {
    const used = drawn.filter(([r]) => r.up !== null);
    const clusterNames = drawn.map(([, c]) => `c${c}`);
    const units = clustered ? used.map(([, c]) => `c${c}`) : used.map((_, i) => `r${i}`);
    const shape = shapeOf(
      drawn.map(([r]) => r),
      seed,
      clustered ? clusterNames : undefined,
    );
    expect(shape.rounds).toBe(used.length);
    expect(shape.foldOf).toHaveLength(used.length);
    const foldOfUnit = new Map<string, number>();
    units.forEach((unit, i) => {
      if (foldOfUnit.has(unit)) expect(shape.foldOf[i]).toBe(foldOfUnit.get(unit));
      foldOfUnit.set(unit, shape.foldOf[i]);
    });
    expect(shape.folds).toBe(Math.min(5, foldOfUnit.size));
    const sizes = new Array<number>(shape.folds).fill(0);
    for (const fold of foldOfUnit.values()) sizes[fold]++;
    expect(sizes.reduce((a, b) => a + b, 0)).toBe(foldOfUnit.size); // no fold out of range
    expect(Math.min(...sizes)).toBeGreaterThanOrEqual(1);
    expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
  });

  test('the same seed cuts the same folds, and every other seed others', () => {
    const rounds = Array.from({ length: 40 }, () => ({ p0: 0.5, pi: 0.5, up: 1 }));
    const cut = (seed: number) => [...shapeOf(rounds, seed).foldOf].join('');
    expect(cut(3)).toBe(cut(3));
    expect(new Set(Array.from({ length: 20 }, (_, seed) => cut(seed))).size).toBe(20);
  });

  test('are drawn, not dealt: over 500 seeds any two of ten units share one as often as chance has it', () => {
    const rounds = Array.from({ length: 10 }, () => ({ p0: 0.5, pi: 0.5, up: 1 }));
    const folds = Array.from({ length: 500 }, (_, seed) => shapeOf(rounds, seed).foldOf);
    for (const [i, j] of [
      [0, 1],
      [0, 5],
      [4, 9],
      [2, 8],
    ]) {
      const share = mean(folds.map((foldOf) => (foldOf[i] === foldOf[j] ? 1 : 0)));
      const chance = 1 / 9; // two units a fold
      expect(Math.abs(share - chance)).toBeLessThan(4.5 * Math.sqrt((chance * (1 - chance)) / 500));
    }
  });
});

describe('beta_star of an evaluation', () => {
  test.prop([fc.array(seen, { minLength: 2, maxLength: 12 }), seeds])(
    'is cross-fitted on the folds of its seed, in plain loops',
    (rounds, seed) => {
      expectClose(betaStarOf(rounds, seed), crossFitted(rounds, shapeOf(rounds, seed).foldOf), 100);
    },
  );

  test.prop([fc.array(fc.tuple(seen, fc.boolean()), { minLength: 2, maxLength: 12 }), seeds])(
    'with two clusters, each has the beta of the other, whatever the seed; with one it is ips',
    (drawn, seed) => {
      const rounds = drawn.map(([r]) => r);
      const side = drawn.map(([, second], i) => (i === 0 ? 0 : i === 1 ? 1 : Number(second)));
      const two = betaStarOf(
        rounds,
        seed,
        side.map((s) => `c${s}`),
      );
      expectClose(two, crossFitted(rounds, side), 100);
      const one = betaStarOf(
        rounds,
        seed,
        rounds.map(() => 'c'),
      );
      expectClose(one, mean(rounds.map((r) => (r.pi / r.p0) * r.up!)), 10);
    },
  );

  test('another seed is another estimate, where the folds matter; the same seed is the same', () => {
    const rounds = Array.from({ length: 30 }, (_, i) => ({ p0: 0.5, pi: i % 3 === 0 ? 0.9 : 0.1, up: (i * i) % 7 }));
    const estimates = Array.from({ length: 8 }, (_, seed) => betaStarOf(rounds, seed));
    expect(new Set(estimates).size).toBe(8);
    expect(betaStarOf(rounds, 3)).toBe(estimates[3]);
  });
});

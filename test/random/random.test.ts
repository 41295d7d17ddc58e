import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import {
  categorical,
  normal,
  permutation,
  randomState,
  restoreRandom,
  seededRandom,
  splitRandom,
  uniform,
  uniformInt,
} from '../../src/random/index.js';

const draws = <T>(n: number, draw: () => T): T[] => Array.from({ length: n }, draw);
const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

describe('random: outputs for a seed are pinned', () => {
  test('uniform, uniformInt, normal, categorical, permutation, split', () => {
    const random = seededRandom(42);
    expect({
      uniform: draws(3, () => uniform(random)),
      uniformInt: draws(5, () => uniformInt(random, 100)),
      normal: draws(3, () => normal(random)),
      categorical: draws(5, () => categorical(random, [0.2, 0.3, 0.5])),
      permutation: [...permutation(random, 8)],
      split: draws(2, () => uniform(splitRandom(random))),
      state: randomState(random),
    }).toMatchInlineSnapshot(`
      {
        "categorical": [
          2,
          1,
          1,
          2,
          1,
        ],
        "normal": [
          0.13252507442806008,
          0.30500166394841366,
          -0.4074621184063083,
        ],
        "permutation": [
          2,
          0,
          3,
          7,
          5,
          1,
          4,
          6,
        ],
        "split": [
          0.6449149184555888,
          0.5107514990118882,
        ],
        "state": [
          1896281618,
          -1469957101,
          -86062011,
          1978950191,
        ],
        "uniform": [
          0.031140289380758523,
          0.4731396246998617,
          0.8185342013466259,
        ],
        "uniformInt": [
          31,
          22,
          43,
          13,
          46,
        ],
      }
    `);
  });
});

describe('random: state', () => {
  test.prop([fc.maxSafeInteger(), fc.nat(20)])('a restored state continues bit for bit', (seed, before) => {
    const random = seededRandom(seed);
    draws(before, () => normal(random));
    const resumed = restoreRandom(JSON.parse(JSON.stringify(randomState(random))));
    expect(draws(5, () => normal(resumed))).toEqual(draws(5, () => normal(random)));
    expect(uniform(splitRandom(resumed))).toBe(uniform(splitRandom(random)));
  });

  test.prop([fc.maxSafeInteger(), fc.maxSafeInteger()])('different seeds give different streams', (x, y) => {
    fc.pre(x !== y);
    expect(randomState(seededRandom(x))).not.toEqual(randomState(seededRandom(y)));
  });

  test('bad seeds and states are refused', () => {
    for (const seed of [0.5, Number.NaN, Infinity, 2 ** 60]) expect(() => seededRandom(seed)).toThrow(/seed/);
    expect(() => restoreRandom([0, 0, 0, 0])).toThrow(/state/);
    expect(() => restoreRandom([1, 2, 3])).toThrow(/state/);
    expect(() => restoreRandom([1, 2, 3, 2 ** 31])).toThrow(/state/);
    expect(() => restoreRandom([1, 2, 3, 0.5])).toThrow(/state/);
  });

  test('neighbouring seeds and split streams are uncorrelated', () => {
    const n = 4000;
    const parent = seededRandom(5);
    const child = splitRandom(parent);
    const grandchild = splitRandom(child);
    const sibling = splitRandom(parent);
    const streams = [parent, child, grandchild, sibling, seededRandom(6), seededRandom(7)].map((random) =>
      draws(n, () => uniform(random) - 0.5),
    );
    for (let i = 0; i < streams.length; i++) {
      for (let j = 0; j < i; j++) {
        const correlation = 12 * mean(streams[i]!.map((value, k) => value * streams[j]![k]!));
        expect(Math.abs(correlation)).toBeLessThan(4.5 / Math.sqrt(n));
      }
    }
  });

  test('first outputs over consecutive seeds are uniform', () => {
    const firsts = draws(
      4000,
      (() => {
        let seed = 0;
        return () => uniform(seededRandom(seed++));
      })(),
    );
    expect(Math.abs(mean(firsts) - 0.5)).toBeLessThan(4.5 * Math.sqrt(1 / 12 / 4000));
    expect(Math.abs(mean(firsts.map((u) => (u - 0.5) ** 2)) - 1 / 12)).toBeLessThan(4.5 * Math.sqrt(1 / 180 / 4000));
  });
});

describe('random: distributions', () => {
  test('uniform lies in [0, 1), uses its low bits and has the right moments', () => {
    const random = seededRandom(1);
    const values = draws(20000, () => uniform(random));
    expect(values.every((u) => u >= 0 && u < 1)).toBe(true);
    expect(values.some((u) => (u * 2 ** 53) % 2 === 1)).toBe(true);
    expect(Math.abs(mean(values) - 1 / 2)).toBeLessThan(4.5 * Math.sqrt(1 / 12 / values.length));
    expect(Math.abs(mean(values.map((u) => u * u)) - 1 / 3)).toBeLessThan(4.5 * Math.sqrt(4 / 45 / values.length));
  });

  test('normal has the right first four moments', () => {
    const random = seededRandom(2);
    const n = 40000;
    const values = draws(n, () => normal(random));
    const momentVariance = [1, 2, 15, 96]; // of z, z^2, z^3, z^4
    [0, 1, 0, 3].forEach((expected, k) => {
      const got = mean(values.map((z) => z ** (k + 1)));
      expect(Math.abs(got - expected)).toBeLessThan(4.5 * Math.sqrt(momentVariance[k]! / n));
    });
  });

  test('uniformInt and categorical have the right frequencies', () => {
    const random = seededRandom(3);
    const n = 30000;
    const check = (probabilities: readonly number[], draw: () => number) => {
      const counts = probabilities.map(() => 0);
      for (let i = 0; i < n; i++) counts[draw()]!++;
      probabilities.forEach((p, k) => {
        expect(Math.abs(counts[k]! / n - p)).toBeLessThanOrEqual(4.5 * Math.sqrt((p * (1 - p)) / n));
      });
    };
    check(Array(7).fill(1 / 7), () => uniformInt(random, 7));
    check([0.1, 0, 0.6, 0.3, 0], () => categorical(random, [0.2, 0, 1.2, 0.6, 0]));
    check([0, 1], () => categorical(random, Float32Array.of(0, 1e-30)));
  });

  test.prop([fc.integer(), fc.integer({ min: 1, max: 4294967296 })])('uniformInt stays in range', (seed, n) => {
    const draw = uniformInt(seededRandom(seed), n);
    expect(Number.isInteger(draw) && draw >= 0 && draw < n).toBe(true);
  });

  test.prop([fc.integer(), fc.nat(50)])('permutation is one', (seed, n) => {
    expect([...permutation(seededRandom(seed), n)].sort((a, b) => a - b)).toEqual(
      draws(
        n,
        (() => {
          let i = 0;
          return () => i++;
        })(),
      ),
    );
  });

  test('permutation: all six orders of three are equally likely', () => {
    const random = seededRandom(4);
    const counts = new Map<string, number>();
    for (let i = 0; i < 12000; i++) {
      const key = permutation(random, 3).join();
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
    expect(counts.size).toBe(6);
    for (const count of counts.values()) expect(Math.abs(count - 2000)).toBeLessThan(4.5 * Math.sqrt(12000 * (5 / 36)));
  });

  test('bad arguments are refused', () => {
    const random = seededRandom(0);
    for (const n of [0, -1, 1.5, Number.NaN, 2 ** 33]) expect(() => uniformInt(random, n)).toThrow(/n is/);
    expect(() => categorical(random, [])).toThrow(/probabilities/);
    expect(() => categorical(random, [0, 0])).toThrow(/probabilities/);
    expect(() => categorical(random, [0.5, -0.1])).toThrow(/probabilities\[1\]/);
    expect(() => categorical(random, [Number.NaN])).toThrow(/probabilities\[0\]/);
    expect(() => permutation(random, -1)).toThrow(/n is/);
  });
});

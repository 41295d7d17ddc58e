import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { seededRandom } from '../../src/random/index.js';
import { resampleCounts } from '../../src/stats/index.js';
import { drawPoisson, resampleKeys, streamWords } from '../../src/stats/resampling/draw-counts.js';
import { BLOCK_ROWS, poissonTables } from '../../src/stats/resampling/index.js';
import { binomial, splitDraws } from '../../src/stats/resampling/split-draws.js';
import { draw, startStream } from '../../src/stats/resampling/stream.js';

/** The chi-square statistic in standard deviations above its mean. */
function chiSquare(counts: readonly number[], probabilities: readonly number[]): number {
  const total = counts.reduce((a, b) => a + b, 0);
  const statistic = counts.reduce(
    (s, k, i) => s + (k - total * probabilities[i]!) ** 2 / (total * probabilities[i]!),
    0,
  );
  const freedom = counts.length - 1;
  return (statistic - freedom) / Math.sqrt(2 * freedom);
}

const streamOf = (seed: number) => startStream(resampleKeys(seededRandom(seed), 1), 0, streamWords());
const factorial = (n: number): number => (n <= 1 ? 1 : n * factorial(n - 1));
const binomialProbability = (n: number, k: number, p: number): number =>
  (factorial(n) / factorial(k) / factorial(n - k)) * p ** k * (1 - p) ** (n - k);

describe('the random words', () => {
  test('are those of sfc32, in four lanes', () => {
    const stream = streamOf(1);
    const before = stream.state.slice();
    draw(stream, 3);
    for (let lane = 0; lane < 4; lane++) {
      let [a, b, c, d] = [0, 4, 8, 12].map((i) => before[i + lane]!) as [number, number, number, number];
      for (let i = 0; i < 3; i++) {
        const t = (a + b + d) | 0;
        d = (d + 1) | 0;
        a = b ^ (b >>> 9);
        b = (c + (c << 3)) | 0;
        c = ((c << 21) | (c >>> 11)) + t;
        c |= 0;
        expect(stream.words[4 * i + lane]).toBe(t);
      }
    }
  });

  test('every bit is fair and independent of its neighbours, of other lanes and of other keys', () => {
    const keys = resampleKeys(seededRandom(2), 2);
    const [x, y] = [0, 1].map((r) => {
      const stream = startStream(keys, r, new Int32Array(40_000));
      draw(stream, 10_000);
      return stream.words;
    }) as [Int32Array, Int32Array];
    const fair = (of: (i: number) => number): void => {
      for (let bit = 0; bit < 32; bit++) {
        let ones = 0;
        for (let i = 0; i < 39_990; i++) ones += (of(i) >>> bit) & 1;
        expect(Math.abs(ones - 19_995) / Math.sqrt(39_990 / 4)).toBeLessThan(4.5);
      }
    };
    fair((i) => x[i]!);
    for (const lag of [1, 2, 3, 4, 8]) fair((i) => x[i]! ^ x[i + lag]!);
    fair((i) => x[i]! ^ (x[i]! >>> 1) ^ (x[i + 4]! << 1));
    fair((i) => x[i]! ^ y[i]!);
  });
});

describe('multinomial counts', () => {
  test.prop([fc.integer({ min: 1, max: 3 * BLOCK_ROWS }), fc.integer()], { numRuns: 40 })(
    'are as many as the rows, exactly',
    (rows, seed) => {
      const counts = resampleCounts(seededRandom(seed), rows);
      expect(counts.length).toBe(rows);
      expect(counts.reduce((sum, k) => sum + k, 0)).toBe(rows);
    },
  );

  test('have the multinomial probabilities: all ten outcomes of three rows', () => {
    const random = seededRandom(3);
    const seen = new Map<string, number>();
    for (let i = 0; i < 20_000; i++) {
      const key = resampleCounts(random, 3).join('');
      seen.set(key, (seen.get(key) ?? 0) + 1);
    }
    const outcomes = [...seen.keys()].sort();
    expect(outcomes).toHaveLength(10);
    const probability = (key: string) => 6 / [...key].reduce((p, k) => p * factorial(Number(k)), 1) / 27;
    expect(
      chiSquare(
        outcomes.map((key) => seen.get(key)!),
        outcomes.map(probability),
      ),
    ).toBeLessThan(4.5);
  });

  test.each([
    [6, 3, 7],
    [6, 1, 2],
    [5, 1, 16],
    [4, 5, 6],
  ])('a split of %i draws with probability %i/%i is binomial', (draws, left, total) => {
    const stream = streamOf(draws * 100 + total);
    const counts = new Array<number>(draws + 1).fill(0);
    for (let i = 0; i < 20_000; i++) counts[binomial(stream, draws, left, total)]!++;
    // rare outcomes together
    const expected = counts.map((_, k) => binomialProbability(draws, k, left / total));
    const common = expected.map((p, k) => ({ p, k })).filter(({ p }) => p > 1e-3);
    const rest = 1 - common.reduce((sum, { p }) => sum + p, 0);
    const other = 20_000 - common.reduce((sum, { k }) => sum + counts[k]!, 0);
    const z = chiSquare(
      [...common.map(({ k }) => counts[k]!), ...(rest > 1e-9 ? [other] : [])],
      [...common.map(({ p }) => p), ...(rest > 1e-9 ? [rest] : [])],
    );
    expect(z).toBeLessThan(4.5);
  });

  test('a split of many draws has the mean and the variance of the binomial', () => {
    const stream = streamOf(4);
    const [draws, p, runs] = [100_000, 5 / 13, 400];
    const found = Array.from({ length: runs }, () => binomial(stream, draws, 5, 13));
    const sd = Math.sqrt(draws * p * (1 - p));
    const z = found.map((k) => (k - draws * p) / sd);
    expect(Math.abs(z.reduce((a, b) => a + b, 0))).toBeLessThan(4.5 * Math.sqrt(runs));
    expect(Math.abs(z.reduce((a, b) => a + b * b, 0) / runs - 1)).toBeLessThan(4.5 * Math.sqrt(2 / runs));
  });

  test('certain and impossible splits cost nothing and are certain', () => {
    const stream = streamOf(5);
    const before = stream.state.slice();
    expect(binomial(stream, 0, 1, 3)).toBe(0);
    expect(binomial(stream, 9, 0, 3)).toBe(0);
    expect(stream.state).toEqual(before);
  });

  test('blocks get their shares, uneven ones as well: every outcome of 4 draws into blocks of 2, 2 and 1 rows', () => {
    const stream = streamOf(6);
    const seen = new Map<string, number>();
    const out = new Int32Array(3);
    for (let i = 0; i < 20_000; i++) {
      splitDraws(stream, 4, 5, 2, out);
      seen.set(out.join(''), (seen.get(out.join('')) ?? 0) + 1);
    }
    const outcomes = [...seen.keys()];
    expect(outcomes).toHaveLength(15);
    const probability = (key: string) => {
      const [a, b, c] = [...key].map(Number) as [number, number, number];
      return (24 / factorial(a) / factorial(b) / factorial(c)) * 0.4 ** (a + b) * 0.2 ** c;
    };
    expect(
      chiSquare(
        outcomes.map((key) => seen.get(key)!),
        outcomes.map(probability),
      ),
    ).toBeLessThan(4.5);
  });

  test('over several blocks: variances 1 - 1/n, pairs with covariance -1/n, binomial halves', () => {
    const random = seededRandom(7);
    const rows = 2 * BLOCK_ROWS + 1000;
    const runs = 60;
    let [squares, pairs] = [0, 0];
    const halves: number[] = [];
    for (let r = 0; r < runs; r++) {
      const counts = resampleCounts(random, rows);
      let first = 0;
      for (let i = 0; i < rows; i++) {
        squares += (counts[i]! - 1) ** 2;
        pairs += (counts[i]! - 1) * (counts[(i + 1) % rows]! - 1);
        if (i < rows / 2) first += counts[i]!;
      }
      halves.push((first - Math.ceil(rows / 2)) / Math.sqrt(rows / 4));
    }
    const n = runs * rows;
    // (k - 1)^2 has variance 3 under Poisson(1), products of neighbours variance 1
    expect(Math.abs(squares / n - (1 - 1 / rows))).toBeLessThan(4.5 * Math.sqrt(3 / n));
    expect(Math.abs(pairs / n + 1 / rows)).toBeLessThan(4.5 * Math.sqrt(1 / n));
    expect(Math.abs(halves.reduce((a, z) => a + z * z, 0) / runs - 1)).toBeLessThan(4.5 * Math.sqrt(2 / runs));
  });

  test('refuses no rows', () => {
    for (const rows of [0, -1, 1.5, Number.NaN, 2 ** 31])
      expect(() => resampleCounts(seededRandom(0), rows)).toThrow(/rows/);
  });
});

describe('Poisson counts', () => {
  /** The distribution that a table of thresholds gives. */
  const distributionOf = (table: Int32Array): number[] => {
    const ends = [...table].map((t) => (t + 2 ** 31) / 2 ** 32);
    return [...ends, 1].map((end, i) => end - (ends[i - 1] ?? 0));
  };

  test('is Poisson(1) to 2^-32: few by four bits, many by the thresholds', () => {
    const poisson = Array.from({ length: 13 }, (_, k) => Math.exp(-1) / factorial(k));
    const few = [6, 6, 3, 1];
    const share = poisson.slice(0, 4).reduce((a, b) => a + b, 0);
    for (const [k, sixteenths] of few.entries()) expect((share * sixteenths) / 16).toBeCloseTo(poisson[k]!, 15);
    const many = distributionOf(poissonTables(BLOCK_ROWS).rest);
    expect(many).toHaveLength(9);
    for (const [i, p] of many.entries()) expect(Math.abs((1 - share) * p - poisson[4 + i]!)).toBeLessThan(2 ** -32);
  });

  test.each([1, 5, 4096, 4097, BLOCK_ROWS, BLOCK_ROWS + 1])(
    'the hits of the last block of %i rows are Poisson to 2^-31',
    (rows) => {
      const { lastHits, lastPlaces } = poissonTables(rows);
      const last = ((rows - 1) % BLOCK_ROWS) + 1;
      expect(lastPlaces).toBeGreaterThanOrEqual(last);
      expect(lastPlaces / 2).toBeLessThan(last);
      const mean = -Math.log((16 / 6) * Math.exp(-1)) * lastPlaces;
      let p = Math.exp(-mean);
      distributionOf(lastHits).forEach((found, k) => {
        expect(Math.abs(found - p)).toBeLessThan(2 ** -31);
        p *= mean / (k + 1);
      });
    },
  );

  test.each([BLOCK_ROWS, 5000, 37])('blocks of %i rows: the probabilities, the places and the lags', (rows) => {
    const stream = streamOf(rows);
    const tables = poissonTables(rows);
    const counts = new Uint8Array(BLOCK_ROWS);
    const runs = Math.ceil(1_000_000 / rows);
    const n = runs * rows;
    const seen = new Array<number>(13).fill(0);
    const atPlace = new Array<number>(rows).fill(0);
    const lags = [1, 2, 4, 16, 17];
    const products = lags.map(() => 0);
    let totals = 0;
    for (let r = 0; r < runs; r++) {
      const many = drawPoisson(stream, rows, counts, tables);
      const drawn = counts.subarray(0, rows);
      expect(many.slice().sort((a, b) => a - b)).toEqual(Array.from(drawn.keys()).filter((i) => drawn[i]! > 3));
      const total = drawn.reduce((sum, k) => sum + k, 0);
      totals += (total - rows) ** 2 / rows;
      for (let i = 0; i < rows; i++) {
        const k = counts[i]!;
        seen[k]!++;
        atPlace[i]! += k;
        lags.forEach((lag, j) => void (products[j]! += (k - 1) * (counts[(i + lag) % rows]! - 1)));
      }
    }
    const common = [...seen.slice(0, 7), seen.slice(7).reduce((a, b) => a + b, 0)];
    const probabilities = common.map((_, k) => Math.exp(-1) / factorial(k));
    probabilities[7] = 1 - probabilities.slice(0, 7).reduce((a, b) => a + b, 0);
    expect(chiSquare(common, probabilities)).toBeLessThan(4.5);
    const places = atPlace.reduce((sum, k) => sum + (k - runs) ** 2 / runs, 0);
    // a sum of `rows` squares, each of mean 1 and of variance 2 + 1/runs
    expect(Math.abs(places - rows) / Math.sqrt((2 + 1 / runs) * rows)).toBeLessThan(4.5);
    for (const product of products) expect(Math.abs(product) / Math.sqrt(n)).toBeLessThan(4.5);
    expect(Math.abs(totals - runs) / Math.sqrt((2 + 1 / rows) * runs)).toBeLessThan(4.5);
  });
});

import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { tensor } from '../../src/backend/index.js';
import { adamwInit, adamwStep, clipGradient, constantRate, globalNorm, warmupCosine } from '../../src/nn/index.js';
import { distance } from './tiny-gpt.js';

const float64 = (data: readonly number[] | readonly (readonly number[])[]) => tensor(data, { dtype: 'float64' });
const number = fc.double({ min: -3, max: 3, noNaN: true });

describe('adamwStep', () => {
  test.prop([fc.array(fc.tuple(number, number), { minLength: 1, maxLength: 4 }), number, fc.constantFrom(0, 0.1)])(
    'follows the formula by hand over several steps, decaying matrices only',
    (gradients, start, weightDecay) => {
      const [learningRate, beta1, beta2, epsilon] = [0.01, 0.8, 0.95, 1e-6];
      let params: { a: ReturnType<typeof float64>; b: ReturnType<typeof float64>[] } = {
        a: float64([[start]]),
        b: [float64([start])],
      };
      let state = adamwInit(params);
      const hand = [0, 1].map(() => ({ p: start, m: 0, v: 0 }));
      gradients.forEach((pair, i) => {
        const next = adamwStep(params, { a: float64([[pair[0]]]), b: [float64([pair[1]])] }, state, {
          learningRate,
          beta1,
          beta2,
          epsilon,
          weightDecay,
        });
        ({ params, state } = next);
        hand.forEach((h, which) => {
          const g = pair[which]!;
          h.m = beta1 * h.m + (1 - beta1) * g;
          h.v = beta2 * h.v + (1 - beta2) * g * g;
          const step = h.m / (1 - beta1 ** (i + 1)) / (Math.sqrt(h.v / (1 - beta2 ** (i + 1))) + epsilon);
          h.p -= learningRate * (step + (which === 0 ? weightDecay : 0) * h.p);
        });
      });
      expect(state.step).toBe(gradients.length);
      expect(
        distance(
          [params.a.item(), params.b[0]!.item()],
          hand.map(({ p }) => p),
        ),
      ).toBeLessThan(1e-12);
    },
  );

  test('the first step moves by the learning rate against the sign of the gradient', () => {
    const params = { p: float64([1, 2, 3]) };
    const { params: next } = adamwStep(params, { p: float64([5, -0.1, 0]) }, adamwInit(params), { learningRate: 0.1 });
    expect(distance(next.p.dataSync(), [0.9, 2.1, 3])).toBeLessThan(1e-7);
  });

  test('refuses other structures and options outside their domain', () => {
    const params = { p: float64([1, 2]), q: float64([1]) };
    const state = adamwInit(params);
    expect(() =>
      adamwStep(params, { p: float64([1, 2]) } as unknown as typeof params, state, { learningRate: 1 }),
    ).toThrow(/gradients is 1; expected as many tensors as params, 2/);
    expect(() => adamwStep(params, { p: float64([1]), q: float64([1]) }, state, { learningRate: 1 })).toThrow(
      /tensor 0 of gradients/,
    );
    for (const options of [
      { learningRate: Number.NaN },
      { learningRate: 1, beta1: 1 },
      { learningRate: 1, epsilon: 0 },
      { learningRate: 1, weightDecay: -1 },
    ]) {
      expect(() => adamwStep(params, params, state, options)).toThrow(/expected/);
    }
  });
});

describe('warmupCosine', () => {
  test('has the stated values', () => {
    const rate = warmupCosine({ peak: 1, warmup: 10, steps: 110, final: 0.1 });
    const expected: [number, number][] = [
      [0, 0],
      [1, 0.1],
      [5, 0.5],
      [10, 1],
      [60, 0.55],
      [110, 0.1],
      [500, 0.1],
    ];
    for (const [step, value] of expected) expect(rate(step)).toBeCloseTo(value, 12);
    expect(warmupCosine({ peak: 2, steps: 4 })(0)).toBe(2);
    expect(warmupCosine({ peak: 2, warmup: 4, steps: 4 })(4)).toBe(2);
    expect(constantRate(0.3)(17)).toBe(0.3);
  });

  test('falls after the warm-up and stays within its bounds', () => {
    const rate = warmupCosine({ peak: 3e-3, warmup: 7, steps: 100, final: 1e-4 });
    for (let step = 7; step < 100; step++) expect(rate(step + 1)).toBeLessThan(rate(step));
    expect(Math.min(...Array.from({ length: 93 }, (_, i) => rate(7 + i)))).toBeGreaterThanOrEqual(1e-4);
  });

  test.each([
    [{ peak: -1, steps: 5 }, /peak is -1/],
    [{ peak: 1, steps: 0 }, /steps is 0/],
    [{ peak: 1, steps: 5, warmup: 6 }, /warmup is 6; expected an integer from 0 to 5/],
    [{ peak: 1, steps: 5, final: 2 }, /final is 2; expected a number from 0 to 1/],
  ])('refuses %j', (options, message) => {
    expect(() => warmupCosine(options)).toThrow(message);
  });
});

describe('clipGradient', () => {
  test.prop([fc.array(number, { minLength: 1, maxLength: 5 }), fc.double({ min: 0.01, max: 10, noNaN: true })])(
    'keeps the direction and bounds the norm',
    (values, maxNorm) => {
      const norm = Math.hypot(...values, ...values);
      const clipped = clipGradient({ a: float64(values), b: [float64([values])] }, maxNorm);
      expect(clipped.norm.item()).toBeCloseTo(norm, 10);
      const factor = norm > maxNorm ? maxNorm / norm : 1;
      expect(
        distance(
          clipped.gradient.a.dataSync(),
          values.map((v) => v * factor),
        ),
      ).toBeLessThan(1e-12);
      expect(globalNorm(clipped.gradient).item()).toBeLessThanOrEqual(Math.min(norm, maxNorm) + 1e-12);
    },
  );

  test('a zero gradient stays zero, a norm that is not finite shows', () => {
    expect([...clipGradient({ a: float64([0, 0]) }, 1).gradient.a.dataSync()]).toEqual([0, 0]);
    expect(clipGradient({ a: float64([Number.NaN]) }, 1).norm.item()).toBeNaN();
    expect(clipGradient({ a: float64([Number.POSITIVE_INFINITY]) }, 1).norm.item()).toBe(Number.POSITIVE_INFINITY);
    expect(() => clipGradient({ a: float64([1]) }, 0)).toThrow(/maxNorm is 0/);
    expect(() => globalNorm([])).toThrow(/at least one tensor/);
  });
});

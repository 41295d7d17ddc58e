import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { checkGradient, grad } from '../../src/autograd/index.js';
import { tensor } from '../../src/backend/index.js';
import {
  clip,
  exponentialWeight,
  implicitExploration,
  importanceWeight,
  scaledWeight,
  shrink,
  subGaussian,
  switchAt,
  type WeightTransform,
} from '../../src/ope/index.js';
import { sum } from '../../src/ops/index.js';
import type { Tensor } from '../../src/tensor/index.js';
import { expectAllClose, expectClose } from '../theorems/close.js';

const at = (weight: WeightTransform, logRatio: number): number => weight(tensor(Float64Array.of(logRatio))).item();
const logRatios = fc.double({ min: -30, max: 30, noNaN: true });

const transforms: Record<string, { readonly weight: WeightTransform; readonly formula: (rho: number) => number }> = {
  importanceWeight: { weight: importanceWeight, formula: (rho) => rho },
  'clip(2)': { weight: clip(2), formula: (rho) => Math.min(rho, 2) },
  'clip(Infinity)': { weight: clip(Infinity), formula: (rho) => rho },
  'switchAt(2)': { weight: switchAt(2), formula: (rho) => (rho <= 2 ? rho : 0) },
  'switchAt(0)': { weight: switchAt(0), formula: () => 0 },
  'switchAt(Infinity)': { weight: switchAt(Infinity), formula: (rho) => rho },
  'shrink(3)': { weight: shrink(3), formula: (rho) => 3 / (rho + 3 / rho) },
  'shrink(0)': { weight: shrink(0), formula: () => 0 },
  'shrink(Infinity)': { weight: shrink(Infinity), formula: (rho) => rho },
  'subGaussian(0)': { weight: subGaussian(0), formula: (rho) => rho },
  'subGaussian(0.3)': { weight: subGaussian(0.3), formula: (rho) => 1 / (0.7 / rho + 0.3) },
  'subGaussian(1)': { weight: subGaussian(1), formula: () => 1 },
  'exponentialWeight(0)': { weight: exponentialWeight(0), formula: () => 1 },
  'exponentialWeight(0.5)': { weight: exponentialWeight(0.5), formula: Math.sqrt },
  'exponentialWeight(1)': { weight: exponentialWeight(1), formula: (rho) => rho },
  'implicitExploration(0)': { weight: implicitExploration(0), formula: (rho) => rho },
  'implicitExploration(0.1)': { weight: implicitExploration(0.1), formula: (rho) => 1 / (1 / rho + 0.1) },
};

describe.each(Object.entries(transforms))('%s', (_name, { weight, formula }) => {
  test.prop([logRatios])('is its formula', (l) => {
    expectClose(at(weight, l), formula(Math.exp(l)), Number.MIN_VALUE, 1e-12);
  });

  test('a target that never says it weighs 0', () => {
    expect(at(weight, -Infinity)).toBe(0);
  });

  test('gradient against central differences, and finite where rho is not', () => {
    checkGradient(weight, tensor(Float64Array.of(-3, -0.4, 0.2, 1.7)));
    if (formula(1e300) > 1e100) return; // these grow without end, and so does their derivative
    for (const l of [-800, 800])
      expect(
        [...grad((x: Tensor) => sum(weight(x)))(tensor(Float64Array.of(l))).dataSync()].every(Number.isFinite),
      ).toBe(true);
    expect(at(weight, 800)).toBeCloseTo(formula(1e300), 12);
  });
});

test('the exponential weight stays finite, value and gradient, where rho does not', () => {
  const l = tensor(Float64Array.of(1000, -1000, -Infinity));
  expectAllClose(
    [...exponentialWeight(0.5)(l).dataSync()],
    [Math.exp(500), Math.exp(-500), 0],
    Number.MIN_VALUE,
    1e-12,
  );
  const slopes = grad((x: Tensor) => sum(exponentialWeight(0.5)(x)))(l).dataSync();
  expectAllClose([...slopes], [Math.exp(500) / 2, Math.exp(-500) / 2, 0], Number.MIN_VALUE, 1e-12);
});

test('the boundary of the switch is kept', () => {
  expect(at(switchAt(2), Math.log(2))).toBeCloseTo(2, 14);
  expect(at(switchAt(1), 0)).toBe(1);
});

test.prop([
  fc.array(fc.oneof(logRatios, fc.constant(-Infinity)), { minLength: 1, maxLength: 6 }),
  fc.constantFrom(0, 2000),
])('the scaled weight is rho over its largest', (l, shift) => {
  const top = Math.max(...l);
  const scaled = [...scaledWeight(tensor(Float64Array.from(l, (x) => x + shift))).dataSync()];
  expectAllClose(
    scaled,
    l.map((x) => (top === -Infinity ? 0 : Math.exp(x - top))),
  );
});

test('parameters outside of their domain are refused', () => {
  for (const make of [() => clip(0), () => clip(-1), () => clip(Number.NaN)]) expect(make).toThrow(/limit/);
  expect(() => switchAt(-1)).toThrow(/limit/);
  expect(() => shrink(-1)).toThrow(/strength/);
  expect(() => subGaussian(1.1)).toThrow(/lambda/);
  for (const alpha of [-0.1, 1.1, Number.NaN]) expect(() => exponentialWeight(alpha)).toThrow(/alpha/);
  expect(() => implicitExploration(Infinity)).toThrow(/lambda/);
  expect(scaledWeight(tensor(new Float64Array(0))).size).toBe(0);
});

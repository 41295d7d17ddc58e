import { expect, test } from 'vitest';
import { createJsBackend, tensor, zeros } from '../../src/backend/index.js';
import { adamw, adamwComposed } from '../../src/ops/index.js';
import { gap } from '../properties/derivatives.js';

const backend = createJsBackend();
const options = { learningRate: 0.1, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0, step: 1 };
const row = (data: number[]) => tensor(data, { dtype: 'float64', backend });

test('the first step without decay moves by the learning rate against the sign of the gradient', () => {
  const { parameter, firstMoment, secondMoment } = adamw(
    row([1, 1, 1]),
    row([0.5, -20, 0]),
    row([0, 0, 0]),
    row([0, 0, 0]),
    options,
  );
  expect(gap(parameter.dataSync(), [0.9, 1.1, 1])).toBeLessThan(1e-8);
  expect(gap(firstMoment.dataSync(), [0.05, -2, 0])).toBeLessThan(1e-14);
  expect(gap(secondMoment.dataSync(), [0.00025, 0.4, 0])).toBeLessThan(1e-14);
});

test.each([
  ['fused', adamw],
  ['composed', adamwComposed],
] as const)('ten %s steps are those of Algorithm 2 of Loshchilov and Hutter', (_name, step) => {
  const gradient = (t: number): number => Math.sin(t) + 0.2;
  const { learningRate, beta1, beta2, epsilon, weightDecay } = { ...options, weightDecay: 0.1 };
  let [p, m, v] = [0.7, 0, 0];
  let ours = { parameter: row([0.7]), firstMoment: row([0]), secondMoment: row([0]) };
  for (let t = 1; t <= 10; t++) {
    const g = gradient(t);
    m = beta1 * m + (1 - beta1) * g;
    v = beta2 * v + (1 - beta2) * g ** 2;
    p -= learningRate * (m / (1 - beta1 ** t) / (Math.sqrt(v / (1 - beta2 ** t)) + epsilon) + weightDecay * p);
    ours = step(ours.parameter, row([g]), ours.firstMoment, ours.secondMoment, {
      learningRate,
      beta1,
      beta2,
      epsilon,
      weightDecay,
      step: t,
    });
  }
  expect(ours.parameter.item()).toBeCloseTo(p, 12);
});

test('adamw never writes into its operands', () => {
  const [p, g, m, v] = [row([1]), row([2]), row([3]), row([4])];
  adamw(p, g, m, v, options);
  expect([p, g, m, v].map((x) => x.item())).toEqual([1, 2, 3, 4]);
});

test('adamw refuses wrong shapes and options', () => {
  const x = zeros([2]);
  expect(() => adamw(x, zeros([3]), x, x, options)).toThrow(/\[2\], \[3\]/);
  expect(() => adamw(x, x, x, x, { ...options, step: 0 })).toThrow(/step is 0/);
  expect(() => adamw(x, x, x, x, { ...options, beta1: 1 })).toThrow(/beta1 is 1/);
  expect(() => adamw(x, x, x, x, { ...options, epsilon: 0 })).toThrow(/epsilon is 0/);
  expect(() => adamw(x, x, x, x, { ...options, learningRate: Number.NaN })).toThrow(/learningRate is NaN/);
});

import { fc, test } from '@fast-check/vitest';
import { expect } from 'vitest';
import { sensitivityInterval, tippingPoint, type WeightedRewards } from '../../src/ope/index.js';
import { expectClose } from './close.js';

const rewards: fc.Arbitrary<WeightedRewards> = fc
  .array(fc.tuple(fc.integer({ min: 0, max: 20 }), fc.integer({ min: -12, max: 12 })), { minLength: 1, maxLength: 9 })
  .map((rows) => ({
    mass: Float64Array.from(rows, ([m], i) => (i === 0 ? m + 1 : m) / 4),
    reward: Float64Array.from(rows, ([, r]) => r / 4),
  }));
const etas = fc.integer({ min: 0, max: 24 }).map((q) => q / 8);

/** Every corner of the box of errors: each mass times e^eta or e^-eta. */
function bruteForce({ mass, reward }: WeightedRewards, eta: number) {
  let [lower, upper] = [Infinity, -Infinity];
  for (let corner = 0; corner < 2 ** mass.length; corner++) {
    let [a, b] = [0, 0];
    mass.forEach((m, j) => {
      const tilted = m * Math.exp((corner >> j) & 1 ? eta : -eta);
      a += tilted * reward[j];
      b += tilted;
    });
    lower = Math.min(lower, a / b);
    upper = Math.max(upper, a / b);
  }
  return { lower, upper };
}

// #region T13
test.prop([rewards, etas])('T13: the threshold rule gives the ends of all 2^n corners', (rows, eta) => {
  const ends = sensitivityInterval(rows, eta)!;
  const brute = bruteForce(rows, eta);
  expectClose(ends.lower, brute.lower);
  expectClose(ends.upper, brute.upper);
});
// #endregion T13

test.prop([rewards, etas, etas])(
  'T13: the interval grows with eta, from the estimate itself to the range of the rewards',
  (rows, eta, more) => {
    const total = rows.mass.reduce((a, b) => a + b, 0);
    const value = rows.mass.reduce((sum, m, j) => sum + m * rows.reward[j], 0) / total;
    const none = sensitivityInterval(rows, 0)!;
    expectClose(none.lower, value);
    expectClose(none.upper, value);
    const [narrow, wide] = [sensitivityInterval(rows, eta)!, sensitivityInterval(rows, eta + more)!];
    expect(wide.lower).toBeLessThanOrEqual(narrow.lower + 1e-12);
    expect(wide.upper).toBeGreaterThanOrEqual(narrow.upper - 1e-12);
    const supported = [...rows.reward].filter((_, j) => rows.mass[j] > 0);
    for (const far of [40, 800, Infinity]) {
      const ends = sensitivityInterval(rows, far)!;
      expectClose(ends.lower, Math.min(...supported));
      expectClose(ends.upper, Math.max(...supported));
    }
  },
);

test.prop([rewards, fc.integer({ min: -20, max: 20 })])(
  'T13: the tipping point is the smallest eta whose interval reaches the reference',
  (rows, q) => {
    const reference = q / 8 + 1 / 64;
    const eta = tippingPoint(rows, reference);
    const contains = (at: number) => {
      const { lower, upper } = bruteForce(rows, at);
      return lower <= reference + 1e-9 && reference <= upper + 1e-9;
    };
    const supported = [...rows.reward].filter((_, j) => rows.mass[j] > 0);
    const reachable = Math.min(...supported) <= reference && reference <= Math.max(...supported);
    expect(eta !== null).toBe(reachable);
    if (eta === null) return;
    expect(contains(eta)).toBe(true);
    if (eta > 1e-3) expect(contains(eta * 0.99)).toBe(false);
  },
);

test('T13: by hand: two responses of equal weight with rewards 0 and 1', () => {
  const rows = { mass: Float64Array.of(1, 1), reward: Float64Array.of(0, 1) };
  const eta = Math.log(3) / 2; // odds of 3 : 1 at the ends
  const { lower, upper } = sensitivityInterval(rows, eta)!;
  expectClose(upper, 0.75);
  expectClose(lower, 0.25);
  expect(tippingPoint(rows, 0.75)).toBeCloseTo(eta, 5);
  expect(tippingPoint(rows, 0.5)).toBe(0);
  // no error of the propensities moves an estimate out of the range of its rewards, however large
  expect(tippingPoint(rows, 1.0001)).toBeNull();
  const many = {
    mass: Float64Array.from({ length: 999 }, (_, j) => 0.1 + (j % 7)),
    reward: Float64Array.from({ length: 999 }, (_, j) => 0.1 * (j % 11)),
  };
  expect(tippingPoint(many, 1.01)).toBeNull();
});

test('T13: tipping points are found up to an error of 20 nats, and are null beyond', () => {
  // masses 1 and e^(-2 eta): the tilt by eta makes them equal, and the estimate the mean of the two rewards
  const apart = (eta: number) => Float64Array.of(1, Math.exp(-2 * eta));
  for (const reward of [Float64Array.of(0, 1), Float64Array.of(1, 0)]) {
    for (const eta of [0.5, 9, 10.5, 12, 15, 18, 19.9]) {
      const found = tippingPoint({ mass: apart(eta), reward }, 0.5)!;
      expect(Math.abs(found - eta)).toBeLessThan(2e-6);
    }
    for (const eta of [20.1, 25, 40]) expect(tippingPoint({ mass: apart(eta), reward }, 0.5)).toBeNull();
  }
});

test('T13: what cannot be judged', () => {
  expect(sensitivityInterval({ mass: Float64Array.of(0, 0), reward: Float64Array.of(1, 2) }, 1)).toBeNull();
  expect(tippingPoint({ mass: Float64Array.of(0), reward: Float64Array.of(1) }, 1)).toBeNull();
  const rows = { mass: Float64Array.of(1), reward: Float64Array.of(1) };
  expect(() => sensitivityInterval(rows, -1)).toThrow(/eta/);
  expect(() => sensitivityInterval(rows, Number.NaN)).toThrow(/eta/);
  expect(() => sensitivityInterval({ ...rows, mass: Float64Array.of(-1) }, 1)).toThrow(/mass\[0\]/);
  expect(() => sensitivityInterval({ ...rows, reward: Float64Array.of(Number.NaN) }, 1)).toThrow(/reward\[0\]/);
  expect(() => sensitivityInterval({ ...rows, reward: Float64Array.of(1, 2) }, 1)).toThrow(/length/);
});

import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { tensor } from '../../src/backend/index.js';
import { distributionReward, slateEntropyReward } from '../../src/pope/index.js';
import { exactForms, expectedSlateEntropy } from '../../src/study/diversity-forms.js';

const probabilities = (size: number) =>
  fc
    .array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: size, maxLength: size })
    .filter((masses) => masses.some((m) => m > 1e-3))
    .map((masses) => {
      const total = masses.reduce((s, m) => s + m, 0);
      return Float64Array.from(masses, (m) => m / total);
    });
const policies = fc.integer({ min: 1, max: 6 }).chain(probabilities);

describe('the forms of diversity that the studies hold estimates against', () => {
  test.prop([policies, fc.constantFrom(2 as const, 3 as const)])(
    'D4: expected slate entropy is the reward summed over every slate',
    (p, n) => {
      const slates = Array.from({ length: p.length ** n }, (_, s) =>
        Array.from({ length: n }, (_, j) => Math.floor(s / p.length ** j) % p.length),
      );
      const reward = slateEntropyReward(
        tensor(Float64Array.from(slates.flat(), (k) => Math.log(p[k]!))),
        tensor(Float64Array.from(slates.flatMap((slate) => slate.map((k, j) => (slate.indexOf(k) === j ? 1 : 0))))),
        tensor(Int32Array.from(slates.flatMap((slate, s) => slate.map(() => s)))),
        slates.length,
      ).dataSync();
      const expected = slates.reduce(
        (sum, slate, s) => sum + slate.reduce((product, k) => product * p[k]!, 1) * reward[s]!,
        0,
      );
      expect(expectedSlateEntropy(p, n)).toBeCloseTo(expected, 12);
    },
  );

  test.prop([probabilities(5), probabilities(5), probabilities(3)])(
    'D2, D3, D5, D7: entropy, class entropy, divergence from what is preferred, -KL to the log',
    (p, logging, wanted) => {
      const opinions = ['a', 'a', 'b', 'd', 'b'];
      const log0 = logging.map((q) => Math.log(0.9 * q + 0.02));
      const preferred = { a: wanted[0]!, b: wanted[1]!, c: wanted[2]! };
      const forms = exactForms(
        { prompt: 'x', logging: log0, candidates: opinions.map((opinion, k) => ({ text: `${k}`, opinion })) },
        p.map(Math.log),
        preferred,
        2,
      );
      const classes = [p[0]! + p[1]!, p[2]! + p[4]!, 0, p[3]!];
      const entropy = (masses: ArrayLike<number>) =>
        -Array.from(masses).reduce((s, m) => s + (m > 0 ? m * Math.log(m) : 0), 0);
      expect(forms.surprisal).toBeCloseTo(entropy(p), 12);
      expect(forms.coverage).toBeCloseTo(entropy(classes), 12);
      expect(forms.anchored).toBeCloseTo(entropy(p) + p.reduce((s, m, k) => s + m * log0[k]!, 0), 12);
      const row = (values: readonly number[]) => tensor(Float64Array.from(values), { shape: [1, 4] });
      expect(forms.distribution).toBeCloseTo(distributionReward(row([...wanted, 0]), row(classes)).item(), 12);
    },
  );
});

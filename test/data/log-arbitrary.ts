import { fc } from '@fast-check/vitest';
import type { RoundRecord } from '../../src/data/index.js';

/** A name or text that any format can carry: not empty, no lone surrogates, no carriage return. */
const name = fc
  .string({ minLength: 1, maxLength: 8, unit: 'grapheme' })
  .filter((s) => !/[.\r\n\uFEFF]/.test(s) && s.trim() === s);
const text = fc
  .oneof(
    fc.string({ maxLength: 12, unit: 'grapheme' }),
    fc.constantFrom('a,b', 'say "hi"', 'two\nlines', '', ' padded '),
  )
  .filter((s) => !/[\r\uFEFF]/.test(s) && !/^\s*[[{]/.test(s));
const logProb = fc.double({ min: -50, max: 0, noNaN: true }).map((v) => v + 0);
const number = fc.double({ min: -1e6, max: 1e6, noNaN: true }).map((v) => v + 0);
const maybe = <T>(arb: fc.Arbitrary<T>) => fc.option(arb, { nil: undefined });
const defined = <T extends object>(value: T): T =>
  Object.fromEntries(Object.entries(value).filter(([, inner]) => inner !== undefined)) as T;

/** Records of a valid log with any mixture of the optional keys. */
export const validRecords: fc.Arbitrary<RoundRecord[]> = fc
  .record({
    signals: fc.uniqueArray(name, { maxLength: 3 }),
    targets: fc.uniqueArray(name, { maxLength: 2 }),
    propensity: fc.constantFrom('none', 'log', 'plain'),
    featured: fc.boolean(),
    ids: fc.uniqueArray(name, { minLength: 1, maxLength: 6 }),
  })
  .chain(({ signals, targets, propensity, featured, ids }) => {
    const numbers = (names: string[], arb: fc.Arbitrary<number | null>) =>
      names.length === 0
        ? fc.constant(undefined)
        : fc.tuple(...names.map(() => arb)).map((values) => Object.fromEntries(names.map((n, k) => [n, values[k]])));
    const response = fc.record({
      text,
      log_propensity: propensity === 'log' ? logProb : fc.constant(undefined),
      propensity: propensity === 'plain' ? fc.double({ min: 1e-9, max: 1, noNaN: true }) : fc.constant(undefined),
      target_log_prob: numbers(targets, fc.option(logProb, { nil: null })),
      feedback: numbers(signals, fc.option(number, { nil: null })),
      opinion: maybe(name),
      position: maybe(fc.integer({ min: 1, max: 9 })),
      group_feedback: maybe(fc.record({ g1: fc.record({ up: number }), g2: fc.record({ up: number }) })),
    });
    const features = fc.record({ age: fc.integer(), city: name });
    const round = fc.record({
      prompt: featured ? features : text,
      responses: fc.array(response.map(defined), { minLength: 1, maxLength: 3 }),
      predicted_value: numbers(targets, number),
      opinion_distribution: maybe(fc.constantFrom({ a: 0.25, b: 0.75 }, { constructor: 1 })),
      cluster: maybe(name),
    });
    return fc
      .tuple(...ids.map(() => round))
      .map((rounds) => rounds.map((r, i) => defined({ id: ids[i], ...r }) as unknown as RoundRecord));
  });

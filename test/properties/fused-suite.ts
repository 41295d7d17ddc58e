import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { checkGradient } from '../../src/autograd/index.js';
import { type Backend, tensor } from '../../src/backend/index.js';
import {
  adamw,
  adamwComposed,
  add,
  causalAttention,
  causalAttentionComposed,
  gatherLogProb,
  gatherLogProbComposed,
  gelu,
  geluComposed,
  layerNorm,
  layerNormComposed,
  linear,
  linearGelu,
  logSoftmax,
  logSoftmaxComposed,
  matmul,
  selfAttention,
  selfAttentionComposed,
  softmax,
  softmaxComposed,
} from '../../src/ops/index.js';
import { type FloatDType, type Shape, scope, type Tensor } from '../../src/tensor/index.js';
import { shapes } from '../arbitraries/shape.js';
import { make, type TensorSpec, tensorOf } from '../arbitraries/tensor.js';
import { derivatives, gap } from './derivatives.js';

type Fn = (xs: readonly Tensor[]) => Tensor;
interface Case {
  readonly fused: Fn;
  readonly composed: Fn;
  readonly specs: readonly TensorSpec[];
}

/** Leading axes of any rank, sizes 0 too; the last axes from 1. */
const lead = (): fc.Arbitrary<number[]> => shapes({ maxRank: 2, maxSize: 3 });
const size = (max: number): fc.Arbitrary<number> => fc.integer({ min: 1, max });
const rows = (): fc.Arbitrary<Shape> => fc.tuple(lead(), size(9)).map(([l, n]) => [...l, n]);

/** Every fused op with its slow twin, over generated shapes (size 1, empty batches, ragged against every unrolling). */
export function twins(backend: Backend): Readonly<Record<string, fc.Arbitrary<Case>>> {
  const ofOne = (fused: (x: Tensor) => Tensor, composed: (x: Tensor) => Tensor): fc.Arbitrary<Case> =>
    rows()
      .chain((shape) => tensorOf(shape))
      .map((x) => ({ fused: ([a]) => fused(a), composed: ([a]) => composed(a), specs: [x] }));
  const picked = fc
    .tuple(lead(), size(9))
    .chain(([l, v]) => fc.record({ x: tensorOf([...l, v]), targets: tensorOf(l, { min: -1, max: v - 1, step: 1 }) }));
  const normed = rows().chain((shape) =>
    fc.tuple(tensorOf(shape), tensorOf(shape.slice(-1)), tensorOf(shape.slice(-1))),
  );
  const layers = fc
    .tuple(fc.nat({ max: 6 }), size(9), size(9))
    .chain(([n, from, to]) => fc.tuple(tensorOf([n, from]), tensorOf([from, to]), tensorOf([to])));
  const projected = fc
    .tuple(fc.nat({ max: 2 }), size(6), size(3), size(4))
    .chain(([batch, time, heads, features]) =>
      fc.record({ qkv: tensorOf([batch, time, 3 * heads * features]), heads: fc.constant(heads) }),
    );
  const heads = fc.tuple(lead(), size(6), fc.nat({ max: 3 }), size(6)).chain(([l, queries, past, features]) => {
    const keys = [...l, queries + past, features];
    return fc.tuple(tensorOf([...l, queries, features]), tensorOf(keys), tensorOf(keys));
  });
  return {
    softmax: ofOne(softmax, softmaxComposed),
    logSoftmax: ofOne(logSoftmax, logSoftmaxComposed),
    gelu: ofOne(gelu, geluComposed),
    gatherLogProb: picked.map(({ x, targets }) => ({
      fused: ([a]) => gatherLogProb(a, make(targets, 'int32', backend)),
      composed: ([a]) => gatherLogProbComposed(a, make(targets, 'int32', backend)),
      specs: [x],
    })),
    layerNorm: normed.map((specs) => ({
      // A large epsilon: rows of equal numbers otherwise have curvatures in the ten thousands.
      fused: ([x, gain, bias]) => layerNorm(x, gain, bias, 0.1),
      composed: ([x, gain, bias]) => layerNormComposed(x, gain, bias, 0.1),
      specs,
    })),
    linear: layers.map((specs) => ({
      fused: ([x, weight, bias]) => linear(x, weight, bias),
      composed: ([x, weight, bias]) => add(matmul(x, weight), bias),
      specs,
    })),
    linearGelu: layers.map((specs) => ({
      fused: ([x, weight, bias]) => linearGelu(x, weight, bias),
      composed: ([x, weight, bias]) => geluComposed(add(matmul(x, weight), bias)),
      specs,
    })),
    selfAttention: projected.map(({ qkv, heads }) => ({
      fused: ([x]) => selfAttention(x, heads),
      composed: ([x]) => selfAttentionComposed(x, heads, causalAttentionComposed),
      specs: [qkv],
    })),
    causalAttention: heads.map((specs) => ({
      fused: ([q, k, v]) => causalAttention(q, k, v),
      composed: ([q, k, v]) => causalAttentionComposed(q, k, v),
      specs,
    })),
  };
}

/**
 * The fused ops of one backend against their compositions: value, gradient, second derivative, both dtypes.
 * second: how far apart second derivatives may be in float32.
 */
export function fusedSuite(
  name: string,
  backend: Backend,
  dtypes: readonly FloatDType[] = ['float32', 'float64'],
  second = 2e-4,
): void {
  const all = twins(backend);
  describe.each(dtypes)(`${name} in %s`, (dtype) => {
    const tolerance = dtype === 'float32' ? second : 1e-11;
    for (const [op, cases] of Object.entries(all)) {
      test.prop([cases], { numRuns: 50 })(
        `${op} equals its composition in value, gradient and second derivative`,
        ({ fused, composed, specs }) =>
          scope(() => {
            const xs = specs.map((spec) => make(spec, dtype, backend));
            expect(fused(xs).shape).toEqual(composed(xs).shape);
            const ours = derivatives(fused, xs);
            const theirs = derivatives(composed, xs);
            expect(gap(ours.value, theirs.value)).toBeLessThan(dtype === 'float32' ? 4e-6 : 1e-13);
            expect(gap(ours.gradient, theirs.gradient)).toBeLessThan(dtype === 'float32' ? 2e-5 : 1e-12);
            expect(gap(ours.second, theirs.second)).toBeLessThan(tolerance);
          }),
      );
    }

    test.prop([
      shapes({ maxRank: 2 }).chain((shape) =>
        fc.tuple(tensorOf(shape), fc.array(tensorOf(shape), { minLength: 1, maxLength: 4 })),
      ),
      fc.record({
        learningRate: fc.constantFrom(0, 0.01, 0.3),
        weightDecay: fc.constantFrom(0, 0.1),
        beta1: fc.constantFrom(0, 0.9),
        beta2: fc.constantFrom(0, 0.999),
      }),
    ])('adamw equals its composition over several steps', ([start, gradients], options) =>
      scope(() => {
        const p = make(start, dtype, backend);
        const zero = tensor(new Float64Array(p.size), { shape: p.shape, dtype, backend });
        let ours = { parameter: p, firstMoment: zero, secondMoment: zero };
        let theirs = ours;
        gradients.forEach((spec, i) => {
          const g = make(spec, dtype, backend);
          const all = { ...options, epsilon: 1e-3, step: i + 1 };
          ours = adamw(ours.parameter, g, ours.firstMoment, ours.secondMoment, all);
          theirs = adamwComposed(theirs.parameter, g, theirs.firstMoment, theirs.secondMoment, all);
        });
        for (const key of ['parameter', 'firstMoment', 'secondMoment'] as const) {
          expect(gap(ours[key].dataSync(), theirs[key].dataSync())).toBeLessThan(dtype === 'float32' ? 1e-4 : 1e-12);
        }
      }),
    );
  });

  if (dtypes.includes('float64')) {
    describe(`${name}, gradients against central differences`, () => {
      for (const [op, cases] of Object.entries(all)) {
        test.prop([cases], { numRuns: 12 })(op, ({ fused, specs }) => {
          checkGradient(
            fused,
            specs.map((spec) => make(spec, 'float64', backend)),
            { tolerance: 1e-6 },
          );
        });
      }
    });
  }
}

import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { type Backend, createJsBackend, tensor } from '../../src/backend/index.js';
import { createWasmBackend } from '../../src/backend/wasm/index.js';
import * as ops from '../../src/ops/index.js';
import { scope, type Tensor } from '../../src/tensor/index.js';

const [js, wasm] = [createJsBackend(), createWasmBackend()];

const fromBits = (bits: readonly number[]): Float32Array => new Float32Array(Uint32Array.from(bits).buffer);
const on = (backend: Backend, x: Float32Array): Tensor => tensor(x, { backend });

const show = (v: number): string => (Object.is(v, -0) ? '-0' : String(v));

/** Fails where a number differs; every NaN is the same, -0 is not 0. */
function expectIdentical(x: ArrayLike<number>, got: Tensor, expected: Tensor): void {
  const [a, b] = [got.dataSync(), expected.dataSync()];
  expect(a.length).toBe(b.length);
  for (let i = 0; i < b.length; i++) {
    if (!Object.is(a[i], b[i])) expect.fail(`f(${show(x[i])}) is ${show(a[i])}; expected ${show(b[i])}`);
  }
}

const maps = {
  neg: ops.neg,
  exp: ops.exp,
  log: ops.log,
  log1p: ops.log1p,
  expm1: ops.expm1,
  sqrt: ops.sqrt,
  rsqrt: ops.rsqrt,
  tanh: ops.tanh,
  sigmoid: ops.sigmoid,
  softplus: ops.softplus,
  relu: ops.relu,
  gelu: ops.gelu,
  abs: ops.abs,
  square: ops.square,
  reciprocal: ops.reciprocal,
} as const;

// quiet and signalling, of both signs, payloads in the low, the high and in all bits
const nans = [0x7fc00000, 0xffc00000, 0x7f800001, 0xff800001, 0x7fffffff, 0xffffffff, 0x7f8000ff, 0x7fa55aa5];
const nan = fc.oneof(
  fc.constantFrom(...nans),
  fc
    .tuple(fc.integer({ min: 1, max: 0x7fffff }), fc.boolean())
    .map(([payload, sign]) => ((0x7f800000 | payload) >>> 0) | (sign ? 2 ** 31 : 0))
    .map((bits) => bits >>> 0),
); // prettier-ignore

describe.each(Object.keys(maps) as (keyof typeof maps)[])('%s', (name) => {
  test('has what js has at zeros, infinities, NaN and the largest numbers, with the sign of 0', () =>
    scope(() => {
      // twice, so that the numbers stand in vectors and in the rest
      const once = [0, -0, Infinity, -Infinity, Number.NaN, 3.4028234e38, -3.4028234e38, 1e5, -1e5];
      const x = Float32Array.from([...once, ...once.toReversed(), ...once]);
      expectIdentical(x, maps[name](on(wasm, x)), maps[name](on(js, x)));
    }));

  test.prop([fc.array(nan, { minLength: 1, maxLength: 20 })], { numRuns: 30 })('keeps every NaN', (bits) =>
    scope(() => {
      const y = maps[name](on(wasm, fromBits(bits))).dataSync();
      expect([...y].every(Number.isNaN)).toBe(true);
    }),
  );
});

describe('a NaN of any payload, anywhere in a row', () => {
  const place = fc
    .integer({ min: 1, max: 40 })
    .chain((n) =>
      fc.record({ n: fc.constant(n), at: fc.nat({ max: n - 1 }), bits: nan, target: fc.nat({ max: n - 1 }) }),
    );
  const row = (n: number, at: number, bits: number): Float32Array => {
    const x = Float32Array.from({ length: n }, (_, i) => Math.sin(7 * i) * 3);
    new Uint32Array(x.buffer)[at] = bits;
    return x;
  };

  test.prop([place], { numRuns: 100 })(
    'makes NaN of the whole of softmax, its logarithm, log-sum-exp, layer norm',
    (c) =>
      scope(() => {
        const x = on(wasm, row(c.n, c.at, c.bits));
        const ones = on(wasm, new Float32Array(c.n).fill(1));
        const target = tensor(Int32Array.of(c.target), { shape: [], backend: wasm });
        for (const y of [
          ops.softmax(x),
          ops.logSoftmax(x),
          ops.gatherLogProb(x, target),
          ops.layerNorm(x, ones, ones, 1e-5),
          ops.sum(x),
          ops.logSumExp(x, 0),
        ]) {
          expect([...y.dataSync()].every(Number.isNaN)).toBe(true);
        }
      }),
  );

  test.prop([place, fc.integer({ min: 1, max: 4 })], { numRuns: 60 })(
    'of a query shows in its own row of attention',
    (c, rows) =>
      scope(() => {
        const q = new Float32Array(rows * c.n).map((_, i) => Math.sin(3 * i));
        const k = q.map((v) => Math.cos(v));
        new Uint32Array(q.buffer)[c.at] = c.bits; // in the first row
        const head = (x: Float32Array): Tensor => tensor(x, { shape: [rows, c.n], backend: wasm });
        const y = [...ops.causalAttention(head(q), head(k), head(k)).dataSync()];
        expect(y.map(Number.isNaN)).toEqual(y.map((_, i) => i < c.n));
      }),
  );
});

describe('what a large offset must not take away', () => {
  // differences are multiples of 1/16 below 8: exact beside an offset of up to 2^19
  const rows = fc.record({
    x: fc.array(
      fc.integer({ min: -127, max: 127 }).map((k) => k / 16),
      { minLength: 1, maxLength: 40 },
    ),
    offset: fc.constantFrom(1, -100, 4096, -65_536, 2 ** 18),
  });
  const both = ({ x, offset }: { x: readonly number[]; offset: number }) => {
    const near = on(wasm, Float32Array.from(x));
    return {
      near,
      far: on(
        wasm,
        Float32Array.from(x, (v) => v + offset),
      ),
      n: x.length,
    };
  };

  test.prop([rows], { numRuns: 100 })('softmax and its logarithm are the same, bit for bit', (c) =>
    scope(() => {
      const { near, far } = both(c);
      for (const f of [ops.softmax, ops.logSoftmax]) expectIdentical(c.x, f(far), f(near));
      const target = tensor(Int32Array.of(0), { shape: [], backend: wasm });
      expectIdentical(c.x, ops.gatherLogProb(far, target), ops.gatherLogProb(near, target));
    }),
  );

  test.prop([rows], { numRuns: 100 })('layer norm loses the last digit of the mean and no more', (c) =>
    scope(() => {
      const { near, far, n } = both(c);
      const [ones, zeros] = [1, 0].map((v) => on(wasm, new Float32Array(n).fill(v)));
      const norm = (x: Tensor) => ops.layerNorm(x, ones, zeros, 1e-2).dataSync();
      const mean = c.x.reduce((a, b) => a + b, 0) / n;
      const deviation = Math.sqrt(c.x.reduce((a, b) => a + (b - mean) ** 2, 0) / n + 1e-2);
      // of x - mean: u |mean| of the mean's rounding; of the rest, a few u
      const bound = (2 ** -23 * (Math.abs(c.offset) + 8)) / deviation + 1e-5;
      const [a, b] = [norm(far), norm(near)];
      a.forEach((v, i) => {
        if (!(Math.abs(v - b[i]) <= bound)) expect.fail(`element ${i} is ${v}; near 0 it is ${b[i]}, bound ${bound}`);
      });
    }),
  );
});

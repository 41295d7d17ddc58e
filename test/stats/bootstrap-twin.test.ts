import { fileURLToPath } from 'node:url';
import { fc, test } from '@fast-check/vitest';
import { afterEach, describe, expect, vi } from 'vitest';
import { bootstrapKernelBytes, createWasmResampler } from '../../src/backend/wasm/resampler.js';
import { logFromRecords } from '../../src/data/index.js';
import { evaluate, fastestResampler } from '../../src/pope/index.js';
import { normal, seededRandom } from '../../src/random/index.js';
import { jsResampler, type ResampleRequest, resampleCounts, resamplings } from '../../src/stats/index.js';
import { poissonTables, resampleKeys } from '../../src/stats/resampling/index.js';

const wasm = createWasmResampler()!;

function requestOf(
  resampling: ResampleRequest['resampling'],
  rows: number,
  width: number,
  resamples: number,
  seed: number,
): ResampleRequest {
  const random = seededRandom(seed);
  const columns = Array.from({ length: width }, () => Float64Array.from({ length: rows }, () => normal(random)));
  return { resampling, rows, columns, keys: resampleKeys(random, resamples), tables: poissonTables(rows) };
}

afterEach(() => {
  vi.unstubAllGlobals();
});

describe.each(resamplings)('%s resamples', (resampling) => {
  test.prop(
    [
      fc.oneof(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 30_000 })),
      fc.nat(5),
      fc.integer({ min: 1, max: 6 }),
      fc.integer(),
    ],
    {
      numRuns: 60,
      examples: [
        [1, 1, 2, 0],
        [8192, 2, 2, 0],
        [8193, 3, 2, 0],
        [4096, 1, 2, 0],
        [16_384, 0, 3, 0],
      ],
    },
  )('the kernels give the sums of plain JavaScript, bit for bit', (rows, width, resamples, seed) => {
    const request = requestOf(resampling, rows, width, resamples, seed);
    expect(wasm(request)).toEqual(jsResampler(request));
  });

  test('a resample does not depend on the others, in whatever batch it is', () => {
    const request = requestOf(resampling, 50, 2, 600, 1);
    const all = wasm(request);
    expect(all).toEqual(jsResampler(request));
    for (const r of [0, 1, 255, 256, 599]) {
      const alone = { ...request, keys: request.keys.slice(4 * r, 4 * r + 4) };
      expect(wasm(alone)).toEqual(all.slice(3 * r, 3 * r + 3));
    }
  });

  test('weights by the counts: columns of one 1 each read them', () => {
    const rows = 29;
    const columns = Array.from({ length: rows }, (_, i) => Float64Array.from({ length: rows }, (_, k) => +(i === k)));
    const request = { ...requestOf(resampling, rows, 0, 5, 3), columns };
    const sums = jsResampler(request);
    for (let r = 0; r < 5; r++) {
      const counts = sums.slice(r * (rows + 1), (r + 1) * (rows + 1) - 1);
      expect(counts.reduce((a, b) => a + b, 0)).toBe(sums[(r + 1) * (rows + 1) - 1]);
      if (resampling === 'multinomial') {
        const key = request.keys.slice(4 * r, 4 * r + 4);
        let at = 0;
        const replayed = { next: () => key[at++]!, getState: () => [] };
        expect([...resampleCounts(replayed, rows)]).toEqual([...counts]);
      }
    }
  });

  test('sums to twice the error of a single rounding a block', () => {
    const rows = 20_000;
    const x = Float64Array.from({ length: rows }, (_, i) => (i % 2 === 0 ? 1e8 : -1e8) + (i % 7) / 7);
    const request = { ...requestOf(resampling, rows, 0, 1, 5), columns: [x] };
    const big = Float64Array.from(x, Math.abs);
    const [signed] = wasm(request);
    const [sizes] = wasm({ ...request, columns: [big] });
    const parts = [x.map((v) => Math.round(v)), x.map((v) => v - Math.round(v))];
    const [whole, rest] = wasm({ ...request, columns: parts });
    expect(Math.abs(signed! - (whole! + rest!))).toBeLessThan(1100 * 2 ** -53 * sizes!);
  });

  test('where WebAssembly is absent, refuses these bytes or may not compile, plain JavaScript does it', () => {
    const request = requestOf(resampling, 100, 2, 3, 4);
    const expected = jsResampler(request);
    expect(fastestResampler(request)).toEqual(expected);
    vi.stubGlobal('WebAssembly', undefined);
    expect(createWasmResampler()).toBeUndefined();
    expect(fastestResampler(request)).toEqual(expected);
    vi.stubGlobal('WebAssembly', { validate: () => false });
    expect(createWasmResampler()).toBeUndefined();
    const Module = class {
      constructor() {
        throw new Error('forbidden by a policy');
      }
    };
    vi.stubGlobal('WebAssembly', { validate: () => true, Module });
    expect(createWasmResampler()).toBeUndefined();
  });
});

test('a column of another length is refused', () => {
  const request = requestOf('multinomial', 5, 1, 1, 1);
  expect(() => wasm({ ...request, columns: [new Float64Array(4)] })).toThrow(/columns\[0\]\.length is 4; expected 5/);
});

test('the embedded bytes are those of the sources', { timeout: 60_000 }, async () => {
  const { compileKernels } = await import(new URL('../../scripts/build-wasm.mjs', import.meta.url).href);
  const source = new URL('../../src/backend/wasm/assembly/bootstrap.ts', import.meta.url);
  const bytes = await compileKernels(fileURLToPath(source));
  expect(Buffer.from(bytes).equals(Buffer.from(bootstrapKernelBytes()))).toBe(true);
});

test('an evaluation has the same intervals with and without WebAssembly', () => {
  const records = Array.from({ length: 60 }, (_, i) => ({
    prompt: `x${i % 3}`,
    responses: [
      {
        text: `y${i % 5}`,
        log_propensity: -1 - (i % 4) / 3,
        target_log_prob: { pi: -1 - (i % 7) / 5 },
        feedback: { up: (i % 6) / 5 },
      },
    ],
  }));
  const log = logFromRecords(records);
  const signals = [{ name: 'up', transform: 'identity', weight: 1 }] as const;
  for (const interval of ['bootstrap', 'bca'] as const) {
    const found = evaluate(log, { signals, interval, resamples: 50, seed: 3 });
    vi.stubGlobal('WebAssembly', undefined);
    expect(evaluate(log, { signals, interval, resamples: 50, seed: 3 })).toEqual(found);
    vi.unstubAllGlobals();
    const { estimate, lower, upper } = found.targets['pi']!.utility['snips']!;
    expect(lower!).toBeLessThan(estimate!);
    expect(upper!).toBeGreaterThan(estimate!);
  }
});

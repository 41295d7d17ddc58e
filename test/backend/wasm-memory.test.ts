import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { tensor, zeros } from '../../src/backend/index.js';
import { createWasmBackend } from '../../src/backend/wasm/index.js';
import { type Block, createMemory, linearMemory } from '../../src/backend/wasm/memory.js';
import { add, matmul, mul } from '../../src/ops/index.js';
import { dispose, scope, type Tensor } from '../../src/tensor/index.js';

const MB = 2 ** 20;
const fresh = (maxBytes = 64 * MB) => createMemory(linearMemory(maxBytes), 100, maxBytes);

/** What a program does: takes blocks of some sizes, gives back some that it holds. */
const programs = fc.array(
  fc.oneof(
    fc.record({ take: fc.oneof(fc.nat({ max: 700 }), fc.integer({ min: 1000, max: 400_000 })) }),
    fc.record({ give: fc.nat() }),
  ),
  { maxLength: 120 },
);

describe('linear memory', () => {
  test.prop([programs])('live blocks are aligned, hold what was asked, never overlap and lie in memory', (program) => {
    const memory = fresh();
    const live: { block: Block; asked: number }[] = [];
    let peak = 0;
    for (const step of program) {
      if ('take' in step) live.push({ block: memory.allocate(step.take), asked: step.take });
      else if (live.length > 0) memory.free(live.splice(step.give % live.length, 1)[0].block);
      const used = live.reduce((sum, { block }) => sum + block.bytes, 0);
      peak = Math.max(peak, used);
      expect(memory.usedBytes).toBe(used);
      expect(memory.peakBytes).toBe(peak);
    }
    const sorted = live.map(({ block, asked }) => ({ ...block, asked })).sort((a, b) => a.address - b.address);
    sorted.forEach(({ address, bytes, asked }, i) => {
      expect(address % 64).toBe(0);
      expect(address).toBeGreaterThanOrEqual(100);
      expect(bytes).toBeGreaterThanOrEqual(asked);
      expect(bytes).toBeLessThanOrEqual(Math.max(64, asked * 1.13 + 64));
      expect(address + bytes).toBeLessThanOrEqual(sorted[i + 1]?.address ?? memory.heldBytes);
    });
  });

  test('what was freed last is taken first', () => {
    const memory = fresh();
    const [a, b] = [memory.allocate(1000), memory.allocate(1000)];
    memory.free(a);
    memory.free(b);
    expect(memory.allocate(1000).address).toBe(b.address);
    expect(memory.allocate(1000).address).toBe(a.address);
  });

  test('small blocks that were freed make room for a large one before memory grows', () => {
    const memory = fresh(2 * MB);
    const small = Array.from({ length: 28 }, () => memory.allocate(65_536));
    for (const block of small) memory.free(block);
    expect(() => memory.allocate(1.7 * MB)).not.toThrow();
    expect(memory.heldBytes).toBeLessThanOrEqual(2 * MB);
  });

  test('the limit is an error that says what is held and what helps', () => {
    const memory = fresh(2 * MB);
    memory.allocate(MB);
    expect(() => memory.allocate(1.5 * MB)).toThrow(
      /^the wasm backend needs 3 MB of memory, of which live tensors hold 2 MB; expected at most 3 MB\. Work in a scope\(\)/,
    );
    expect(() => memory.allocate(MB / 2)).not.toThrow();
  });

  test('views of the whole memory follow its growth', () => {
    const memory = fresh();
    const block = memory.allocate(40);
    memory.float32[block.address / 4] = 7;
    memory.allocate(8 * MB);
    expect(memory.float32.length * 4).toBe(memory.heldBytes);
    expect(memory.float32[block.address / 4]).toBe(7);
  });
});

describe('the backend gives memory back', () => {
  test('a loop in scopes holds its memory flat', () => {
    const backend = createWasmBackend();
    const x = zeros([64, 64], { backend });
    const step = (y: Tensor): Tensor => scope(() => add(mul(matmul(y, y), 0.5), 1));
    let y = step(x);
    const peaks: number[] = [];
    for (let i = 0; i < 400; i++) {
      const next = step(y);
      dispose(y);
      y = next;
      if (i % 100 === 99) peaks.push(backend.memory.peakBytes);
    }
    expect(new Set(peaks).size).toBe(1);
    expect(backend.memory.usedBytes).toBeLessThan(4 * 64 * 64 * 4);
  });

  test('of tensors that nobody holds, outside of all scopes', async () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const backend = createWasmBackend();
    const kept = tensor([1, 2, 3], { backend });
    (() => {
      for (let i = 0; i < 1000; i++) add(kept, i);
      scope(() => mul(kept, 2));
    })();
    expect(backend.memory.usedBytes).toBeGreaterThan(64_000);
    for (let i = 0; i < 50 && backend.memory.usedBytes > 20_000; i++) {
      collect();
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    expect(backend.memory.usedBytes).toBeLessThan(20_000); // the last 256 still wait to be watched
    expect([...kept.dataSync()]).toEqual([1, 2, 3]);
  });

  test('refuses a limit that is none', () => {
    expect(() => createWasmBackend({ maxBytes: 10 })).toThrow('maxBytes is 10');
    expect(() => createWasmBackend({ maxBytes: 2 ** 33 })).toThrow('maxBytes');
  });
});

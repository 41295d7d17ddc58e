import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { jsonl, pope, workFolder } from '../cli/harness.js';
import { missing } from './here.js';

const { path, write } = workFolder();
const records = Array.from({ length: 60 }, (_, i) => ({
  id: `r${i}`,
  prompt: `x${i % 2}`,
  responses: [
    { text: i % 3 === 0 ? 'a' : 'b', propensity: i % 3 === 0 ? 0.4 : 0.6, feedback: { up: i % 3 === 0 ? 1 : 0 } },
  ],
}));

describe.skipIf(missing !== null)('pope train --backend', () => {
  const log = write('log.jsonl', jsonl(records));
  const train = async (backend: string, ...more: string[]) => {
    const out = path(backend);
    const options = ['--steps', '6', '--n-embd', '16', '--batch', '8', '--tokenizer', 'char'];
    const ran = await pope('train', log, '--out', out, ...options, '--backend', backend, '--json', ...more);
    expect(ran.code, ran.stderr).toBe(0);
    return { ...ran, result: JSON.parse(readFileSync(join(out, 'result.json'), 'utf8')) };
  };

  test('gpu comes to the figures of wasm, and says where it computes', async () => {
    const [gpu, wasm] = [await train('gpu'), await train('wasm')];
    expect(gpu.stderr).toMatch(/backend: gpu \(webgpu, .+\)/);
    expect(gpu.result.held_out.utility).toBeCloseTo(wasm.result.held_out.utility, 4);
    expect(gpu.result.held_out.text_loss).toBeCloseTo(wasm.result.held_out.text_loss, 4);
    const [a, b] = ['gpu', 'wasm'].map((name) => readFileSync(join(path(name), 'model.safetensors')).length);
    expect(a).toBe(b);
  });

  test('auto measures both, and says what it took', async () => {
    const { stderr } = await train('auto');
    expect(stderr).toMatch(
      /backend: (gpu|wasm); a layer's products take [\d.]+ ms on the GPU \(.+\) and [\d.]+ ms on wasm/,
    );
  });
});

test('another name is refused', async () => {
  const ran = await pope('train', 'log.jsonl', '--out', 'x', '--backend', 'cuda');
  expect([ran.code, ran.stderr]).toEqual([2, expect.stringMatching(/--backend.*cuda/)]);
});

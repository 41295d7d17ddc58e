import { createReadStream, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { decodeUtf8, gunzip, type LogChunkOptions, logChunks, parseJsonl } from '../../src/data/index.js';
import { hashFile, readLogChunks } from '../../src/data/node.js';
import type { Log } from '../../src/ope/index.js';
import { evaluate, streamEvaluation } from '../../src/pope/index.js';

const line = (i: number, more: Readonly<Record<string, unknown>> = {}): string =>
  JSON.stringify({
    prompt: 'x',
    responses: [{ text: `y${i % 3}`, propensity: 0.5, target_log_prob: { pi: -0.5 }, feedback: { up: i % 4 } }],
    ...more,
  });
const textOf = (n: number, more?: (i: number) => Record<string, unknown>): string =>
  Array.from({ length: n }, (_, i) => `${line(i, more?.(i))}\n`).join('');
/** Cut anywhere, as a file arrives. */
const pieces = (text: string, size: number): string[] =>
  Array.from({ length: Math.ceil(text.length / size) }, (_, k) => text.slice(k * size, (k + 1) * size));
async function all(text: string, options: LogChunkOptions, size = 37): Promise<Log[]> {
  const logs: Log[] = [];
  for await (const log of logChunks(pieces(text, size), options)) logs.push(log);
  return logs;
}

test.prop([fc.integer({ min: 1, max: 30 }), fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 400 })])(
  'the parts are the log, in order, with the numbers of the lines as ids',
  async (n, rounds, size) => {
    const text = textOf(n);
    const whole = await parseJsonl(text);
    const parts = await all(text, { rounds }, size);
    expect(parts.map((part) => part.rounds)).toEqual(
      Array.from({ length: Math.ceil(n / rounds) }, (_, k) => Math.min(rounds, n - k * rounds)),
    );
    expect(parts.flatMap((part) => part.ids)).toEqual(whole.ids);
    expect(parts.flatMap((part) => part.responses)).toEqual(whole.responses);
    expect(parts.flatMap((part) => [...part.feedback.get('up')!])).toEqual([...whole.feedback.get('up')!]);
  },
);

test('adjacent rounds of a cluster stay in one part, also where rounds without one are between', async () => {
  const clusters = ['a', 'a', 'a', undefined, undefined, 'b', 'c', 'c'];
  const parts = await all(
    textOf(8, (i) => ({ cluster: clusters[i] })),
    { rounds: 2 },
  );
  expect(parts.map(({ rounds }) => rounds)).toEqual([3, 2, 3]);
});

test('duplicate ids are found within a part, not between parts', async () => {
  const text = textOf(4, (i) => ({ id: `r${i % 2}` }));
  expect(await all(text, { rounds: 2 })).toHaveLength(2);
  await expect(all(text, { rounds: 4 })).rejects.toThrow(/log line 3: id is "r0"/);
});

describe('bad rounds', () => {
  const bad = `${line(0)}\n${line(1, { prompt: 3 })}\nnot json\n${line(3)}\n`;

  test('stop at the first bad part, with their lines', async () => {
    await expect(all(bad, { rounds: 2, file: 'a.jsonl' })).rejects.toThrow(/^a.jsonl line 2: prompt is 3/);
    await expect(all(bad, { rounds: 4 })).rejects.toThrow(/2 errors in log/);
  });

  test('are skipped and counted, also where a whole part is bad', async () => {
    const parts = await all(bad, { rounds: 1, onError: 'skip' });
    expect(parts.map(({ ids, skipped }) => [ids, skipped])).toEqual([
      [['1'], 0],
      [['4'], 2],
    ]);
    const last = await all(`${line(0)}\n{}\n{}\n`, { rounds: 1, onError: 'skip' });
    expect(last.map(({ skipped }) => skipped)).toEqual([2]);
    await expect(all('{}\n{}\n', { rounds: 1, onError: 'skip' })).rejects.toThrow(/line 1: prompt is missing/);
  });
});

test.each([
  ['an array', ' [\n', /is a JSON array; expected JSON Lines/],
  ['a table', 'prompt,response\nx,y\n', /is no JSON; expected JSON Lines/],
  ['nothing', '', /holds no rounds/],
  ['blank lines', '\n \n', /holds no rounds/],
])('%s is refused', async (_, text, message) => {
  await expect(all(text, {})).rejects.toThrow(message);
});

test('a part of 0 rounds is refused', async () => {
  await expect(all(textOf(1), { rounds: 0 })).rejects.toThrow(/rounds is 0; expected an integer of at least 1/);
});

test('a gzipped file streams into the evaluation of the whole file', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'pope-chunks-'));
  try {
    const path = join(folder, 'log.jsonl.gz');
    const text = textOf(100);
    writeFileSync(path, gzipSync(text));
    const options = { signals: [{ name: 'up', transform: 'identity', weight: 1 }] } as const;
    const stream = streamEvaluation(options);
    const hashes: string[] = [];
    for await (const part of readLogChunks(path, { rounds: 7, onHash: (hash) => hashes.push(hash) })) stream.add(part);
    const [found, expected] = [stream.result(), evaluate(await parseJsonl(text), options)];
    expect(found.log).toEqual(expected.log);
    expect(found.targets['pi'].value['snips']!.estimate).toBeCloseTo(
      expected.targets['pi'].value['snips']!.estimate!,
      12,
    );
    expect(hashes).toEqual([await hashFile(path)]);
    // as docs/guide/big-logs.md has it
    const again = streamEvaluation(options);
    const bytes = createReadStream(path);
    for await (const part of logChunks(decodeUtf8(gunzip(bytes, path), path), { file: path })) again.add(part);
    expect(again.result().log).toEqual(expected.log);
    // the last part has 2 rounds, the log 100
    expect(found.warnings.map(({ code }) => code)).not.toContain('few_rounds');
    await expect(readLogChunks(join(folder, 'no.jsonl')).next()).rejects.toThrow(/does not exist/);
    await expect(readLogChunks(join(folder, 'log.parquet')).next()).rejects.toThrow(/Parquet/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

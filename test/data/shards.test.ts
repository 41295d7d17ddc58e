import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fc, test } from '@fast-check/vitest';
import { afterAll, describe, expect } from 'vitest';
import { csvText, jsonlText, logFromRecords, parseShards, shardChunks } from '../../src/data/index.js';
import { readLog, readLogChunks } from '../../src/data/node.js';
import type { Log } from '../../src/ope/index.js';
import { evaluate, streamEvaluation } from '../../src/pope/index.js';

type Line = { readonly text: string; readonly cluster: string | undefined };

const record = (text: string, more: Readonly<Record<string, unknown>> = {}) => ({
  prompt: 'x',
  responses: [
    { text, propensity: 0.5, target_log_prob: { pi: -0.5 - (text.length % 3) }, feedback: { up: text.length } },
  ],
  ...more,
});
/** Blank and odd lines among them, keys in another order, an escaped key: what the byte scanner leaves to JSON.parse. */
const lineOf = ({ text, cluster }: Line, draw: number): string => {
  const json = JSON.stringify(record(text, cluster === undefined ? {} : { cluster }));
  const spelled = [json, ` ${json}\r`, `${json}\n`, `${json}\n \u00a0`, json.replace('"cluster"', '"\\u0063luster"')];
  return `${spelled[draw % 5]}\n`;
};
const parts = async (shards: readonly { file: string; chunks: string[] }[], rounds: number, onError?: 'skip') => {
  const logs: Log[] = [];
  for await (const log of shardChunks(shards, { rounds, ...(onError && { onError }) })) logs.push(log);
  return logs;
};
const names = ['a', 'b', 'B', '\u00e9', 'a0', '\ud83d\ude00', 'zz'];

const byCluster = ({ cluster: x = '' }: Line, { cluster: y = '' }: Line): number => (x < y ? -1 : x > y ? 1 : 0);

/** Lines dealt to shards, each sorted by cluster, those without one first. */
const shardings = fc
  .tuple(
    fc.array(fc.record({ shard: fc.nat(3), cluster: fc.option(fc.constantFrom(...names), { nil: undefined }) }), {
      minLength: 1,
      maxLength: 24,
    }),
    fc.array(fc.nat(), { minLength: 24, maxLength: 24 }),
  )
  .map(([dealt, draws]) => {
    const lines: Line[][] = [[], [], [], []];
    for (const [i, { shard, cluster }] of dealt.entries()) lines[shard]!.push({ text: `y${i}`, cluster });
    const sorted = lines.map((own) => [...own].sort(byCluster));
    let drawn = 0;
    const texts = sorted.map((own) => own.map((line) => lineOf(line, draws[drawn++]!)).join(''));
    return { sorted, shards: texts.map((text, k) => ({ file: `s${k}.jsonl`, chunks: [text] })) };
  });

describe('shards sorted by cluster', () => {
  test.prop([shardings, fc.integer({ min: 1, max: 9 })])(
    'are merged: every line once, those of a shard in order, every cluster in one part',
    async ({ sorted, shards }, rounds) => {
      const logs = await parts(shards, rounds);
      const order = logs.flatMap((log) => log.responses);
      for (const own of sorted) {
        const texts = own.map(({ text }) => text);
        expect(order.filter((text) => texts.includes(text))).toEqual(texts);
      }
      expect(order).toHaveLength(sorted.flat().length);
      const seen = logs.flatMap((log) => [...new Set(log.clusters ?? [])]);
      expect(new Set(seen).size).toBe(seen.length);
      const lineBy = new Map(sorted.flat().map((line) => [line.text, line]));
      const merged = order.map((text) => lineBy.get(text)!);
      expect(merged).toEqual([...merged].sort(byCluster));
    },
  );

  test.prop([shardings, fc.integer({ min: 1, max: 9 })])(
    'give in parts the estimates of the whole log',
    async ({ sorted, shards }, rounds) => {
      fc.pre(new Set(sorted.flat().map(({ text, cluster }) => cluster ?? text)).size > 2);
      const options = { signals: [{ name: 'up', transform: 'identity', weight: 1 }], diversity: 'none' } as const;
      const whole = evaluate(await parseShards(shards), options);
      const stream = streamEvaluation(options);
      for (const log of await parts(shards, rounds)) stream.add(log);
      const [a, b] = [whole, stream.result()].map(({ targets }) => targets['pi']!.utility['ips']!);
      expect(b!.estimate).toBeCloseTo(a!.estimate!, 12);
      expect(b!.std_error).toBeCloseTo(a!.std_error!, 10);
    },
  );

  const lines = (...clusters: (string | undefined)[]): string[] => [
    clusters.map((cluster, i) => lineOf({ text: `y${i}`, cluster }, 0)).join(''),
  ];

  test('are refused out of order, with file and line; one file alone may be in any order', async () => {
    const unsorted = { file: 'b.jsonl', chunks: lines(undefined, 'a', 'c', 'b') };
    await expect(parts([{ file: 'a.jsonl', chunks: lines('a', 'z') }, unsorted], 2)).rejects.toThrow(
      /^b\.jsonl line 4: cluster is "b" after "c"; expected each of several files sorted by cluster/,
    );
    const late = { file: 'c.jsonl', chunks: lines('a', undefined) };
    await expect(parts([unsorted, late], 2)).rejects.toThrow(/^c\.jsonl line 2: cluster is missing after "a"/);
    expect((await parts([unsorted], 2)).map((log) => log.rounds)).toEqual([2, 2]);
  });

  test('bad lines stay with the cluster before them and are named by their file', async () => {
    const shards = [
      { file: 'a.jsonl', chunks: lines('a', 'b') },
      { file: 'b.jsonl', chunks: [`${lines('a')[0]}not json\n{"cluster":"b"}\n${lines('c')[0]}`] },
    ];
    await expect(parts(shards, 100)).rejects.toThrow(
      /^b\.jsonl line 2: is not valid JSON.*\nb\.jsonl line 3: prompt is missing.*\n.*\n3 errors in the log of 2 files\.$/s,
    );
    const [log] = await parts(shards, 100, 'skip');
    expect([log!.clusters, log!.skipped]).toEqual([['a', 'a', 'b', 'c'], 2]);
    expect(log!.ids).toEqual(['a.jsonl:1', 'b.jsonl:1', 'a.jsonl:2', 'b.jsonl:4']);
  });

  test('a source is closed when the reader stops early or another shard fails', async () => {
    const closed: string[] = [];
    async function* source(name: string): AsyncGenerator<string> {
      try {
        for (let i = 0; ; i++)
          yield lineOf({ text: `${name}${i}`, cluster: `${name}${String(i).padStart(5, '0')}` }, 0);
      } finally {
        closed.push(name);
      }
    }
    const open = () => ['a', 'b'].map((name) => ({ file: name, chunks: source(name) }));
    for await (const log of shardChunks(open(), { rounds: 3 })) {
      expect(log.responses).toEqual(['a0', 'a1', 'a2']);
      break;
    }
    expect(closed.sort()).toEqual(['a', 'b']);
    closed.length = 0;
    const bad = { file: 'c', chunks: ['{]\n'] };
    await expect(
      (async () => {
        for await (const _ of shardChunks([...open(), bad], { rounds: 3 }));
      })(),
    ).rejects.toThrow(/c line 1/);
    expect(closed.sort()).toEqual(['a', 'b']);
  });
});

describe('the files of one log', () => {
  const folder = mkdtempSync(join(tmpdir(), 'pope-shards-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  const write = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  const first = [record('one', { id: 'p' }), record('three')];
  const second = [record('seventeen'), record('four', { id: 'q' })];

  test('may be of any format, and follow one another', async () => {
    const paths = [
      write('a.jsonl', jsonlText(first)),
      write('b.csv', csvText(second.map((r, i) => ({ id: `r${i}`, ...r })))),
      write('c.json', JSON.stringify(second.slice(0, 1))),
    ];
    let hash = '';
    const log = await readLog(paths, { onHash: (sha256) => void (hash = sha256) });
    const whole = logFromRecords([...first, ...second, second[0]]);
    expect(log.responses).toEqual(whole.responses);
    expect(log.feedback).toEqual(whole.feedback);
    expect(log.ids).toEqual(['p', `${paths[0]}:2`, 'r0', 'q', `${paths[2]}:1`]);
    const digest = (text: string): string => createHash('sha256').update(text).digest('hex');
    const texts = [
      jsonlText(first),
      csvText(second.map((r, i) => ({ id: `r${i}`, ...r }))),
      JSON.stringify(second.slice(0, 1)),
    ];
    expect(hash).toBe(digest(texts.map((text) => `${digest(text)}\n`).join('')));
  });

  test('read whole and in parts have one hash, and one file has its own', async () => {
    const paths = [write('d.jsonl', jsonlText(first)), write('e.jsonl', jsonlText(second))];
    const hashes: string[] = [];
    const onHash = (sha256: string) => void hashes.push(sha256);
    await readLog(paths, { onHash });
    for await (const _ of readLogChunks(paths, { onHash }));
    expect(hashes[0]).toBe(hashes[1]);
    await readLog(paths[0]!, { onHash });
    expect(hashes[2]).toBe(createHash('sha256').update(jsonlText(first)).digest('hex'));
  });

  test('say which of them lacks what the others have, has an id of another, or comes twice', async () => {
    const paths = [
      write('f.jsonl', jsonlText(first)),
      write('g.jsonl', jsonlText([second[0], { id: 'p', ...second[0] }])),
    ];
    await expect(readLog(paths)).rejects.toThrow(
      new RegExp(`^${paths[1]} line 2: id is "p"; expected an id that no earlier round has`),
    );
    const bare = write('h.jsonl', jsonlText([{ prompt: 'x', responses: [{ text: 'y', feedback: { up: 1 } }] }]));
    await expect(readLog([paths[0]!, bare])).rejects.toThrow(
      `${bare} line 1: responses[0].log_propensity is missing; expected a propensity (of either kind) on every response or on none, since ${paths[0]} line 1 has one.`,
    );
    await expect(readLog([bare, bare])).rejects.toThrow(/is named twice/i);
    await expect(readLog([])).rejects.toThrow(/at least one/);
  });
});

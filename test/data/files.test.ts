import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, describe, expect, test } from 'vitest';
import {
  attachPropensity,
  attachTarget,
  decodeUtf8,
  gunzip,
  jsonlText,
  jsonText,
  logFromRecords,
  parseCandidates,
  parseJsonl,
  parseTargetLogProbs,
} from '../../src/data/index.js';
import {
  hashFile,
  hashInput,
  readCandidates,
  readLog,
  readTargetLogProbs,
  rewriteLog,
  withTemporary,
  writeFileAtomic,
} from '../../src/data/node.js';

const folder = mkdtempSync(join(tmpdir(), 'pope-data-'));
afterAll(() => rmSync(folder, { recursive: true }));
const file = (name: string, data: string | Uint8Array) => {
  writeFileSync(join(folder, name), data);
  return join(folder, name);
};
const records = [
  {
    id: 'a',
    prompt: 'p',
    note: 1,
    responses: [
      { text: 'é', propensity: 0.5, mark: 'm' },
      { text: 'z', propensity: 0.25 },
    ],
  },
  { id: 'b', prompt: 'q', responses: [{ text: 'y', propensity: 1 }] },
];
const jsonl = jsonlText(records);
const csv = 'id,prompt,response,propensity\na,p,é,0.5\nb,q,y,1\na,p,z,0.25\n';

describe('reading files', () => {
  test('JSONL, JSON, CSV, each gzipped, and a name without ending give one log', async () => {
    const expected = logFromRecords(records);
    const array = jsonText(records, 2);
    for (const [name, text] of [
      ['l.jsonl', jsonl],
      ['l.json', array],
      ['l.csv', csv],
      ['plain', csv],
      ['other', array],
    ] as const) {
      expect(await readLog(file(name, text))).toEqual(expected);
      expect(await readLog(file(`${name}.gz`, gzipSync(text)))).toEqual(expected);
    }
  });

  test('the hash is of the bytes as they lie', async () => {
    const packed = gzipSync(jsonl);
    const path = file('h.jsonl.gz', packed);
    const expected = createHash('sha256').update(packed).digest('hex');
    let told = '';
    await readLog(path, { onHash: (hash) => (told = hash) });
    expect([told, await hashFile(path), await hashInput(packed)]).toEqual([expected, expected, expected]);
  });

  test('what cannot be read is refused in one sentence', async () => {
    const refused = (path: string) => expect(readLog(path)).rejects;
    await refused(join(folder, 'none.jsonl')).toThrow('none.jsonl does not exist; expected a file to read.');
    await refused(folder).toThrow('is a folder; expected a file to read.');
    await refused('x.parquet').toThrow('Parquet is not read yet.');
    await refused(file('cut.jsonl.gz', gzipSync(jsonl.repeat(50)).subarray(0, 60))).toThrow(
      'is not a whole gzip file; expected one that unpacks.',
    );
    const latin = Buffer.concat([Buffer.from(jsonl), Buffer.from('{"prompt":"caf\xe9"}\n', 'latin1')]);
    await refused(file('latin.jsonl', latin)).toThrow('latin.jsonl line 3: is not valid UTF-8');
    await refused(file('half.jsonl', Buffer.from('é').subarray(0, 1))).toThrow('half.jsonl line 1: is not valid UTF-8');
  });

  test('gzip in the pure part, split at any byte; damaged gzip is refused', async () => {
    const packed = gzipSync(jsonl);
    const bytes = function* (data: Uint8Array) {
      for (const byte of data) yield Uint8Array.of(byte);
    };
    expect(await parseJsonl(decodeUtf8(gunzip(bytes(packed), 'f'), 'f'))).toEqual(logFromRecords(records));
    expect(await parseJsonl(decodeUtf8(gunzip(bytes(Buffer.from(jsonl)), 'f'), 'f'))).toEqual(logFromRecords(records));
    await expect(parseJsonl(decodeUtf8(gunzip([packed.subarray(0, 30)], 'f'), 'f'))).rejects.toThrow(
      'f is not a whole gzip file',
    );
  });
});

describe('candidates and targets', () => {
  const spaces = jsonlText([
    { prompt: 'p', candidates: [{ text: 'é', opinion: 'c0' }, { text: 'z' }] },
    { prompt: 'q', candidates: [{ text: 'y', opinion: 'c1' }] },
  ]);

  test('candidates are attached, and name the opinion of their responses', async () => {
    const path = file('c.jsonl', spaces);
    const log = await readLog(file('l.jsonl', jsonl), { candidates: path });
    expect(log.candidates).toEqual(await readCandidates(path));
    expect(log.opinions).toEqual(['c0', undefined, 'c1']);
  });

  test('a response, a prompt or an opinion that the candidates do not have is refused', async () => {
    const candidates = await parseCandidates([spaces]);
    const read = (prompt: string, response: object) => () =>
      logFromRecords([{ prompt, responses: [response] }], { candidates });
    expect(read('p', { text: 'w' })).toThrow(
      'log record 1: responses[0].text is "w"; expected one of the 2 candidates of its prompt.',
    );
    expect(read('r', { text: 'z' })).toThrow('log record 1: prompt is "r"; expected a prompt of the candidates file.');
    expect(read('p', { text: 'é', opinion: 'c1' })).toThrow(
      'opinion is "c1"; expected "c0", as in the candidates file.',
    );
  });

  test('faulty candidates are refused', async () => {
    const refused = (line: unknown) => expect(parseCandidates([jsonlText([line, line])], { file: 'c' })).rejects;
    await refused({ prompt: 'p', candidates: [] }).toThrow(
      'c line 1: candidates is an empty array; expected an array of at least one',
    );
    await refused({ prompt: 'p', candidates: [{ text: 'a' }, { text: 'a' }] }).toThrow(
      'candidates[1].text is "a"; expected a text that no earlier',
    );
    await refused({ prompt: 'p', candidates: [{ text: 'a' }] }).toThrow(
      'c line 2: prompt is "p"; expected a prompt that no earlier line has.',
    );
    await expect(parseCandidates(['\n'], { file: 'c' })).rejects.toThrow('c holds no candidates');
  });

  test('a target from a file is attached by id', async () => {
    const path = file(
      't.jsonl',
      jsonlText([
        { id: 'b', log_probs: [-3] },
        { id: 'a', log_probs: [-1, null] },
        { id: 'other', log_probs: [] },
      ]),
    );
    const log = attachTarget(logFromRecords(records), 'new', await readTargetLogProbs(path));
    expect([...(log.targetLogProb.get('new') ?? [])]).toEqual([-1, -Infinity, -3]);
    expect(() => attachTarget(log, 'new', { file: 't', byId: new Map(), lines: new Map() })).toThrow(
      'expected a name that no target inside the log has',
    );
  });

  test('missing ids, wrong lengths and values that are no log-probabilities are refused', async () => {
    const read = (...lines: object[]) => parseTargetLogProbs([jsonlText(lines)], { file: 't' });
    const log = logFromRecords(records);
    const attached = async (...lines: object[]) => attachTarget(log, 'new', await read(...lines));
    await expect(attached({ id: 'a', log_probs: [-1, -2] })).rejects.toThrow(
      't: id "b" is missing; expected a line for every round of the log.',
    );
    await expect(attached({ id: 'b', log_probs: [-1] }, { id: 'a', log_probs: [-1] })).rejects.toThrow(
      't line 2: log_probs of id "a" has length 1; expected 2, one for each response of the round.',
    );
    await expect(read({ id: 'a', log_probs: [1] })).rejects.toThrow(
      't line 1: log_probs[0] is 1; expected a natural logarithm of a probability',
    );
    await expect(read({ id: 'a', log_probs: [] }, { id: 'a', log_probs: [] })).rejects.toThrow(
      't line 2: id is "a"; expected an id that no earlier line has.',
    );
  });

  test('fitted propensities are labelled', () => {
    const log = logFromRecords(records);
    expect(attachPropensity(log, Float64Array.of(-1, -2, 0)).propensity).toBe('fitted');
    expect(() => attachPropensity(log, Float64Array.of(-1, NaN, 0))).toThrow('logPropensity[1] is NaN');
    expect(() => attachPropensity(log, Float64Array.of(-1))).toThrow('expected 3, one a response');
  });
});

describe('writing files', () => {
  test('missing folders are made; a folder that cannot be made is refused, and not tried for ever', async () => {
    const deep = join(folder, 'a', 'b', 'c.txt');
    await writeFileAtomic(deep, 'x');
    await writeFileAtomic(join(folder, 'a', 'd', 'c.txt'), 'y');
    expect(readFileSync(deep, 'utf8')).toBe('x');
    await expect(writeFileAtomic(join(deep, 'e', 'f'), 'z')).rejects.toThrow(/cannot be written \((ENOTDIR|EEXIST)\)/);
    if (existsSync('/proc/self'))
      await expect(writeFileAtomic('/proc/nope/x', 'z')).rejects.toThrow('/proc/nope/x cannot be written (ENOENT)');
  });

  test('rewriteLog keeps all keys and fills in one, from JSONL and CSV, to JSONL and CSV', async () => {
    for (const path of [file('in.jsonl', jsonl), file('in.csv', csv)]) {
      for (const name of ['out.jsonl', 'out.csv']) {
        const out = join(folder, name);
        await rewriteLog(path, out, (record, i) => ({
          ...record,
          responses: record.responses.map((r) => ({ ...r, target_log_prob: i === 0 ? -Infinity : -1 })),
        }));
        const log = await readLog(out);
        expect(log.ids).toEqual(['a', 'b']);
        expect([...(log.targetLogProb.get('target') ?? [])]).toEqual([-Infinity, -Infinity, -1]);
        expect(log.logPropensity).toEqual(logFromRecords(records).logPropensity);
      }
    }
    await rewriteLog(join(folder, 'in.jsonl'), join(folder, 'same.jsonl'), (record) => record);
    expect(readFileSync(join(folder, 'same.jsonl'), 'utf8')).toBe(jsonl);
    await expect(rewriteLog('-', 'x', (r) => r)).rejects.toThrow('can be read only once');
  });

  test('rewriteLog leaves out the rounds that were skipped, so that indices agree', async () => {
    const path = file('bad.jsonl', `{\n${JSON.stringify({ ...records[0], prompt: 3 })}\n${jsonl}`);
    const log = await readLog(path, { onError: 'skip' });
    const out = join(folder, 'kept.jsonl');
    const seen: [string | null | undefined, number][] = [];
    await rewriteLog(
      path,
      out,
      (record, i) => {
        seen.push([record.id, i]);
        return record;
      },
      log,
    );
    expect(seen).toEqual([
      ['a', 0],
      ['b', 1],
    ]);
    await expect(rewriteLog(path, out, (record) => record)).rejects.toThrow('line 1: is not valid JSON');
    expect(readFileSync(out, 'utf8')).toBe(jsonl);
  });

  test('a file is written whole or not at all, and no temporary is left', async () => {
    const inside = join(folder, 'atomic');
    const path = join(inside, 'sub', 'f.txt');
    await writeFileAtomic(path, 'old');
    async function* failing() {
      yield 'half';
      throw new Error('no more');
    }
    await expect(writeFileAtomic(path, failing())).rejects.toThrow('no more');
    expect(readFileSync(path, 'utf8')).toBe('old');
    await writeFileAtomic(path, Uint8Array.of(65, 66));
    expect(readFileSync(path, 'utf8')).toBe('AB');
    expect(readdirSync(join(inside, 'sub'))).toEqual(['f.txt']);
    await expect(writeFileAtomic(join(path, 'below'), 'x')).rejects.toThrow(/cannot be written \(E\w+\)/);
    mkdirSync(join(inside, 'dir'));
    await expect(writeFileAtomic(join(inside, 'dir'), 'x')).rejects.toThrow('cannot be written');
    const listeners = process.listenerCount('SIGINT');
    const left = await withTemporary(path, async (temporary) => {
      expect(process.listenerCount('SIGINT')).toBe(listeners + 1);
      writeFileSync(temporary, 'x');
      return temporary;
    });
    expect([existsSync(left), process.listenerCount('SIGINT')]).toEqual([false, listeners]);
  });

  test('JSON text refuses what JSON cannot say, and spreads typed arrays and maps', () => {
    expect(jsonText({ a: Float64Array.of(1, 2), m: new Map([['k', 1]]), u: undefined })).toBe(
      '{"a":[1,2],"m":{"k":1}}',
    );
    expect(() => jsonText({ a: [1, { b: NaN }] })).toThrow('a[1].b is NaN; expected a finite number');
  });

  test('the pure part names no Node builtin', () => {
    const source = join(import.meta.dirname, '../../src/data');
    const pure = readdirSync(source).filter((name) => name.endsWith('.ts') && name !== 'node.ts');
    expect(pure.length).toBeGreaterThan(10);
    for (const name of pure)
      expect(readFileSync(join(source, name), 'utf8'), name).not.toMatch(/from '(node:|\.\/node)/);
  });
});

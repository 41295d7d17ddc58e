import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import {
  csvText,
  entries,
  jsonlText,
  logFromRecords,
  logToRecords,
  parseCsv,
  parseJsonl,
  parseLog,
  type RoundRecord,
  rewritten,
} from '../../src/data/index.js';
import { nodeCsvParse } from '../../src/data/node/read-log.js';
import type { Log } from '../../src/ope/log.js';
import { validRecords } from './log-arbitrary.js';

const chunked = (text: string, size: number) => text.match(new RegExp(`[\\s\\S]{1,${size}}`, 'g')) ?? [];
const withoutWarnings = (log: Log) => ({ ...log, warnings: [] });

describe('round trips', () => {
  test.prop([validRecords, fc.integer({ min: 1, max: 40 })])(
    'records -> JSONL in chunks of any size -> Log is records -> Log',
    async (records, size) => {
      const log = await parseJsonl(chunked(jsonlText(records), size));
      expect(log).toEqual(logFromRecords(records));
    },
  );

  test.prop([validRecords])('Log -> records -> Log is the identity', (records) => {
    const log = logFromRecords(records);
    expect(withoutWarnings(logFromRecords(logToRecords(log)))).toEqual(withoutWarnings(log));
  });

  test.prop([validRecords, fc.integer({ min: 1, max: 40 }), fc.boolean()])(
    'CSV says the same as JSONL, in chunks of any size, with either build of csv-parse',
    async (records, size, node) => {
      const csv = csvText(records);
      const log = await parseCsv(chunked(csv, size), node ? { parse: nodeCsvParse } : {});
      expect(log).toEqual(logFromRecords(records));
    },
  );

  test.prop([validRecords])('CSV rows of one id need not be adjacent', async (records) => {
    // Slates interleaved: first all first responses, then all second ones ...
    const single = [0, 1, 2].flatMap((j) =>
      records.flatMap((r) =>
        r.responses[j] === undefined ? [] : [{ ...r, responses: [r.responses[j]] } as RoundRecord],
      ),
    );
    expect(await parseCsv(csvText(single))).toEqual(logFromRecords(records));
  });

  test.prop([validRecords])('every column has the length that Log promises', (records) => {
    const log = logFromRecords(records);
    expect(log.rounds).toBe(records.length);
    expect(log.offsets).toHaveLength(log.rounds + 1);
    expect(log.offsets[log.rounds]).toBe(log.responseCount);
    const perResponse = [...log.feedback.values(), ...log.targetLogProb.values(), log.logPropensity ?? log.responses];
    for (const column of [...perResponse, log.opinions ?? log.responses])
      expect(column).toHaveLength(log.responseCount);
    for (const column of [...log.predictedValue.values(), log.clusters ?? log.ids, log.prompts]) {
      expect(column).toHaveLength(log.rounds);
    }
  });

  test('unknown keys pass through, of rounds and of responses, from JSONL and from CSV', async () => {
    const jsonl = '{"id":"a","prompt":"p","extra":{"deep":[1]},"responses":[{"text":"y","model":"m"}]}\n';
    const csv = 'id,prompt,response,model,__proto__\na,p,y,m,evil\n';
    const all = async (text: string) => {
      const out: unknown[] = [];
      for await (const batch of rewritten(entries([text], 'log', 'unknown'), (record, i) => ({ ...record, filled: i })))
        out.push(...batch);
      return JSON.stringify(out);
    };
    expect(await all(jsonl)).toBe(
      '[{"id":"a","prompt":"p","extra":{"deep":[1]},"responses":[{"text":"y","model":"m"}],"filled":0}]',
    );
    expect(await all(csv)).toBe(
      '[{"id":"a","prompt":"p","responses":[{"text":"y","model":"m","__proto__":"evil"}],"filled":0}]',
    );
  });

  test('blank lines, CRLF, a byte order mark and a missing last line end are tolerated; default ids are line numbers', async () => {
    const line = '{"prompt":"p","responses":[{"text":"y"}]}';
    const log = await parseLog([`\uFEFF\r\n${line}\r\n\r\n`, `${line}`]);
    expect(log.ids).toEqual(['2', '4']);
    expect(await parseLog([`[${line},${line}]`])).toMatchObject({ ids: ['1', '2'] });
    expect(await parseLog(['\uFEFFprompt,response\r\np,"a ""b"",\r\nc"\r\n\r\nq,z'])).toMatchObject({
      prompts: ['p', 'q'],
      responses: ['a "b",\r\nc', 'z'],
      ids: ['2', '5'],
    });
  });

  test('token log-propensities are summed, propensities are logged, bare target is "target", null is -Infinity', () => {
    const log = logFromRecords([
      { prompt: 'p', responses: [{ text: 'a', log_propensity: [-1, -2.5], target_log_prob: -1 }] },
      { prompt: 'p', responses: [{ text: 'a', propensity: 0.5, target_log_prob: null }] },
    ]);
    expect([...(log.logPropensity ?? [])]).toEqual([-3.5, Math.log(0.5)]);
    expect([...(log.targetLogProb.get('target') ?? [])]).toEqual([-1, -Infinity]);
    expect(log.propensity).toBe('logged');
  });
});

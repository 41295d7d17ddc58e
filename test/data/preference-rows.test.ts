import { describe, expect, test } from 'vitest';
import { logFromRecords, parseCsv } from '../../src/data/index.js';

const user = (content: string) => ({ role: 'user', content });
const assistant = (content: string) => ({ role: 'assistant', content });

describe('preference rows', () => {
  test('{prompt, completion} is a slate of one, with the keys of a response moved to it', () => {
    const log = logFromRecords([{ prompt: 'p', completion: 'c', log_propensity: -2, id: 'a', cluster: 'u' }]);
    expect(log).toMatchObject({ prompts: ['p'], responses: ['c'], ids: ['a'], clusters: ['u'] });
    expect(log.feedback.size).toBe(0);
    expect([...(log.logPropensity ?? [])]).toEqual([-2]);
  });

  test('{prompt, completion, label}: signal "label"', () => {
    const log = logFromRecords([
      { prompt: 'p', completion: 'a', label: true },
      { prompt: 'p', completion: 'b', label: false },
      { prompt: 'p', completion: 'c', label: 0.5 },
      { prompt: 'p', completion: 'd', label: null },
    ]);
    expect([...(log.feedback.get('label') ?? [])]).toEqual([1, 0, 0.5, NaN]);
  });

  test('{prompt, chosen, rejected}: a slate of two, signal "preferred"', () => {
    const log = logFromRecords([{ prompt: 'p', chosen: 'good', rejected: 'bad' }]);
    expect(log.responses).toEqual(['good', 'bad']);
    expect([...log.offsets]).toEqual([0, 2]);
    expect([...(log.feedback.get('preferred') ?? [])]).toEqual([1, 0]);
  });

  test('message lists become text, and a repeated prompt is dropped from completions', () => {
    const talk = [user('hi'), assistant('hello'), user('why?')];
    const log = logFromRecords([
      { prompt: [user('p')], completion: [assistant('c')] },
      { prompt: 'p', chosen: [user('p'), assistant('good')], rejected: [user('p'), assistant('bad')] },
      { prompt: talk, completion: [...talk, assistant('so')] },
    ]);
    expect(log.prompts).toEqual(['p', 'p', 'user: hi\n\nassistant: hello\n\nuser: why?']);
    expect(log.responses).toEqual(['c', 'good', 'bad', 'so']);
  });

  test('CSV: one row a round, message lists as JSON in cells', async () => {
    const rows = `prompt,completion,label\np,a,True\nq,"${JSON.stringify([assistant('c')]).replaceAll('"', '""')}",0\n`;
    const log = await parseCsv(rows);
    expect(log).toMatchObject({ prompts: ['p', 'q'], responses: ['a', 'c'], ids: ['2', '3'] });
    expect([...(log.feedback.get('label') ?? [])]).toEqual([1, 0]);
    expect(await parseCsv('prompt,chosen,rejected\np,good,bad\n')).toMatchObject({
      responses: ['good', 'bad'],
      rounds: 1,
    });
  });
});

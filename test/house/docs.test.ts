import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { limitOption, limitsOf } from '../../src/cli/limit-option.js';
import { parseCandidates, parseCsv, parseJsonl, parseTargetLogProbs } from '../../src/data/index.js';
import { defaultLimits } from '../../src/ope/index.js';
import { root, sourcesUnder } from './sources.js';

const page = (name: string): string => readFileSync(join(root, 'docs/guide', name), 'utf8');
const blocksOf = (text: string, language: string): string[] =>
  [...text.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\``, 'gm'))].map((m) => m[1]);

describe('the examples of docs/guide/log-format.md', () => {
  const text = page('log-format.md');
  const [round, preferences, candidates, target] = blocksOf(text, 'json');

  test('JSON Lines and CSV say the same', async () => {
    const log = await parseJsonl(round);
    const table = await parseCsv(blocksOf(text, 'csv')[0]);
    expect(log.rounds).toBe(1);
    expect(table.ids).toEqual(log.ids);
    expect(table.responses).toEqual(log.responses);
    expect(table.feedback).toEqual(log.feedback);
    expect(table.targetLogProb).toEqual(log.targetLogProb);
    expect(table.opinions).toEqual(log.opinions);
  });

  test('preference rows are read as the page says', async () => {
    const log = await parseJsonl(preferences);
    expect([...log.offsets]).toEqual([0, 1, 3, 5]);
    expect([...log.feedback.get('label')!].slice(0, 1)).toEqual([1]);
    expect([...log.feedback.get('preferred')!].slice(1)).toEqual([1, 0, 1, 0]);
    expect(log.propensity).toBe('none');
  });

  test('candidates and targets are read', async () => {
    expect((await parseCandidates([candidates])).size).toBe(1);
    expect([...(await parseTargetLogProbs([target])).byId.get('r1')!]).toEqual([-0.22, -1.6]);
  });
});

test('the limits in docs/guide/evaluate.md are the defaults', () => {
  const cells = [...page('evaluate.md').matchAll(/\| `(\w+=[\d.,]+)` \|/g)].map((m) => limitOption(m[1]));
  expect(cells.map(({ key }) => key).sort()).toEqual([
    'ess',
    'ess_share',
    'max_weight_share',
    'mean_weight_errors',
    'pareto_k',
  ]);
  expect(limitsOf(cells)).toEqual(defaultLimits);
  // a WEAK that is left out stays the default, which would hide a wrong cell
  expect(cells.filter(({ key, weak }) => key !== 'pareto_k' && weak === undefined)).toEqual([]);
});

describe('the warnings in docs/guide/evaluate.md', () => {
  // An error's code stands alone or beside a file; a warning's is followed by its message. Alarms have their own table.
  const inSources = sourcesUnder('src')
    .filter(({ path }) => path !== 'src/pope/alarms.ts')
    .flatMap(({ text }) => [...text.matchAll(/\bwarn\(\s*'(\w+)'|\bcode: '(\w+)',\s*message\b/g)])
    .map((match) => match[1] ?? match[2]);
  const [, section] = page('evaluate.md').split('## Warnings\n');
  const inTable = [...section.split('\n## ')[0].matchAll(/^\| `(\w+)` \| \S/gm)].map((match) => match[1]);

  test('are those of the sources, each once', () => {
    expect([...inTable].sort()).toEqual([...new Set(inSources)].sort());
  });

  test('and both forms in which the sources give them were found', () => {
    expect(inSources).toEqual(expect.arrayContaining(['heavy_tail', 'no_interval', 'few_rounds', 'slate_signal']));
  });
});

test('convert-arena.mjs says of a missing folder one sentence', () => {
  const script = join(root, 'docs/guide/convert-arena.mjs');
  const ran = spawnSync(process.execPath, [script, join(root, 'no-such-folder'), join(root, 'no-such-folder/out')]);
  expect(ran.status).toBe(2);
  expect(ran.stderr.toString()).toMatch(/^convert-arena: .*no-such-folder.*; expected a folder.*\n$/);
});

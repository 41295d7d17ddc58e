import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { root, sourcesUnder } from './sources.js';

test('docs/map.md and the property links of docs/math are those of the sources', () => {
  const { status, stderr } = spawnSync(process.execPath, [join(root, 'scripts/make-map.mjs'), '--check'], {
    encoding: 'utf8',
  });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
});

test('the map has a row with a function for every id of a docstring', () => {
  const map = readFileSync(join(root, 'docs/map.md'), 'utf8');
  const rows = new Map([...map.matchAll(/^\| ([DET]\d+b?) \| (.*) \|$/gm)].map((m) => [m[1], m[2]]));
  const ids = sourcesUnder('src').flatMap(({ path, text }) =>
    [...text.matchAll(/@id ([DET]\d+b?)\b/g)].map((m) => ({ id: m[1], path })),
  );
  expect(ids.filter(({ id, path }) => !rows.get(id)?.includes(`](../${path})`))).toEqual([]);
  expect([...rows].filter(([, row]) => row.includes('none yet'))).toEqual([]);
});

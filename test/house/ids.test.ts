import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { root, sourcesUnder } from './sources.js';

const idsIn = (text: string, pattern: RegExp): string[] => [...text.matchAll(pattern)].map((m) => m[1]);

test('every id of a docstring has a page and a property, and the other way round', () => {
  const functions = new Set(sourcesUnder('src').flatMap(({ text }) => idsIn(text, /@id ([DET]\d+b?)\b/g)));
  const properties = new Set(sourcesUnder('test').flatMap(({ text }) => idsIn(text, /['"`]([DET]\d+b?):/g)));
  const pages = readdirSync(join(root, 'docs/math')).map((file) => readFileSync(join(root, 'docs/math', file), 'utf8'));
  const anchors = new Set(pages.flatMap((text) => idsIn(text, /^#+ ([DET]\d+b?)\b/gm)));
  const sorted = (ids: Set<string>) => [...ids].sort();
  expect({ without_property: sorted(functions).filter((id) => !properties.has(id)) }).toEqual({ without_property: [] });
  expect({ without_page: sorted(functions).filter((id) => !anchors.has(id)) }).toEqual({ without_page: [] });
  expect({ page_without_property: sorted(anchors).filter((id) => !properties.has(id)) }).toEqual({
    page_without_property: [],
  });
  expect(functions.size).toBeGreaterThan(10);
});

test('the version in the code is that of package.json', async () => {
  const { version } = await import('../../src/version.js');
  expect(version).toBe(JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).version);
});

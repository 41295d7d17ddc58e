import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { describe, expect, test } from 'vitest';
import { root, sourcesUnder } from './sources.js';

const upTo = (letter: string, last: number): string[] => Array.from({ length: last }, (_, i) => `${letter}${i + 1}`);
/** Every statement of the specification, in its order. */
const ids = ['T1b', ...upTo('D', 7), ...upTo('E', 3), ...upTo('T', 22)].sort((a, b) => rankOf(a) - rankOf(b));

function rankOf(id: string): number {
  return 'DET'.indexOf(id[0]) * 100 + Number.parseInt(id.slice(1), 10) + (id.endsWith('b') ? 0.5 : 0);
}

const src = sourcesUnder('src');
const tests = sourcesUnder('test').filter(({ path }) => !path.startsWith('test/house/'));
const idsIn = (sources: readonly { text: string }[], pattern: RegExp): Set<string> =>
  new Set(sources.flatMap(({ text }) => [...text.matchAll(pattern)].map((m) => m[1])));

/** The sections of docs/math that have an id. */
const sections = readdirSync(join(root, 'docs/math'))
  .filter((name) => name.endsWith('.md'))
  .flatMap((name) => {
    const page = `docs/math/${name}`;
    return readFileSync(join(root, page), 'utf8')
      .split(/^(?=## )/m)
      .flatMap((text) => [...text.matchAll(/^## ([DET]\d+b?)\b/g)].map(([, id]) => ({ id, page, text })));
  });

const includesOf = (text: string): { file: string; region: string }[] =>
  [...text.matchAll(/^<<< (\S+)#([\w*-]+)\{/gm)].map(([, path, region]) => ({
    file: relative(root, join(root, 'docs/math', path)).replaceAll('\\', '/'),
    region,
  }));

/** The lines between the region's two comments; null where one is missing. */
function regionText(text: string, region: string): string | null {
  const [, rest] = text.split(new RegExp(`^[ \\t]*// #region ${region}$`, 'm'));
  const [inside, after] = rest?.split(new RegExp(`^[ \\t]*// #endregion ${region}$`, 'm')) ?? [];
  return after === undefined ? null : inside;
}

describe('every statement of the specification', () => {
  test('has a function, a property and a section with its proof', () => {
    const functions = idsIn(src, /@id ([DET]\d+b?)\b/g);
    const properties = idsIn(tests, /['"`]([DET]\d+b?): /g);
    const pages = new Set(sections.map(({ id }) => id));
    const missing = ids.flatMap((id) => [
      ...(functions.has(id) ? [] : [`${id} has no function: no docstring of src has "@id ${id}"`]),
      ...(properties.has(id) ? [] : [`${id} has no property: no title of test begins with "${id}: "`]),
      ...(pages.has(id) ? [] : [`${id} has no section: no heading of docs/math begins with "## ${id}"`]),
    ]);
    expect(missing).toEqual([]);
    // and nothing has an id that the specification does not know, or has it in two sections
    expect([...new Set([...functions, ...properties])].filter((id) => !ids.includes(id))).toEqual([]);
    expect(sections.map(({ id }) => id).sort()).toEqual([...pages].sort());
  });

  test('has a section that names its functions and its property, and shows the code of both', () => {
    const missing = sections.flatMap(({ id, page, text }) => {
      const includes = includesOf(text).filter(({ region }) => region.split('-')[0] === id);
      const shown = (folder: string) => includes.some(({ file }) => file.startsWith(`${folder}/`));
      const named = src.flatMap((source) =>
        [
          ...source.text.matchAll(
            new RegExp(`@id ${id}\\b[\\s\\S]*?\\*/\\s*export (?:async )?(?:function|const) (\\w+)`, 'g'),
          ),
        ].map(([, name]) => ({ name, link: `](../../${source.path})` })),
      );
      const line = /^Functions?: .*$/m.exec(text)?.[0] ?? '';
      return [
        ...(line.includes('Property: ') ? [] : [`${page} ${id}: no line "Function: ... Property: ..."`]),
        ...named
          .filter(({ name, link }) => !(line.includes(`\`${name}\``) && line.includes(link)))
          .map(({ name }) => `${page} ${id}: its line "Function: ..." does not name ${name}`),
        ...(shown('src') ? [] : [`${page} ${id}: no code of src: no file has "// #region ${id}"`]),
        ...(shown('test') ? [] : [`${page} ${id}: no property: no test file has "// #region ${id}"`]),
        ...(/^\*\*(?:Statement|Definition)\.\*\*/m.test(text) ? [] : [`${page} ${id}: no statement or definition`]),
        ...(!text.includes('**Statement.**') || text.includes('**Proof') ? [] : [`${page} ${id}: no proof`]),
        ...['**Where from.**', '**For a practitioner.**', '**What breaks it.**']
          .filter((part) => !text.includes(part))
          .map((part) => `${page} ${id}: no ${part}`),
      ];
    });
    expect(missing).toEqual([]);
  });
});

describe('regions', () => {
  const regions = [...src, ...tests].flatMap(({ path, text }) =>
    [...text.matchAll(/^[ \t]*\/\/ #region (.*)$/gm)].map((m) => ({ path, text, region: m[1] })),
  );

  test('every region is closed, once in its file, and shown by a page', () => {
    const shown = new Set(
      sections.flatMap(({ text }) => includesOf(text)).map(({ file, region }) => `${file}#${region}`),
    );
    const wrong = regions.flatMap(({ path, text, region }) => [
      ...(regionText(text, region) === null ? [`${path}: region ${region} is not closed`] : []),
      ...(text.split(`// #region ${region}\n`).length === 2 ? [] : [`${path}: region ${region} begins twice`]),
      ...(!/^[DET]\d/.test(region) || shown.has(`${path}#${region}`)
        ? []
        : [`${path}: region ${region} is shown by no page`]),
    ]);
    expect(wrong).toEqual([]);
    expect(regions.length).toBeGreaterThan(40);
  });

  test('every region that a page shows exists, and holds what it is named after', () => {
    const wrong = sections.flatMap(({ page, text }) =>
      includesOf(text).flatMap(({ file, region }) => {
        const inside = existsSync(join(root, file)) ? regionText(readFileSync(join(root, file), 'utf8'), region) : null;
        const id = region.split('-')[0];
        if (inside === null) return [`${page}: ${file} has no region ${region}`];
        const named = file.startsWith('src/') ? inside.includes(`@id ${id}\n`) : inside.includes(`${id}: `);
        return named ? [] : [`${page}: the region ${region} of ${file} holds neither "@id ${id}" nor its property`];
      }),
    );
    expect(wrong).toEqual([]);
  });

  test('an open or a missing region would be found', () => {
    expect(regionText('a\n  // #region T1\n  b\n  // #endregion T1\n', 'T1')).toBe('\n  b\n');
    expect(regionText('// #region T1\nb\n', 'T1')).toBeNull();
    expect(regionText('// #region T11\nb\n// #endregion T11\n', 'T1')).toBeNull();
    expect(includesOf('<<< ../../src/a.ts#T1{ts}\n')).toEqual([{ file: 'src/a.ts', region: 'T1' }]);
  });
});

test('the version in the code is that of package.json', async () => {
  const { version } = await import('../../src/version.js');
  expect(version).toBe(JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).version);
});

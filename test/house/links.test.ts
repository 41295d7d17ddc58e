import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, expect, test } from 'vitest';
import { root } from './sources.js';

const pages = [
  ...readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => join(root, 'docs', name)),
  ...['README.md', 'data/README.md'].map((name) => join(root, name)).filter(existsSync),
].map((file) => ({ file, path: relative(root, file).replaceAll('\\', '/'), text: readFileSync(file, 'utf8') }));

const withoutCode = (text: string): string => text.replace(/^```[\s\S]*?^```/gm, '').replace(/`[^`\n]*`/g, '');
const linksOf = (text: string): string[] => [...withoutCode(text).matchAll(/\]\(([^)\s]+)\)/g)].map((m) => m[1]);

/** GitHub's anchor of a heading. */
const anchorOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .trim()
    .replace(/\s/g, '-');
const anchorsOf = (text: string): string[] =>
  [...text.replace(/^```[\s\S]*?^```/gm, '').matchAll(/^#+ (.+)$/gm)].map((m) => anchorOf(m[1]));

describe('links', () => {
  test('every relative link of the docs leads to a file, and to a heading where it names one', () => {
    const broken = pages.flatMap(({ file, path, text }) =>
      linksOf(text)
        .filter((link) => !/^[a-z]+:/.test(link))
        .filter((link) => {
          const [to, anchor] = link.split('#');
          const target = to === '' ? file : join(dirname(file), to);
          if (!existsSync(target)) return true;
          return anchor !== undefined && !anchorsOf(readFileSync(target, 'utf8')).includes(anchor);
        })
        .map((link) => `${path}: ${link}`),
    );
    expect(broken).toEqual([]);
  });

  test('every path of this repository that the docs mention exists', () => {
    const missing = pages.flatMap(({ path, text }) =>
      [...text.matchAll(/(?<![\w./-])(?:src|test|docs|scripts|bench)\/[\w./-]+\.(?:ts|mjs|md|json)\b/g)]
        .map((m) => m[0])
        .filter((mentioned) => !existsSync(join(root, mentioned)))
        .map((mentioned) => `${path}: ${mentioned}`),
    );
    expect(missing).toEqual([]);
  });

  test('there are links to check, and a broken one would be found', () => {
    expect(pages.flatMap(({ text }) => linksOf(text)).length).toBeGreaterThan(100);
    expect(linksOf('[a](b.md#c) `[no](code.md)`\n```\n[no](fence.md)\n```\n[d](https://e.f)')).toEqual([
      'b.md#c',
      'https://e.f',
    ]);
    expect(anchorsOf('# T1b Not local: the mixed value\n')).toEqual(['t1b-not-local-the-mixed-value']);
  });

  test('no page holds a placeholder', () => {
    expect(pages.filter(({ text }) => /\{\{|TODO|TBD/.test(text)).map(({ path }) => path)).toEqual([]);
  });
});

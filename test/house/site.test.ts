import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, test } from 'vitest';
import { root } from './sources.js';

interface SiteChecks {
  foreignResources(file: string, text: string): string[];
  rawFormulas(html: string): string[];
}
const { foreignResources, rawFormulas }: SiteChecks = await import(
  pathToFileURL(join(root, 'docs/.vitepress/check-site.mjs')).href
);

// The build of the site calls these on every page; here they are shown to see what they look for.
test('what a page or a style sheet loads from another host is found, and a plain link is not', () => {
  expect(foreignResources('a.html', '<a href="https://arxiv.org/abs/1">x</a><img src="/own.svg">')).toEqual([]);
  expect(foreignResources('a.html', '<p><script src="https://a.b/c.js"></script>')).toEqual(['https://a.b/c.js']);
  expect(foreignResources('a.html', '<link rel="x" href="//a.b/c.css">')).toEqual(['//a.b/c.css']);
  expect(foreignResources('a.css', '@font-face{src:url(/assets/a.woff2)}')).toEqual([]);
  expect(foreignResources('a.css', '@font-face{src:url("https://a.b/c.woff2")}')).toEqual(['https://a.b/c.woff2']);
  expect(foreignResources('a.css', "@import 'https://a.b/c.css';")).toEqual(['https://a.b/c.css']);
});

test('a formula that reaches the reader as it was typed is found, and code and annotations are not', () => {
  expect(rawFormulas('<p>the <code>$x$</code> of <annotation>\\frac12</annotation></p>')).toEqual([]);
  expect(rawFormulas('<p>half is \\frac12</p>')).toEqual(['\\frac']);
  expect(rawFormulas('<p>a weight $w_j$ of</p>')).toEqual(['$w_j$']);
  expect(rawFormulas('<span class="katex-error">x</span>')).toHaveLength(1);
});

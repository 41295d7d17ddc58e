// On GitHub a link to ../../src/pope/gap.ts opens the file. The site has a page for each file that is linked so, and
// leads there: nobody who follows an equation to its code leaves the site.
import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { docs, pagesUnder, root } from './pages.mjs';

/** The repository's file that a link of a page leads to, or null where it is a page, an image or elsewhere. */
function sourceOf(page, href) {
  if (/^(?:[a-z]+:|#|\/)/.test(href)) return null;
  const target = join(docs, dirname(page), decodeURI(href.replace(/#.*$/, '')));
  const path = relative(root, target).replaceAll('\\', '/');
  if (path.startsWith('docs/') && path.endsWith('.md')) return null;
  if (path.startsWith('../') || !existsSync(target) || !statSync(target).isFile())
    throw new Error(`docs/${page}: the link ${href} leads to no file of the repository`);
  return path;
}

/** markdown-it plugin: links to sources become links to their pages. */
export function sourceLinks(md) {
  md.core.ruler.push('source-links', ({ tokens, env }) => {
    if (env.relativePath === undefined || env.relativePath.startsWith('source/')) return;
    for (const link of tokens.flatMap(({ children }) => children ?? []).filter(({ type }) => type === 'link_open')) {
      const path = sourceOf(env.relativePath, link.attrGet('href'));
      if (path !== null) link.attrSet('href', `/source/${path}.html`);
    }
  });
}

/** Every file that some page links to, or takes a region from. */
export function linkedSources() {
  const found = new Set();
  for (const page of pagesUnder('.')) {
    const text = readFileSync(join(docs, page), 'utf8').replace(/^```[\s\S]*?^```/gm, '');
    const links = [...text.matchAll(/\]\(([^)\s]+)\)/g), ...text.matchAll(/^<<< ([^\s#{]+)/gm)].map((m) => m[1]);
    for (const path of links.map((href) => sourceOf(page, href))) if (path !== null) found.add(path);
  }
  return [...found].sort();
}

// What the built site must be: whole without the network, with every formula rendered. Fails the build otherwise.
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

const filesOf = (folder) =>
  readdirSync(folder, { recursive: true })
    .map((name) => join(folder, name))
    .filter((file) => statSync(file).isFile());

/** Everything that a browser would fetch by itself from another host: all but plain links. */
export function foreignResources(file, text) {
  const patterns = file.endsWith('.css')
    ? [/url\(\s*['"]?((?:https?:)?\/\/[^)'"\s]+)/g, /@import\s+['"]((?:https?:)?\/\/[^'"]+)/g]
    : [
        /<(?!a\b)[a-z][^<>]*?\s(?:src|href|srcset|action|data|poster)=["']((?:https?:)?\/\/[^"']+)/g,
        /style=["'][^"']*url\(((?:https?:)?\/\/[^)]+)/g,
      ];
  return patterns.flatMap((pattern) => [...text.matchAll(pattern)].map((m) => m[1]));
}

/** TeX that reached the reader as it was typed. */
export function rawFormulas(html) {
  if (html.includes('katex-error')) return ['a formula that KaTeX refused'];
  const prose = html
    .replace(/<(annotation|pre|code|script|style|title)\b[\s\S]*?<\/\1>/g, '')
    .replace(/<[^>]+>/g, ' ');
  return [...prose.matchAll(/\\(?:frac|pi|rho|sum|hat|tau|log|sigma|mid|ge|le)(?![a-z])|\$\$?[^\s$][^$]*\$/g)].map((m) => m[0]);
}

export function checkSite(outDir) {
  const files = filesOf(outDir);
  const text = (file) => readFileSync(file, 'utf8');
  const pages = files.filter((file) => file.endsWith('.html'));
  const found = [...pages, ...files.filter((file) => file.endsWith('.css'))].flatMap((file) => [
    ...foreignResources(file, text(file)).map((url) => `${file} loads ${url}`),
    ...(file.endsWith('.html') && !file.includes('/source/')
      ? rawFormulas(text(file)).map((tex) => `${file} shows ${tex.slice(0, 80)}`)
      : []),
  ]);
  if (found.length > 0) throw new Error(`the site is not what it must be:\n${found.join('\n')}`);
  const formulas = pages.reduce((sum, file) => sum + text(file).split('class="katex"').length - 1, 0);
  const bytes = files.reduce((sum, file) => sum + statSync(file).size, 0);
  console.log(
    `${pages.length} pages, ${formulas} formulas, ${(bytes / 1e6).toFixed(1)} MB in ${files.length} files; nothing is loaded from elsewhere`,
  );
}

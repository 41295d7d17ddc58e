// The pages of docs/ as the site's sidebar: a group a folder, in the order in which they are meant to be read.
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

export const docs = resolve(import.meta.dirname, '..');
export const root = resolve(docs, '..');

/** Every Markdown file below a folder of docs/, as paths from docs/ with forward slashes. */
export const pagesUnder = (folder) =>
  readdirSync(join(docs, folder), { recursive: true })
    .map((name) => join(folder, name).replaceAll('\\', '/'))
    .filter((path) => path.endsWith('.md') && !path.startsWith('.') && !path.startsWith('source/'))
    .sort();

/** GitHub's anchor of a heading. */
export const anchorOf = (heading) =>
  heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .trim()
    .replace(/\s/g, '-');

const titleOf = (path) => /^# (.+)$/m.exec(readFileSync(join(docs, path), 'utf8'))?.[1] ?? path;

const groups = [
  {
    folder: 'math',
    text: 'Mathematics',
    first: [
      'setting', 'utility-and-diversity', 'optimum', 'estimators', 'family', 'slates-and-loggers', 'variance',
      'exact-moments', 'intervals', 'coverage-of-intervals', 'propensities', 'lower-bound', 'language', 'groups',
    ], // prettier-ignore
  },
  { folder: 'guide', text: 'Guide', first: ['log-format', 'evaluate', 'train'] },
  { folder: 'experiments', text: 'Studies', first: ['index'] },
  { folder: 'engine', text: 'Engine', first: ['tensor', 'backend', 'autograd'] },
  { folder: 'decisions', text: 'Decisions', first: [], collapsed: true },
];

export function sidebar() {
  const entry = (path) => ({ text: titleOf(path), link: `/${path.replace(/\.md$/, '')}` });
  return [
    { text: 'pope-ts', items: ['start.md', 'map.md'].map(entry) },
    ...groups.map(({ folder, text, first, collapsed = false }) => {
      const rank = (path) => (first.indexOf(path.slice(folder.length + 1, -3)) + first.length + 1) % (first.length + 1);
      const items = pagesUnder(folder)
        .sort((a, b) => rank(a) - rank(b))
        .map(entry);
      return { text, collapsed, items };
    }),
  ];
}

// Writes docs/map.md, and the property links of docs/math, from the sources: an id's page is its heading in docs/math,
// its function the export under the docstring with its @id, its property every test file with a title that begins with it.
//
//   node scripts/make-map.mjs            writes
//   node scripts/make-map.mjs --check    writes nothing; exit 1 names the files that are out of date
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, posix, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '..');
const mapFile = 'docs/map.md';

/** All ids of the specification, with the statement's name for those that have no page yet. */
const planned = new Map(
  Object.entries({
    D1: 'Collaborative utility', D2: 'Surprisal', D3: 'Coverage', D4: 'Slate entropy', D5: 'Preference distribution',
    D6: 'Value', D7: 'Anchored diversity',
    E1: 'Joint estimator', E2: 'Decomposed estimators', E3: 'The family of weight transforms, rewards and aggregators',
    T1: 'Unbiased for local rewards', T1b: 'Not local: the mixed value', T2: 'Bias from misestimated propensities',
    T3: 'The variance, exactly', T4: 'The variance from below', T5: 'Variance across contexts, and its covariance',
    T6: 'Decomposed against joint', T7: 'The tangent bound', T8: 'The lower bound of the value',
    T9: 'The optimum in closed form', T10: 'The policy gradient', T11: 'Pessimism of transformed weights',
    T12: 'Confidence bounds', T13: 'Sensitivity', T14: 'Tail index', T15: 'Doubly robust',
    T16: 'Additive control variate', T17: 'Merging', T18: 'Mean weight', T19: 'Class-marginal weights',
    T20: 'Chain-rule entropy', T21: 'Position correction', T22: 'Groups, and the worst group',
  }), // prettier-ignore
);

const read = (path) => readFileSync(join(root, path), 'utf8');
const filesUnder = (folder, ending) =>
  readdirSync(join(root, folder), { recursive: true })
    .map((name) => posix.join(folder, name.replaceAll('\\', '/')))
    .filter((path) => path.endsWith(ending))
    .sort();

/** id -> [{ path, name }]: the export that follows the docstring. */
function functionsById() {
  const found = new Map();
  for (const path of filesUnder('src', '.ts')) {
    for (const [, id, name] of read(path).matchAll(/@id ([DET]\d+b?)\b[\s\S]*?\*\/\s*export (?:async )?(?:function|const) (\w+)/g)) {
      found.set(id, [...(found.get(id) ?? []), { path, name }]);
    }
  }
  return found;
}

/** id -> paths of the test files with a title of that id. */
function propertiesById() {
  const found = new Map();
  for (const path of filesUnder('test', '.ts')) {
    for (const id of new Set([...read(path).matchAll(/['"`]([DET]\d+b?):/g)].map((m) => m[1]))) {
      found.set(id, [...(found.get(id) ?? []), path]);
    }
  }
  return found;
}

/** GitHub's anchor of a heading. */
const anchorOf = (heading) => heading.toLowerCase().replace(/[^\p{L}\p{N}\s_-]/gu, '').trim().replace(/\s/g, '-');

/** id -> { page, title, anchor }. */
function pagesById() {
  const found = new Map();
  for (const page of filesUnder('docs/math', '.md')) {
    for (const [, id, title] of read(page).matchAll(/^#+ ([DET]\d+b?)\b[ :]*(.*)$/gm)) {
      found.set(id, { page, title, anchor: anchorOf(`${id} ${title}`) });
    }
  }
  return found;
}

const order = (id) => ['D', 'E', 'T'].indexOf(id[0]) * 1000 + parseInt(id.slice(1), 10) * 2 + (id.endsWith('b') ? 1 : 0);
const link = (from, path, text) => `[${text}](${posix.relative(posix.dirname(from), path)})`;

function mapText(pages, functions, properties) {
  const rows = [...pages].sort(([a], [b]) => order(a) - order(b)).map(([id, { page, title, anchor }]) => {
    const used = (functions.get(id) ?? []).map(({ path, name }) => link(mapFile, path, `\`${name}\``)).join(', ');
    const tested = (properties.get(id) ?? []).map((path) => link(mapFile, path, posix.basename(path))).join(', ');
    return `| ${id} | ${link(mapFile, page, title).replace(/\)$/, `#${anchor})`)} | ${used || 'see the page'} | ${tested || 'none yet'} |`;
  });
  const missing = [...planned]
    .filter(([id]) => !pages.has(id))
    .map(([id, title]) => {
      const tested = (properties.get(id) ?? []).map((path) => link(mapFile, path, posix.basename(path))).join(', ');
      return `- ${id} ${title}${tested && ` (its property is there already: ${tested})`}`;
    });
  return `# The map

From each statement to its proof, its function and its property. Written by \`node scripts/make-map.mjs\`; a test fails where it is out of date.
\`npx vitest run -t 'T6:'\` runs the properties of one statement.

| id | statement and proof | function | property |
| --- | --- | --- | --- |
${rows.join('\n')}
${missing.length === 0 ? '' : `\n## To come\n\n${missing.join('\n')}\n`}`;
}

/** The page with each section's "Property: ..." filled in from the tests. */
function pageText(page, properties) {
  let id;
  return read(page)
    .split('\n')
    .map((line) => {
      const heading = /^#+ (?:([DET]\d+b?)\b)?/.exec(line);
      if (heading !== null) id = heading[1];
      if (id === undefined || !line.includes('Property: ')) return line;
      const tested = (properties.get(id) ?? []).map((path) => link(page, path, posix.basename(path)));
      return line.replace(/Property: .*$/, `Property: ${tested.length === 0 ? 'none yet' : tested.join(', ')}.`);
    })
    .join('\n');
}

const pages = pagesById();
const properties = propertiesById();
const wanted = new Map(filesUnder('docs/math', '.md').map((page) => [page, pageText(page, properties)]));
wanted.set(mapFile, mapText(pages, functionsById(), properties));
const stale = [...wanted].filter(([path, text]) => !existsSync(join(root, path)) || read(path) !== text);
if (process.argv.includes('--check')) {
  if (stale.length > 0) {
    console.error(`out of date: ${stale.map(([path]) => path).join(', ')}; run node scripts/make-map.mjs`);
    process.exitCode = 1;
  }
} else {
  for (const [path, text] of stale) writeFileSync(join(root, path), text);
  console.log(stale.length === 0 ? 'up to date' : `wrote ${stale.map(([path]) => path).join(', ')}`);
}

// Writes docs/map.md, and of each section of docs/math its property links and its code, from the sources: an id's page is
// its heading in docs/math, its function the export under the docstring with its @id, its property every test file with a
// title that begins with it. Its code is the regions named after it: `// #region T6` to `// #endregion T6`
// (or T6-something).
//
//   node scripts/make-map.mjs            writes
//   node scripts/make-map.mjs --check    writes nothing; exit 1 names the files that are out of date
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, posix, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '..');
const mapFile = 'docs/map.md';

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

/** id -> what to include: the regions named after it (`T14`, `T14-smoothing`), sources before tests. */
function regionsById() {
  const found = new Map();
  for (const path of [...filesUnder('src', '.ts'), ...filesUnder('test', '.ts')]) {
    const names = new Set([...read(path).matchAll(/^\s*\/\/ #region ([DET]\d+b?(?:-[\w-]+)?)$/gm)].map((m) => m[1]));
    for (const name of names) {
      const id = name.split('-')[0];
      found.set(id, [...(found.get(id) ?? []), { path, name }]);
    }
  }
  return found;
}

function mapText(pages, functions, properties) {
  const rows = [...pages].sort(([a], [b]) => order(a) - order(b)).map(([id, { page, title, anchor }]) => {
    const used = (functions.get(id) ?? []).map(({ path, name }) => link(mapFile, path, `\`${name}\``)).join(', ');
    const tested = (properties.get(id) ?? []).map((path) => link(mapFile, path, posix.basename(path))).join(', ');
    return `| ${id} | ${link(mapFile, page, title).replace(/\)$/, `#${anchor})`)} | ${used || 'none yet'} | ${tested || 'none yet'} |`;
  });
  return `# The map

From each statement to its proof, its function and its property; below each proof stands the code of both. Written by \`node scripts/make-map.mjs\`; a test fails where it is out of date.
To run the properties of one statement, give the file of its row: \`npx vitest run test/theorems/T06* -t T6:\`. With \`-t\` alone every test file is loaded first, which is slow.

| id | statement and proof | function | property |
| --- | --- | --- | --- |
${rows.join('\n')}
`;
}

const summary = '<summary>The code and its property</summary>';

/** The page with each section's property links and code filled in from the sources. */
function pageText(page, properties, regions) {
  const [preface, ...sections] = read(page).split(/^(?=## )/m);
  return [preface, ...sections.map((section) => sectionText(page, section, properties, regions))].join('');
}

function sectionText(page, section, properties, regions) {
  const id = /^## ([DET]\d+b?)\b/.exec(section)?.[1];
  if (id === undefined) return section;
  const tested = (properties.get(id) ?? []).map((path) => link(page, path, posix.basename(path)));
  const prose = section
    .replace(/Property: .*$/m, () => `Property: ${tested.length === 0 ? 'none yet' : tested.join(', ')}.`)
    .replace(new RegExp(`^<details>\\n${summary}\\n[\\s\\S]*?^</details>\\n?`, 'gm'), '')
    .replace(new RegExp(`^<<< \\S+#${id}(?:-[\\w-]+)?\\{ts\\}\\n?`, 'gm'), '')
    .replace(/\n{3,}/g, '\n\n')
    .trimEnd();
  // the site puts the code in the place of each <<< line; folded, so that GitHub, which cannot, shows the prose whole
  const code = (regions.get(id) ?? []).map(
    ({ path, name }) => `<<< ${posix.relative(posix.dirname(page), path)}#${name}{ts}\n\n`,
  );
  const block = code.length === 0 ? '' : `\n<details>\n${summary}\n\n${code.join('')}</details>\n`;
  return `${prose}\n${block}\n`;
}

const pages = pagesById();
const properties = propertiesById();
const regions = regionsById();
const wanted = new Map(
  filesUnder('docs/math', '.md').map((page) => [page, `${pageText(page, properties, regions).trimEnd()}\n`]),
);
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

// One page for each source that the docs link to.
import { readFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { root } from '../.vitepress/pages.mjs';
import { linkedSources } from '../.vitepress/source-links.mjs';

export default {
  paths: () =>
    linkedSources().map((file) => {
      const text = readFileSync(join(root, file), 'utf8');
      // a fence longer than any in the file
      const fence = '`'.repeat(Math.max(3, ...[...text.matchAll(/`{3,}/g)].map((m) => m[0].length + 1)));
      // colours make a page five times as large, and a test is read by its region, coloured, beside its proof
      const coloured = { '.ts': 'ts', '.mjs': 'js', '.md': 'md', '.json': 'json' }[extname(file)];
      const language = file.startsWith('test/') ? 'txt' : (coloured ?? 'txt');
      return { params: { file }, content: `# ${file}\n\n${fence}${language}:line-numbers\n${text.trimEnd()}\n${fence}` };
    }),
};

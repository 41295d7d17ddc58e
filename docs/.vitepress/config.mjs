import { katex } from '@mdit/plugin-katex';
import { checkSite } from './check-site.mjs';
import { anchorOf, sidebar } from './pages.mjs';
import { sourceLinks } from './source-links.mjs';

/** KaTeX brings each font in three formats; every browser that can show this site reads the smallest. */
const woff2Only = {
  name: 'woff2-only',
  enforce: 'pre',
  transform: (code, id) =>
    id.includes('katex.min.css') ? code.replace(/,url\([^)]+\.(?:woff|ttf)\) format\("\w+"\)/g, '') : undefined,
};

export default {
  title: 'pope-ts',
  description: 'Pluralistic off-policy evaluation and alignment, from the equation to the code',
  lang: 'en',
  base: process.env.DOCS_BASE ?? '/',
  // a dead link fails the build, and so does whatever checkSite finds
  ignoreDeadLinks: false,
  buildEnd: ({ outDir }) => checkSite(outDir),
  markdown: {
    // GitHub's anchors, so that one link serves both; test/house/links.test.ts checks them
    anchor: { slugify: anchorOf },
    theme: { light: 'github-light', dark: 'github-dark' },
    config: (md) => {
      md.use(katex, { logger: (name) => (name === 'newLineInDisplayMode' ? 'ignore' : 'error') });
      // a formula is finished HTML: Vue has nothing to compile in it
      for (const [rule, tag] of [['math_inline', 'span'], ['math_block', 'div']]) {
        const render = md.renderer.rules[rule];
        md.renderer.rules[rule] = (...args) => `<${tag} v-pre>${render(...args)}</${tag}>`;
      }
      md.use(sourceLinks);
    },
  },
  vite: { plugins: [woff2Only], build: { chunkSizeWarningLimit: 2000 } },
  themeConfig: {
    nav: [
      { text: 'Start', link: '/start' },
      { text: 'The map', link: '/map' },
    ],
    sidebar: sidebar(),
    outline: [2, 3],
    search: { provider: 'local' },
  },
};

import { PopeError } from '../util/index.js';
import { type Child, element, join, type Markup, styleSheet } from './markup.js';
import { STYLE } from './style.js';
import { htmlTable, type Table } from './table.js';

/** A part of a section. Texts are escaped; `figure` is what a figure function returned. */
export type Block =
  | { readonly paragraphs: readonly string[] }
  | { readonly list: readonly string[] }
  | { readonly figure: string; readonly caption?: string | undefined }
  | { readonly table: Table; readonly caption?: string | undefined }
  | { readonly note: string; readonly tone: 'supported' | 'weak' | 'refused' | 'plain' }
  | { readonly html: Markup };

export interface Section {
  readonly heading: string;
  readonly blocks: readonly Block[];
}

export interface HtmlReport {
  readonly title: string;
  readonly subtitle?: string | undefined;
  readonly sections: readonly Section[];
  readonly footer?: string | undefined;
  /** Language of the texts (BCP 47). */
  readonly language?: string;
}

/** Nothing may load and nothing may run: the report is to be read, and may be opened from anywhere. */
const POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

/** One self-contained HTML5 file without scripts: inline style and figures, light and dark, fit for print. */
export function htmlReport({ title, subtitle, sections, footer, language = 'en' }: HtmlReport): string {
  const head = element(
    'head',
    {},
    element('meta', { charset: 'utf-8' }),
    element('meta', { 'http-equiv': 'Content-Security-Policy', content: POLICY }),
    element('meta', { name: 'viewport', content: 'width=device-width, initial-scale=1' }),
    element('meta', { name: 'color-scheme', content: 'light dark' }),
    element('title', {}, title),
    styleSheet(STYLE),
  );
  const body = element(
    'body',
    {},
    element(
      'header',
      {},
      element('h1', {}, title),
      subtitle === undefined ? null : element('p', { class: 'subtitle' }, subtitle),
    ),
    sections.length < 3 ? null : contents(sections),
    element('main', {}, ...sections.map(drawSection)),
    footer === undefined ? null : element('footer', {}, element('p', {}, footer)),
  );
  return `<!DOCTYPE html>\n${element('html', { lang: language }, '\n', head, '\n', body, '\n').markup}\n`;
}

const idOf = (index: number): string => `section-${index + 1}`;

const contents = (sections: readonly Section[]): Markup =>
  element(
    'nav',
    { 'aria-label': 'Contents' },
    element(
      'ul',
      {},
      ...sections.map(({ heading }, i) => element('li', {}, element('a', { href: `#${idOf(i)}` }, heading))),
    ),
  );

const drawSection = ({ heading, blocks }: Section, index: number): Markup =>
  join(
    '\n',
    element(
      'section',
      { id: idOf(index) },
      element('h2', {}, heading),
      ...blocks.map((block) => ['\n', drawBlock(block)]),
    ),
  );

function drawBlock(block: Block): Child {
  if ('paragraphs' in block) return block.paragraphs.map((paragraph) => element('p', {}, paragraph));
  if ('list' in block) return element('ul', {}, ...block.list.map((item) => element('li', {}, item)));
  if ('note' in block) return element('p', { class: `note ${block.tone}` }, block.note);
  if ('html' in block) return block.html;
  const caption = block.caption === undefined ? null : element('figcaption', {}, block.caption);
  if ('table' in block) return element('figure', {}, htmlTable(block.table), caption);
  return element('figure', {}, element('div', { class: 'card' }, finished(block.figure)), caption);
}

const FOREIGN = /<(?!\/?(svg|title|desc|g|rect|line|circle|path|text)[\s>])/;

/** A figure comes as finished SVG; anything else is text that somebody put into the wrong place. */
function finished(svg: string): Markup {
  // In finished markup "<", ">" and quotes stand only where they mean something.
  const tags = [...svg.matchAll(/<[^>]*>/g)].map(([tag]) => tag.replace(/"[^"]*"/g, '""'));
  const isDrawing = /^<svg [\s\S]*<\/svg>$/.test(svg) && !FOREIGN.test(svg);
  if (!isDrawing || tags.some((tag) => /\s(on\w+|href|xlink:href)=/i.test(tag))) {
    throw new PopeError(
      'figure is not an SVG made by a figure function; expected "<svg ...>...</svg>" without scripts.',
      {
        argument: 'figure',
        got: svg,
      },
    );
  }
  return { markup: svg };
}

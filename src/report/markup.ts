import { PopeError } from '../util/index.js';

/**
 * A piece of finished XML. Only `element`, `join` and `styleSheet` make one, and they escape every string they
 * are given: text from a log cannot become markup, whatever it contains.
 */
export interface Markup {
  readonly markup: string;
}

/** What may stand inside an element: markup as it is, a string escaped, null or undefined nothing. */
export type Child = Markup | string | null | undefined | readonly Child[];

/** Attribute values: numbers are rounded to 2 decimals, undefined leaves the attribute out. */
export type Attributes = Readonly<Record<string, string | number | undefined>>;

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** HTML elements without an end tag; every other one gets one, also when empty. */
const VOID = new Set(['meta', 'br', 'hr', 'col']);

/** Text as XML and HTML want it, for content and for attribute values alike; characters that XML forbids become U+FFFD. */
export function escapeText(text: string): string {
  return (
    text
      // Lone surrogates match only with the u flag, pairs do not.
      // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must be taken out.
      .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\ufffe\uffff\ud800-\udfff]/gu, '\ufffd')
      .replace(/[&<>"']/g, (character) => ENTITIES[character] as string)
  );
}

/**
 * `<name attributes>children</name>`.
 * @throws PopeError where a number among the attributes is not finite.
 */
export function element(name: string, attributes: Attributes = {}, ...children: readonly Child[]): Markup {
  const open = `<${name}${Object.entries(attributes).map(attribute).join('')}`;
  if (VOID.has(name)) return { markup: `${open}/>` };
  return { markup: `${open}>${render(children)}</${name}>` };
}

/** Several pieces as one. */
export const join = (...children: readonly Child[]): Markup => ({ markup: render(children) });

/** A style element; `css` is ours, never a user's, and is checked not to end the element. */
export function styleSheet(css: string): Markup {
  if (/[<&]/.test(css)) throw new PopeError('the style sheet has a "<" or a "&"; expected neither.');
  return { markup: `<style>${css}</style>` };
}

function attribute([name, value]: [string, string | number | undefined]): string {
  if (value === undefined) return '';
  if (typeof value === 'string') return ` ${name}="${escapeText(value)}"`;
  if (!Number.isFinite(value)) {
    throw new PopeError(`attribute ${name} is ${value}; expected a finite number.`, { argument: name, got: value });
  }
  return ` ${name}="${Math.round(value * 100) / 100 || 0}"`;
}

function render(child: Child): string {
  if (child === null || child === undefined) return '';
  if (typeof child === 'string') return escapeText(child);
  return 'markup' in child ? child.markup : child.map(render).join('');
}

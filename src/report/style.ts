/** The report's style sheet: system fonts, one column, figures on a light card also on dark pages, print without colour loss. */
export const STYLE = `
:root { --ink: #1a1a1a; --soft: #5a5a5a; --paper: #ffffff; --rule: #dddddd; --band: #f5f6f7; --link: #00558a; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e8e8e8; --soft: #a8a8a8; --paper: #16181b; --rule: #3a3d41; --band: #202327; --link: #7cc4f2; }
}
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 2rem 1.25rem 3rem; max-width: 56rem; background: var(--paper); color: var(--ink);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; overflow-wrap: break-word; }
h1 { font-size: 1.75rem; line-height: 1.2; margin: 0 0 .4rem; }
h2 { font-size: 1.25rem; margin: 2.4rem 0 .6rem; padding-top: .6rem; border-top: 1px solid var(--rule); }
.subtitle, footer, figcaption { color: var(--soft); }
.subtitle { margin: 0; }
a { color: var(--link); }
nav ul { list-style: none; display: flex; flex-wrap: wrap; gap: .25rem 1.1rem; padding: 0; margin: 1rem 0 0; font-size: .9rem; }
figure { margin: 1rem 0; }
figcaption { font-size: .87rem; margin-top: .4rem; }
.card { background: #ffffff; border: 1px solid var(--rule); border-radius: 6px; padding: .25rem; overflow-x: auto; }
.card svg { display: block; width: 100%; min-width: 640px; height: auto; }
.table { overflow-x: auto; }
table { border-collapse: collapse; font-size: .9rem; }
th, td { text-align: left; padding: .3rem .8rem .3rem 0; border-bottom: 1px solid var(--rule); vertical-align: top; }
th { border-bottom-width: 2px; font-weight: 600; white-space: nowrap; }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.note { background: var(--band); border-left: 5px solid #777777; padding: .6rem .9rem; margin: .6rem 0; }
.note.supported { border-left-color: #009e73; }
.note.weak { border-left-color: #e69f00; }
.note.refused { border-left-color: #d55e00; }
footer { margin-top: 3rem; border-top: 1px solid var(--rule); font-size: .87rem; }
@media print {
  :root { --ink: #000000; --soft: #444444; --paper: #ffffff; --rule: #bbbbbb; --band: #f5f5f5; --link: #000000; }
  body { max-width: none; padding: 0; font-size: 10.5pt; }
  nav { display: none; }
  figure, .note, tr { break-inside: avoid; }
  h2 { break-after: avoid; }
  .card { border: 0; padding: 0; overflow: visible; }
  .card svg { min-width: 0; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
`;

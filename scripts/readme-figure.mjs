// Draws the README's picture from the demo's own result: node scripts/readme-figure.mjs pope-demo/result.json
import { readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { intervalFigure } from '../dist/report.js';

const result = JSON.parse(readFileSync(process.argv[2] ?? 'pope-demo/result.json', 'utf8'));
const { lower, upper, estimate } = result.logging.utility;
const rows = [
  { target: 'logging', estimator: 'own mean', estimate, lower, upper, truth: result.truth.logging.utility },
  ...Object.entries(result.targets).map(([target, { utility, verdict }]) => ({
    target,
    estimator: `snips, ${verdict.level}`,
    ...utility.snips,
    truth: result.truth[target].utility,
    refused: verdict.level === 'refused',
  })),
];
const svg = intervalFigure({
  title: 'Agreement of every policy on held-out participants',
  description: 'Self-normalised estimates with 95 % intervals, and the true agreement as a diamond.',
  axis: 'agreement (share of agree votes)',
  level: 0.95,
  rows,
  reference: { label: 'logging policy', value: estimate },
});
writeFileSync(resolve(import.meta.dirname, '..', 'docs/images/demo-utility.svg'), `${svg}\n`);

// How often each interval holds the value: by seeded simulation, for docs/math/coverage-of-intervals.md.
//   node bench/coverage.mjs                simulates (some minutes), writes bench/coverage.json and the page
//   node bench/coverage.mjs --page         writes the page again from bench/coverage.json
//   node bench/coverage.mjs --check        exit 1 where the page is not that of bench/coverage.json
//   node bench/coverage.mjs --quick        a tenth of the repetitions, to standard output only
import { readFileSync, writeFileSync } from 'node:fs';
import { coveragePage } from './coverage-page.mjs';
import { fromSource } from './from-source.mjs';

const json = new URL('coverage.json', import.meta.url);
const page = new URL('../docs/math/coverage-of-intervals.md', import.meta.url);
const isQuick = process.argv.includes('--quick');

const level = 0.95;
const seed = 20251125;
const rounds = [20, 100, 1000];
/** `range`: the declared one, none, or the misreading: from 0 to the largest term of the sample. */
const rows = [
  { method: 't', range: 'none', repetitions: 10_000 },
  { method: 'bootstrap', range: 'none', repetitions: 2000, resamples: 1000 },
  { method: 'bca', range: 'none', repetitions: 2000, resamples: 1000 },
  { method: 'bernstein', range: 'declared', repetitions: 10_000 },
  { method: 'hoeffding', range: 'declared', repetitions: 10_000 },
  { method: 'betting', range: 'declared', repetitions: 10_000 },
  { method: 'log-smoothing', range: 'none', repetitions: 10_000 },
  { method: 'betting', range: 'none', repetitions: 10_000 },
  { method: 'bernstein', range: 'sample', repetitions: 10_000 },
  { method: 'hoeffding', range: 'sample', repetitions: 10_000 },
];

async function simulate() {
  const { coverageOf, termDistributions } = await fromSource('test/properties/interval-cases.ts');
  const cells = [];
  for (const { repetitions: most, ...row } of rows) {
    const repetitions = isQuick ? most / 10 : most;
    for (const distribution of termDistributions) {
      if (row.range === 'declared' && distribution.range === null) continue;
      for (const n of rounds) {
        const begin = performance.now();
        const got = coverageOf(row.method, distribution, { ...row, rounds: n, repetitions, seed, level });
        cells.push({
          ...row,
          terms: distribution.name,
          rounds: n,
          repetitions,
          coverage: got.both,
          lowerCoverage: got.lower,
          upperCoverage: got.upper,
          width: Number.isFinite(got.width) ? got.width : null,
          slack: got.slack,
        });
        const seconds = ((performance.now() - begin) / 1000).toFixed(1);
        process.stderr.write(`${row.method} (range ${row.range}), ${distribution.name}, N = ${n}: ${got.both} (${seconds} s)\n`);
      }
    }
  }
  const terms = termDistributions.map(({ draw: _, ...rest }) => rest);
  return { level, seed, rounds, rows, terms, cells };
}

if (process.argv.includes('--check')) {
  if (readFileSync(page, 'utf8') !== coveragePage(JSON.parse(readFileSync(json, 'utf8')))) {
    console.error('docs/math/coverage-of-intervals.md is out of date; run node bench/coverage.mjs --page');
    process.exitCode = 1;
  }
} else if (process.argv.includes('--page')) {
  writeFileSync(page, coveragePage(JSON.parse(readFileSync(json, 'utf8'))));
} else if (isQuick) {
  process.stdout.write(coveragePage(await simulate()));
} else {
  const result = await simulate();
  writeFileSync(json, `${JSON.stringify(result, null, 1)}\n`);
  writeFileSync(page, coveragePage(result));
}

import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { estimatorCases } from '../properties/estimator-cases.js';
import { type Coverage, coverageOf, termDistributions } from '../properties/interval-cases.js';
import { root } from './sources.js';

test.each(['coverage', 'exact-moments'])('the page of bench/%s.mjs is that of its result', (name) => {
  const { status, stderr } = spawnSync(process.execPath, [join(root, `bench/${name}.mjs`), '--check'], {
    encoding: 'utf8',
  });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
});

test('the comparison has every estimator of the suite', () => {
  const { byDivergence } = JSON.parse(readFileSync(join(root, 'bench/exact-moments.json'), 'utf8'));
  const names = byDivergence.map(({ name }: { readonly name: string }) => name);
  expect(names).toEqual(estimatorCases.map(({ name }) => name));
});

interface CoverageResult {
  readonly level: number;
  readonly seed: number;
  readonly cells: readonly {
    readonly method: string;
    readonly range: string;
    readonly terms: string;
    readonly rounds: number;
    readonly repetitions: number;
    readonly coverage: number;
    readonly lowerCoverage: number;
    readonly width: number | null;
  }[];
}

test('cells of the coverage table come out again, to the digit', () => {
  const { level, seed, cells }: CoverageResult = JSON.parse(readFileSync(join(root, 'bench/coverage.json'), 'utf8'));
  for (const [method, range, terms] of [
    ['t', 'none', 'heavy'],
    ['hoeffding', 'declared', 'rare'],
    ['log-smoothing', 'none', 'skewed'],
  ] as const) {
    const cell = cells.find((c) => c.method === method && c.range === range && c.terms === terms && c.rounds === 20)!;
    const law = termDistributions.find(({ name }) => name === terms)!;
    const { repetitions, rounds } = cell;
    const got: Coverage = coverageOf(method, law, { rounds, repetitions, seed, level, range });
    expect([got.both, got.lower]).toEqual([cell.coverage, cell.lowerCoverage]);
    if (cell.width !== null) expect(got.width).toBeCloseTo(cell.width, 12);
  }
});

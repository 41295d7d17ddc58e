// docs/math/coverage-of-intervals.md from the simulation's result: every number on the page is looked up, none typed.

const percent = (share) => {
  const text = (100 * share).toFixed(1);
  return text === '100.0' ? '100' : text;
};
const fixed = (value) => (value === null ? 'open' : value >= 10 ? value.toFixed(1) : value.toFixed(2));

const names = {
  t: 'Student t',
  bootstrap: 'bootstrap, percentile',
  bca: 'bootstrap, BCa',
  bernstein: 'empirical Bernstein',
  hoeffding: 'Hoeffding',
  betting: 'betting',
  'log-smoothing': 'log-smoothing',
};
const nameOf = ({ method, range }) => {
  if (range === 'declared') return `${names[method]}, declared range`;
  return method === 'betting' || method === 'log-smoothing' ? `${names[method]}, lower bound` : names[method];
};

/** @param result what bench/coverage.mjs writes to bench/coverage.json */
export function coveragePage(result) {
  const { level, seed, rounds, rows, terms, cells } = result;
  const cell = (method, range, law, n) =>
    cells.find((c) => c.method === method && c.range === range && c.terms === law && c.rounds === n);
  const says = (method, range, law, n, key = 'coverage') => `${percent(cell(method, range, law, n)[key])} %`;
  const monteCarlo = (n) => (300 * Math.sqrt((level * (1 - level)) / n)).toFixed(1);
  const proper = rows.filter(({ range }) => range !== 'sample');
  const misread = rows.filter(({ range }) => range === 'sample');

  /** Below what is nominal by more than three standard errors of the simulation. */
  const mark = (share, repetitions, nominal = level) => {
    const low = nominal - share > 3 * Math.sqrt((nominal * (1 - nominal)) / repetitions);
    return low ? `**${percent(share)}**` : percent(share);
  };
  // two-sided methods spend half of what is left below
  const lowerNominal = ({ width }) => (width === null ? level : (1 + level) / 2);
  const columns = (word) => rounds.map((n) => `${word} ${n}`);
  const table = (law, used, withLower) => {
    const head = ['method', ...columns('% at'), ...(withLower ? columns('lower, % at') : []), ...columns('width at')];
    const body = used.flatMap((row) => {
      const got = rounds.map((n) => cell(row.method, row.range, law, n));
      if (got.some((c) => c === undefined)) return [];
      return [
        [
          row.range === 'sample' ? `${names[row.method]}, largest term seen` : nameOf(row),
          ...got.map((c) => mark(c.coverage, c.repetitions)),
          ...(withLower ? got.map((c) => mark(c.lowerCoverage, c.repetitions, lowerNominal(c))) : []),
          ...got.map((c) => fixed(c.width)),
        ],
      ];
    });
    return [head, head.map((_, i) => (i === 0 ? '---' : '---:')), ...body].map((r) => `| ${r.join(' | ')} |`).join('\n');
  };
  const slackRows = proper.filter(({ method, range }) => range === 'none' && method !== 'bootstrap');
  const slackTable = () => {
    const head = ['lower end of', ...terms.flatMap(({ name }) => [`${name}, 100`, `${name}, 1000`])];
    const body = slackRows.map((row) => [
      nameOf(row),
      ...terms.flatMap(({ name }) => [100, 1000].map((n) => cell(row.method, row.range, name, n).slack.toFixed(2))),
    ]);
    return [head, head.map((_, i) => (i === 0 ? '---' : '---:')), ...body].map((r) => `| ${r.join(' | ')} |`).join('\n');
  };

  return `# Coverage of the intervals

How often does a nominal ${100 * level} % interval hold the value? Counted by seeded simulation, not proved; what is proved is on the page of [T12](intervals.md#t12-confidence-bounds). Written by \`node bench/coverage.mjs\` from [its result](../../bench/coverage.json); the laws and the count are in [interval-cases.ts](../../test/properties/interval-cases.ts), where the tests use them too.

**How it was counted.** Seed ${seed}; every method sees the same logs. ${rows
    .filter(({ resamples }) => resamples === undefined)
    .at(0)
    .repetitions.toLocaleString('en-US')} repetitions a cell, so that three standard errors at ${100 * level} % are ${monteCarlo(10_000)} points; for the bootstraps ${cells.find(({ method }) => method === 'bca').repetitions.toLocaleString('en-US')} repetitions of ${cells.find(({ method }) => method === 'bca').resamples.toLocaleString('en-US')} resamples, three standard errors ${monteCarlo(2000)} points. **Bold**: below the nominal share by more than three of its standard errors (for the lower end alone ${(50 * (1 + level)).toFixed(1)} % is nominal for two-sided methods, ${100 * level} % for lower bounds). The value is known exactly:

| terms | law of a round's term $Z = \\rho R$ | value | declared range |
| --- | --- | ---: | --- |
${terms.map(({ name, law, value, range }) => `| ${name} | ${law} | ${value} | ${range === null ? 'none: no bound is known' : `[${range.join(', ')}]`} |`).join('\n')}

Columns: share of logs whose interval holds the value, at $N$ = ${rounds.join(', ')} rounds; share whose *lower end* is at most the value; mean width of the interval (\`open\`: no upper end). Hoeffding, empirical Bernstein and two-sided betting need a range that is known without the data. Where there is none they refuse, and the table has no row.

${terms
  .map(
    ({ name, law }) => `## ${name[0].toUpperCase()}${name.slice(1)} terms

${law[0].toUpperCase()}${law.slice(1)}.

${table(name, proper, true)}`,
  )
  .join('\n\n')}

## What follows

- **t and the bootstraps fail where the tail is heavy, and more data help slowly.** On the heavy terms t holds the value in ${says('t', 'none', 'heavy', 20)}, ${says('t', 'none', 'heavy', 100)} and ${says('t', 'none', 'heavy', 1000)} of the logs, the percentile bootstrap in ${says('bootstrap', 'none', 'heavy', 20)}, ${says('bootstrap', 'none', 'heavy', 100)} and ${says('bootstrap', 'none', 'heavy', 1000)}. BCa is better there (${says('bca', 'none', 'heavy', 1000)} at 1000) and not good. The variance of these terms is infinite: the theorem behind t does not apply, at any $N$.
- **Where the reward is rare they fail for want of having seen it.** On the rare terms at $N = 20$ all three hold the value in about ${Math.round(100 * cell('t', 'none', 'rare', 20).coverage)} % of the logs: the others contain no large term, and their interval is a point. $1 - 0.99^{20} = ${(1 - 0.99 ** 20).toFixed(3)}$.
- **Away from light terms they miss from below.** In nearly every miss of t the value lies above the upper end: its *lower* end holds in at least ${percent(Math.min(...cells.filter((c) => c.method === 't').map((c) => c.lowerCoverage)))} % of the logs in every cell (nominal 97.5 %). For terms $\\ge 0$ with a long right tail a floor by t is too low rather than too high; that is an observation on these four laws and no guarantee.
- **On light terms everything works**, also at $N = 20$, within the simulation's error or a point of it.
- **The guaranteed methods hold their level in every cell.** They pay: at $N = 1000$ on light terms the width of Hoeffding is ${(cell('hoeffding', 'declared', 'light', 1000).width / cell('t', 'none', 'light', 1000).width).toFixed(1)} times that of t, of empirical Bernstein ${(cell('bernstein', 'declared', 'light', 1000).width / cell('t', 'none', 'light', 1000).width).toFixed(1)} times, of betting ${(cell('betting', 'declared', 'light', 1000).width / cell('t', 'none', 'light', 1000).width).toFixed(1)} times. Of the guaranteed two-sided ones betting is the narrowest in every cell but one: on rare terms at $N = 20$ Hoeffding is narrower, and neither says much.
- **Of the two floors without any bound on the weights, betting is the tighter in most cells**, \`log-smoothing\` on rare terms at $N = 1000$. The default $\\lambda = 1/\\sqrt N$ of the latter suits terms of size 1: it is not invariant to the unit of the reward.

How far below the value the lower ends lie, as a share of the value (1: the floor is 0; the one-sided bounds spend all of the ${Math.round(100 * (1 - level))} % below, t and BCa half):

${slackTable()}

## The largest term seen is no range

Two well-known libraries take the sample's largest term for the range of Hoeffding's and the empirical Bernstein bound. Kept here, and in [every-interval.test.ts](../../test/stats/every-interval.test.ts), as a regression: our functions refuse to run without a declared range. On the rare terms:

${table('rare', misread, false)}

At $N = 20$ both miss ${percent(1 - cell('hoeffding', 'sample', 'rare', 20).coverage)} % of the time, at $N = 100$ ${percent(1 - cell('hoeffding', 'sample', 'rare', 100).coverage)} %: whenever no large term was drawn. A bound that is valid for every $N$ is then worth no more than t.
`;
}

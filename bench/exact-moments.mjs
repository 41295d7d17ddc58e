// Bias, standard deviation and root mean squared error of every estimator, exactly, for docs/math/exact-moments.md:
//   node bench/exact-moments.mjs            enumerates (about a minute), writes bench/exact-moments.json, page and figure
//   node bench/exact-moments.mjs --page     writes page and figure again from bench/exact-moments.json
//   node bench/exact-moments.mjs --check    exit 1 where page or figure is not that of bench/exact-moments.json
import { readFileSync, writeFileSync } from 'node:fs';
import { exactMomentsFigure } from './exact-moments-figure.mjs';
import { exactMomentsPage } from './exact-moments-page.mjs';
import { fromSource } from './from-source.mjs';

const at = (path) => new URL(path, import.meta.url);
const json = at('exact-moments.json');
const page = at('../docs/math/exact-moments.md');
const image = at('../docs/images/exact-moments.svg');

async function enumerate() {
  const source = await fromSource('src/ope/index.ts', 'test/properties/estimator-cases.ts', 'bench/tilted-problem.ts');
  const { decomposedIps, estimatorCases, exactMoments, jointIps, prefixIps, slateProblem, tiltedProblem } = source;
  const numbers = ({ bias, variance, meanSquaredError }) => ({
    bias,
    deviation: Math.sqrt(variance),
    rmse: Math.sqrt(meanSquaredError),
  });

  const rounds = 6;
  const divergences = [0, 0.1, 0.25, 0.5, 1, 1.5, 2];
  const problems = divergences.map((kl) => ({ kl, ...tiltedProblem(kl) }));
  const byDivergence = estimatorCases.map(({ name, use }) => {
    process.stderr.write(`${name}\n`);
    return { name, moments: problems.map(({ problem }) => numbers(exactMoments(use, problem, { rounds }))) };
  });

  // plain means: N rounds have the bias of one and its standard deviation over sqrt(N), exactly
  const slateRounds = 100;
  const overRounds = ({ bias, variance }) => {
    const deviation = Math.sqrt(variance / slateRounds);
    return { bias, deviation, rmse: Math.hypot(bias, deviation) };
  };
  const { problem, rewards } = slateProblem;
  const bySlate = rewards.map(({ name, law, responseReward }) => ({
    name,
    law,
    rows: Object.entries({ joint: jointIps, prefix: prefixIps, decomposed: decomposedIps }).map(([name, use]) => ({
      name,
      moments: [1, 2, 3, 4].map((slate) => overRounds(exactMoments(use, problem, { slate, responseReward }))),
    })),
    values: [1, 2, 3, 4].map((slate) => exactMoments(jointIps, problem, { slate, responseReward }).value),
  }));
  return { rounds, divergences, problems, byDivergence, slateRounds, slateProblem: problem, bySlate };
}

const write = async (result) => [
  [page, exactMomentsPage(result)],
  [image, `${await exactMomentsFigure(result)}\n`],
];

if (process.argv.includes('--check')) {
  for (const [file, text] of await write(JSON.parse(readFileSync(json, 'utf8')))) {
    if (readFileSync(file, 'utf8') === text) continue;
    console.error(`${file.pathname} is out of date; run node bench/exact-moments.mjs --page`);
    process.exitCode = 1;
  }
} else {
  const result = process.argv.includes('--page') ? JSON.parse(readFileSync(json, 'utf8')) : await enumerate();
  if (!process.argv.includes('--page')) writeFileSync(json, `${JSON.stringify(result, null, 1)}\n`);
  for (const [file, text] of await write(result)) writeFileSync(file, text);
}

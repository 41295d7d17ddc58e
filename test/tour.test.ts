import { readFileSync } from 'node:fs';
import { join } from 'node:path';
// #region tour
import { exactMoments, exactValue, grad, ips, jointIps, mul, type Tensor, tensor } from 'pope-ts';
import { logFromRecords } from 'pope-ts/data';
import { evaluate } from 'pope-ts/pope';
import { expect, test } from 'vitest';

test('a gradient is a function from functions to functions, and nests', () => {
  const cube = (x: Tensor) => mul(mul(x, x), x);
  expect(grad((x: Tensor) => grad(cube)(x))(tensor(3)).item()).toBe(18);
});

test('bias and variance of an estimator are exact on a small problem: every log is enumerated', () => {
  const problem = { contextProb: [1], logging: [[0.5, 0.5]], target: [[0.25, 0.75]], reward: [[1, 0]] };
  const decomposed = exactMoments(ips, problem, { slate: 2 });
  const joint = exactMoments(jointIps, problem, { slate: 2 });
  expect(decomposed.mean).toBeCloseTo(exactValue(problem), 12); // unbiased, both of them
  expect(joint.mean).toBeCloseTo(exactValue(problem), 12);
  expect(decomposed.variance).toBeCloseTo(0.03125, 12); // and here the joint one is better: T6 says when
  expect(joint.variance).toBeCloseTo(0.0234375, 12);
});

test('a log in, an estimate with an interval and a verdict out', () => {
  const log = logFromRecords(
    Array.from({ length: 200 }, (_, i) => ({
      prompt: 'Name a colour.',
      responses: [
        {
          text: i % 2 === 0 ? 'blue' : 'red',
          propensity: 0.5, // what the logging policy gave it
          target_log_prob: Math.log(i % 2 === 0 ? 0.8 : 0.2), // what the new policy would give it
          feedback: { upvotes: i % 2 === 0 ? 1 : 0 },
        },
      ],
    })),
  );
  const { targets } = evaluate(log, { signals: [{ name: 'upvotes', transform: 'identity', weight: 1 }] });
  expect(targets.target.utility.ips?.estimate).toBeCloseTo(0.8, 12);
  expect(targets.target.diagnostics.effective_sample_size).toBeCloseTo(147.06, 2);
  expect(targets.target.verdict.level).toBe('supported');
});
// #endregion tour

test('the README shows this tour to the letter', () => {
  const read = (name: string) => readFileSync(join(import.meta.dirname, name), 'utf8');
  const region = /\/\/ #region tour\n([\s\S]*?)\n\/\/ #endregion tour/.exec(read('tour.test.ts'))![1];
  expect(read('../README.md')).toContain(`\`\`\`ts\n${region}\n\`\`\``);
});

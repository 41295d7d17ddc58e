// docs/math/exact-moments.md from the enumeration's result: every number on the page is looked up, none typed.

const fixed = (value) => (Math.abs(value) < 5e-4 ? '0' : value.toFixed(3).replace('-', '−'));
const same = (x, y) =>
  x.every(({ bias, deviation }, i) => Math.abs(bias - y[i].bias) < 1e-9 && Math.abs(deviation - y[i].deviation) < 1e-9);
const list = (numbers) => `(${numbers.map((p) => Number(p.toFixed(3))).join(', ')})`;
const table = (head, body) =>
  [head, head.map((_, i) => (i === 0 ? '---' : '---:')), ...body].map((row) => `| ${row.join(' | ')} |`).join('\n');

/** Estimators of equal moments share a row. */
function merged(rows) {
  const groups = [];
  for (const { name, moments } of rows) {
    const twin = groups.find((group) => same(group.moments, moments));
    if (twin === undefined) groups.push({ names: [name], moments });
    else twin.names.push(name);
  }
  return groups.map(({ names, moments }) => ({ name: names.join(', '), moments }));
}

/** @param result what bench/exact-moments.mjs writes to bench/exact-moments.json */
export function exactMomentsPage(result) {
  const { rounds, divergences, problems, byDivergence, slateRounds, slateProblem, bySlate } = result;
  const groups = merged(byDivergence);
  const byKey = (key) =>
    table(
      ['estimator', ...divergences.map((kl) => `${kl} nats`)],
      groups.map(({ name, moments }) => [name, ...moments.map((m) => fixed(m[key]))]),
    );
  const of = (name, kl) => byDivergence.find((row) => row.name === name).moments[divergences.indexOf(kl)];
  const slate = (reward, name, n) => bySlate.find((b) => b.name === reward).rows.find((r) => r.name === name).moments[n - 1];
  const [{ problem: first }] = problems;
  const last = problems.at(-1).problem;
  const slateTable = ({ rows }) =>
    table(
      ['estimator', ...[1, 2, 3, 4].map((n) => `bias, ${n}`), ...[1, 2, 3, 4].map((n) => `RMSE, ${n}`)],
      rows.map(({ name, moments }) => [name, ...moments.map((m) => fixed(m.bias)), ...moments.map((m) => fixed(m.rmse))]),
    );
  const factor = (x, y) => (x / y).toFixed(1);

  return `# Exact moments, compared

Bias and standard deviation of every estimator on a problem that is small enough to sum over every log: no sampling, no luck. Written by \`node bench/exact-moments.mjs\` from [its result](../../bench/exact-moments.json); the problems are in [tilted-problem.ts](../../bench/tilted-problem.ts), the estimators and their settings are those of the shared suite, [estimator-cases.ts](../../test/properties/estimator-cases.ts). A small problem shows what can happen, and by how much; it is no ranking for yours. Notation: [setting](setting.md), [estimators](estimators.md).

## In use

[\`exactMoments\`](../../src/ope/exact.ts) takes any estimator and any finite problem, your own included, and returns mean, variance, value, bias and mean squared error over all logs of \`rounds\` rounds with slates of \`slate\` responses.

<<< ../../test/ope/exact-moments-example.test.ts#exact-moments{ts}

## The target leaves the log

One context, four responses, $\\pi_0$ = ${list(first.logging[0])}, $R$ = ${list(first.reward[0])}, a reward model that is wrong by up to 0.3, $q$ = ${list(first.predicted[0])}. The target is $\\pi \\propto \\pi_0 e^{t y}$ for the response $y = 0, 1, 2, 3$: it says more and more what the log seldom says. $t$ is chosen such that $KL(\\pi \\Vert \\pi_0)$ has the value at the head of the column; at ${divergences.at(-1)} nats $\\pi$ = ${list(last.target[0])}. Logs of ${rounds} rounds, one response each.

![Root mean squared error of six estimators against the divergence, and of three against the size of the slate](../images/exact-moments.svg)

Estimators with equal moments share a row. With one response a round the joint, the prefix and the decomposed form are the same, and the Pareto-smoothed rows equal the plain ones because no tail is reached: it takes at least 21 responses with 5 distinct weights in the tail ([T14](intervals.md#t14-tail-index-of-the-weights)), and these logs have ${rounds}. They say nothing about smoothing, whose bias cannot be enumerated.

**Root mean squared error**

${byKey('rmse')}

**Bias**

${byKey('bias')}

**Standard deviation**

${byKey('deviation')}

What this shows:

- *Unbiased is not accurate.* At ${divergences.at(-1)} nats \`ips\` has no bias and an error of ${fixed(of('ips', 2).rmse)}, more than the range of the rewards (${fixed(Math.max(...first.reward[0]) - Math.min(...first.reward[0]))}). Its standard deviation grows ${factor(of('ips', 2).deviation, of('ips', 0.1).deviation)}-fold from 0.1 to 2 nats; that it must grow at least exponentially in a divergence is [T4](variance.md#t4-the-variance-is-bounded-from-below).
- *A baseline takes most of it away*, where it is near the best one: 0.75 leaves ${fixed(of('baseline 0.75', 2).rmse)} at no bias ([T16](family.md#t16-additive-control-variate)). Fitted on the other folds of ${rounds} rounds, $\\beta^*$ is a noisy baseline: ${fixed(of('beta*, cross-fitted', 2).rmse)}, still unbiased.
- *\`snips\` trades variance for bias*, towards the mean of the log: ${fixed(of('snips', 2).bias)} at 2 nats and ${rounds} rounds, in the limit of many rounds none.
- *Changed weights are biased by design*, here downwards ([T11](family.md#t11-pessimism-of-transformed-weights) says when they must be), and their bias does not fade with more rounds, as the standard deviation does. Their ranks depend on the settings, which nobody tuned.
- *The direct method is as good as its model.* Its bias is $E_\\pi(q - R)$: ${fixed(of('dm', 0).bias)} at 0 nats, ${fixed(of('dm', 2).bias)} at 2, and near 0 in between, where the errors of the model cancel by luck. The dip in the figure is that luck. Doubly robust with the same wrong model has no bias ([T15](propensities.md#t15-doubly-robust)) and at 2 nats ${(of('dr', 2).rmse / of('ips', 2).rmse).toFixed(2)} of the error of \`ips\`. Shrinking or switching its weights leans on the model again: less error here, and a bias.
- *\`replay\` is for deterministic targets.* This target is none, every response matches, and it estimates the mean of the log.

## Slates grow

Three responses, $\\pi_0$ = ${list(slateProblem.logging[0])}, $\\pi$ = ${list(slateProblem.target[0])} (0.5 nats for each response), $R$ = ${list(slateProblem.reward[0])}, slates of $n$ = 1 to 4 drawn independently, weights $1/n$, logs of ${slateRounds} rounds. All three estimators are plain means: the bias is that of one round, the standard deviation that of one round over $\\sqrt{${slateRounds}}$, exactly.

${bySlate
  .map(
    (block) => `**${block.name[0].toUpperCase()}${block.name.slice(1)}**: ${block.law}. Values at $n$ = 1 to 4: ${block.values.map(fixed).join(', ')}.

${slateTable(block)}`,
  )
  .join('\n\n')}

What this shows:

- *For local rewards decompose.* At $n = 4$ the error of the joint form is ${factor(slate('local', 'joint', 4).rmse, slate('local', 'decomposed', 4).rmse)} times that of the decomposed one, and both are unbiased. The exact gap, and when it has the other sign, is [T6](variance.md#t6-decomposed-against-joint).
- *A reward that looks at the responses before it needs the prefix*, and no more: for the first of its kind the decomposed form has a bias of ${fixed(slate('first of its kind', 'decomposed', 4).bias)} at $n = 4$, the prefix none, at ${factor(slate('first of its kind', 'joint', 4).rmse, slate('first of its kind', 'prefix', 4).rmse)} times less error than the joint form.
- *A reward that looks at the whole slate needs the joint form* ([T1b](estimators.md#t1b-not-local-the-mixed-value)): for the only one of its kind both others are biased, and the joint form, for all its products of weights, has the least error from $n = 2$ on.
`;
}

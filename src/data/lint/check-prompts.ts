import { promptKey } from '../../ope/log.js';
import { quantile } from '../../stats/quantile.js';
import { show } from '../../util/index.js';
import { count, digits, finding } from './finding.js';
import type { Check } from './lint-context.js';

const FEW_CLUSTERS = 30;

/**
 * `repeated_prompts`: one prompt in many rounds without `cluster`. Only a warning where a text stands out among prompts
 * that are else mostly met once: contexts of a fixed list are met again and again, and independently.
 * `few_clusters`, `dominant_cluster`, `lone_clusters`: clusters that cannot carry an interval, or say nothing.
 */
export const checkPrompts: Check = ({ log, promptOf, prompts }) => {
  if (log.clusters !== null) return clusters(log.ids, log.clusters);
  const rounds = log.rounds;
  if (prompts === rounds) return [];
  const times = new Float64Array(prompts);
  for (const prompt of promptOf) times[prompt]++;
  const most = times.reduce((best, n, prompt) => (n > times[best] ? prompt : best), 0);
  const usual = quantile(times, 0.5);
  const members = [...promptOf.keys()].filter((i) => promptOf[i] === most);
  const stands = typeof log.prompts[members[0]] === 'string' && times[most] >= 10 * Math.max(1, usual) && prompts >= 10;
  const message = `${rounds} rounds have ${count(prompts, 'prompt')} and no cluster; ${show(promptKey(log.prompts[members[0]]))} is in ${times[most]} of them${stands ? `, where most are in ${digits(usual)}` : ''}.`;
  const hint =
    'Rounds of one user, thread or day depend on one another: name it as cluster, else intervals are too short. Independent draws of few contexts need none.';
  const ids = members.map((i) => log.ids[i]);
  return [finding(stands ? 'warning' : 'info', 'repeated_prompts', message, hint, ids)];
};

function clusters(ids: readonly string[], names: readonly string[]) {
  const times = new Map<string, number>();
  for (const name of names) times.set(name, (times.get(name) ?? 0) + 1);
  if (times.size === ids.length) {
    const message = 'every round has a cluster of its own, so clusters change nothing.';
    return ids.length === 1
      ? []
      : [finding('info', 'lone_clusters', message, 'Name what rounds share: the user, the thread, the day.')];
  }
  const [name, most] = [...times].reduce((a, b) => (b[1] > a[1] ? b : a));
  const members = ids.filter((_, i) => names[i] === name);
  if (most > ids.length / 2) {
    const message = `cluster ${show(name)} holds ${most} of ${ids.length} rounds: intervals rest on the few others.`;
    return [
      finding('warning', 'dominant_cluster', message, 'Cluster by something finer, if that is independent.', members),
    ];
  }
  if (times.size >= FEW_CLUSTERS) return [];
  const message = `there are only ${count(times.size, 'cluster')}; intervals need about ${FEW_CLUSTERS} or more.`;
  return [
    finding(
      'warning',
      'few_clusters',
      message,
      'Log more of what is independent, or read intervals as too short.',
      members,
    ),
  ];
}

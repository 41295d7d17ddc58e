import { seriesPanels } from '../report/index.js';
import { baselinePlans } from './baselines.js';
import { type PolicyRecord, policyCells } from './policy-cells.js';
import { byPlan, figures, policyTable } from './policy-tables.js';
import type { PolicyPlan } from './policy-training.js';
import { markdownTable } from './render-page.js';
import type { Finding, Study } from './study.js';
import { above, barOf, below, type Mean, meanOf, meanOfGroups, percent, shareOfGroups, showMean } from './summary.js';

/** Policies of every kind, near and far. */
const plans: readonly PolicyPlan[] = [
  ...baselinePlans.filter(({ objective }) => objective !== 'kto'),
  ...[0.5, 2].map(
    (tau): PolicyPlan => ({ name: `anchored, tau ${tau}`, objective: 'pope', diversity: 'anchored', tau }),
  ),
  ...[0.25, 1].map(
    (tau): PolicyPlan => ({ name: `surprisal, tau ${tau}`, objective: 'pope', diversity: 'surprisal', tau }),
  ),
  { name: 'coverage, tau 1', objective: 'pope', diversity: 'coverage', tau: 1 },
  { name: 'diversity only', objective: 'diversity', diversity: 'coverage', tau: 1 },
];

const MEASURES: Readonly<Record<string, (r: PolicyRecord) => number>> = {
  'agreement of all judges': ({ utility }) => utility,
  'agreement of the half that fitted nothing': ({ independent }) => independent.otherHalf,
  'win rate by a preference model': ({ independent }) => independent.winRate,
};

export const independent: Study = {
  name: 'independent',
  question:
    'How well does the off-policy score of a policy, from the log alone, rank policies by measures that POPE was not trained on?',
  needs: [],
  version: 1,
  cells: async (options) => policyCells(options.size === 'quick' ? plans.slice(0, 5) : plans, options),
  page(records) {
    const all = records as readonly PolicyRecord[];
    const seeds = [...new Set(all.map(({ seed }) => seed))];
    const rank = (measure: (r: PolicyRecord) => number): Mean => {
      const m = meanOf(
        seeds.flatMap((seed) => {
          const own = all.filter((r) => r.seed === seed && r.estimate !== null);
          return own.length < 3
            ? []
            : [
                spearman(
                  own.map((r) => r.estimate!),
                  own.map(measure),
                ),
              ];
        }),
      );
      return { ...m, lower: Math.max(-1, m.lower), upper: Math.min(1, m.upper) };
    };
    // the policies of one seed are estimated from one log
    const errorsOf = (of: readonly PolicyRecord[]): Mean =>
      meanOfGroups(of.flatMap((r) => (r.estimate === null ? [] : [{ group: r.seed, value: r.estimate - r.utility }])));
    const bounded = all.filter(({ lower }) => lower !== null);
    const cover = shareOfGroups(
      bounded.map((r) => ({ group: r.seed, value: r.lower! <= r.utility && r.utility <= r.upper! ? 1 : 0 })),
    );
    const error = errorsOf(all);
    const main = rank(MEASURES['agreement of all judges']!);
    const entropy = rank(({ independent: i }) => i.classEntropy);
    const bigrams = rank(({ independent: i }) => i.distinctBigrams);
    const bleu = rank(({ independent: i }) => -i.selfBleu);
    const trained = all.filter(({ plan }) => plan !== 'logging');
    const optimism = errorsOf(trained);
    const findings: Finding[] = [
      ...Object.entries(MEASURES).map(([name, measure]): Finding => {
        const r = rank(measure);
        return {
          claim: 'prediction',
          holds: above(r, 0.8),
          text: `The off-policy score ranks policies by ${name}: Spearman ${showMean(r)}.`,
        };
      }),
      {
        claim: 'prediction',
        holds: above(cover, 0.93),
        text: `The 95 % interval from the validation log holds the agreement of people who judge: ${percent(cover.mean, 1)} (${percent(cover.lower, 1)} to ${percent(cover.upper, 1)}) of ${bounded.length} policies, on ${cover.n} ${cover.n === 1 ? 'log' : 'logs'}.`,
      },
      {
        holds: optimism.lower > 0 ? 'no' : below(optimism, 0.005) === 'yes' ? 'yes' : 'unclear',
        text: `Choosing the learning rate on the validation log flatters the score by less than 0.005: estimate less truth is ${showMean(optimism)} over trained policies.`,
      },
      {
        holds: entropy.upper < 0 || bigrams.upper < 0 ? 'no' : 'unclear',
        text: `The utility score also speaks for diversity: its rank correlation is ${showMean(entropy)} with the entropy of opinions, ${showMean(bigrams)} with distinct bigrams, ${showMean(bleu)} with low self-BLEU. A score of utility alone prefers narrow policies.`,
      },
    ];
    const plans = [...byPlan(all)];
    return {
      sentence: `Over ${plans.length} policies and ${seeds.length} ${seeds.length === 1 ? 'seed' : 'seeds'} the off-policy score ranks held-out agreement with a Spearman correlation of ${showMean(main)}; its error is ${showMean(error)} and its 95 % interval holds the truth for ${percent(cover.mean, 1)} of policies.`,
      findings,
      figures: [
        {
          suffix: '',
          svg: seriesPanels({
            title: 'What the log says of a policy, and what held-out people say',
            xAxis: 'off-policy estimate of the agreement (snips)',
            referenceLabel: 'where both agree',
            panels: Object.entries(MEASURES)
              .slice(0, 2)
              .map(([name, measure]) => ({
                title: name[0]!.toUpperCase() + name.slice(1),
                axis: 'share of votes',
                diagonal: true,
                series: [
                  {
                    name: 'a policy, mean over seeds',
                    scatter: true,
                    points: plans.map(([, own]) => ({
                      x: meanOf(own.map((r) => r.estimate ?? Number.NaN)).mean,
                      y: meanOf(own.map(measure)).mean,
                      ...barOf(meanOf(own.map(measure))),
                    })),
                  },
                ],
              })),
          }),
          caption:
            'Each point is a policy: estimate from validation rounds, agreement of the people who judge with 95 % intervals over seeds.',
        },
      ],
      sections: [
        {
          title: 'Measures',
          body: `"Win rate": a preference model (the share of half of the judges who agree with a statement, one made-up vote each way) compares a statement of the policy with one of the logger. The other half of the judges fitted nothing. Opinion labels were seen in training by \`coverage\` alone; texts by none.\n\n${policyTable(
            all,
            Object.keys(figures).filter((name) => name !== 'KL to the log'),
          )}`,
        },
        {
          title: 'Rank correlations',
          body: markdownTable(
            ['measure', 'Spearman with the off-policy score'],
            [
              ...Object.entries(MEASURES).map(([name, measure]) => [name, showMean(rank(measure))]),
              ['entropy of opinions', showMean(entropy)],
              ['distinct bigrams', showMean(bigrams)],
              ['low self-BLEU', showMean(bleu)],
            ],
          ),
        },
      ],
    };
  },
};

/** Spearman's rank correlation, ties by their mean rank. */
function spearman(x: readonly number[], y: readonly number[]): number {
  const ranks = (values: readonly number[]): number[] =>
    values.map((v) => values.filter((w) => w < v).length + (values.filter((w) => w === v).length + 1) / 2);
  const [a, b] = [ranks(x), ranks(y)];
  const mean = (a.length + 1) / 2;
  const sum = (f: (i: number) => number): number => a.reduce((s, _, i) => s + f(i), 0);
  const [xy, xx, yy] = [
    sum((i) => (a[i]! - mean) * (b[i]! - mean)),
    sum((i) => (a[i]! - mean) ** 2),
    sum((i) => (b[i]! - mean) ** 2),
  ];
  return xx === 0 || yy === 0 ? 0 : xy / Math.sqrt(xx * yy);
}

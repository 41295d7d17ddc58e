import { intervalFigure } from '../report/index.js';
import { type PolicyRecord, PRICE, policyCells } from './policy-cells.js';
import { byPlan, figures, paired, planTable, pricedValue } from './policy-tables.js';
import type { PolicyPlan } from './policy-training.js';
import { markdownTable } from './render-page.js';
import type { Finding, Json, Study } from './study.js';
import { above, barOf, below, meanOf, showMean } from './summary.js';
import { type TransformerRecord, transformerCells } from './transformer-cells.js';

export const baselinePlans: readonly PolicyPlan[] = [
  { name: 'sft', objective: 'sft', diversity: 'none', tau: 0 },
  { name: 'reward-weighted', objective: 'reward-weighted', diversity: 'none', tau: 0 },
  { name: 'dpo', objective: 'dpo', diversity: 'none', tau: 0 },
  { name: 'kto', objective: 'kto', diversity: 'none', tau: 0 },
  { name: 'utility only', objective: 'utility', diversity: 'none', tau: 0 },
  { name: 'pope gradient', objective: 'policy-gradient', diversity: 'anchored', tau: PRICE },
  { name: 'pope', objective: 'pope', diversity: 'anchored', tau: PRICE },
  { name: 'pope coverage', objective: 'pope', diversity: 'coverage', tau: 0.25 },
];

const OTHERS = ['sft', 'reward-weighted', 'dpo', 'kto', 'utility only', 'pope gradient', 'pope coverage'];

const isTransformer = (record: Json): record is TransformerRecord =>
  typeof record === 'object' && record !== null && 'model' in record;

type BaselineRecord = PolicyRecord & { readonly distribution: number };
const columns: Readonly<Record<string, (record: BaselineRecord) => number>> = {
  ...Object.fromEntries(
    ['agreement', 'KL to the log', `value (agreement - ${PRICE} KL)`, 'opinion entropy'].map((name) => [
      name,
      figures[name]!,
    ]),
  ),
  'match with the groups': ({ distribution }) => distribution,
  'worst group': figures['worst group']!,
  'win rate': figures['win rate']!,
};

export const baselines: Study = {
  name: 'baselines',
  question:
    'Against imitation, reward weighting, DPO and KTO, with the same budget, start and choice of learning rate: what does POPE give and what does it take?',
  needs: [],
  version: 4,
  cells: async (options) => [
    ...policyCells(baselinePlans, options, ({ truth }, logProbs) => ({
      distribution: truth(logProbs, PRICE).distribution,
    })),
    ...transformerCells(baselinePlans, options),
  ],
  page(records) {
    const transformers = records.filter(isTransformer);
    const all = records.filter((r): r is BaselineRecord => !isTransformer(r));
    const have = byPlan(all);
    const against = (other: string, figure = pricedValue) => paired(all, 'pope', other, figure);
    const findings: Finding[] = [
      ...OTHERS.filter((other) => have.has(other)).map((other): Finding => {
        const d = against(other);
        return {
          claim: 'better',
          holds: above(d),
          text: `POPE (anchored, minorise-maximise) has more value than ${other}: ${showMean(d)} (agreement ${showMean(against(other, figures['agreement']!))}, KL ${showMean(against(other, figures['KL to the log']!))}).`,
        };
      }),
      ...['dpo', 'kto', 'utility only', 'pope'].map((other): Finding => {
        const d = paired(all, 'pope coverage', other, ({ distribution }) => distribution);
        return {
          claim: 'pluralism',
          holds: above(d),
          text: `POPE with coverage voices opinions in a mix nearer to the sizes of the groups than ${other}: the Jensen-Shannon divergence changes by ${showMean({ ...d, mean: -d.mean, lower: -d.upper, upper: -d.lower })} nats.`,
        };
      }),
      ...['dpo', 'utility only', 'pope'].map((other): Finding => {
        const d = paired(all, 'pope coverage', other, figures['opinion entropy']!);
        return {
          claim: 'pluralism',
          holds: above(d),
          text: `POPE with coverage voices wider opinions than ${other}: ${showMean(d)} nats, worst group ${showMean(paired(all, 'pope coverage', other, figures['worst group']!))}, agreement ${showMean(paired(all, 'pope coverage', other, figures['agreement']!))}.`,
        };
      }),
    ];
    const words = [
      'sft',
      'reward-weighted',
      'dpo',
      'kto',
      'utility only',
      'pope gradient',
      'pope',
      'pope coverage',
    ].filter((plan) => transformers.some((r) => r.plan === plan));
    for (const plan of words.filter((one) => one !== 'sft')) {
      const lost = paired(transformers, plan, 'start', ({ textLoss }) => textLoss);
      findings.push({
        holds: below(lost, 0.1),
        ...(plan.startsWith('pope') && { claim: 'ability' as const }),
        text: `A transformer trained by ${plan} keeps its language: the loss of unseen statements changes by ${showMean(lost)} nats a token (agreement ${showMean(paired(transformers, plan, 'start', ({ utility }) => utility))}).`,
      });
    }
    for (const other of ['dpo', 'kto', 'utility only'].filter((one) => words.includes('pope') && words.includes(one))) {
      const d = paired(transformers, 'pope', other, ({ textLoss }) => textLoss);
      findings.push({
        claim: 'ability',
        holds: below(d),
        text: `A transformer trained by POPE loses less of its language than one by ${other}: ${showMean(d)} nats a token.`,
      });
    }
    for (const other of ['sft', 'dpo', 'kto', 'reward-weighted'].filter(
      (one) => words.includes('pope') && words.includes(one),
    )) {
      const d = paired(transformers, 'pope', other, ({ utility, kl }) => utility - PRICE * kl);
      findings.push({
        claim: 'better',
        holds: above(d),
        text: `A transformer trained by POPE has more value than one by ${other}: ${showMean(d)}.`,
      });
    }
    const ranked = [...have]
      .map(([plan, own]) => ({ plan, m: meanOf(own.map(pricedValue)) }))
      .sort((a, b) => b.m.mean - a.m.mean);
    const place = ranked.findIndex(({ plan }) => plan === 'pope') + 1;
    const d = against('dpo');
    return {
      sentence: `By value at a price of ${PRICE} a nat, POPE comes ${place === 1 ? 'first' : `in place ${place}`} of ${ranked.length} (first: ${ranked[0]!.plan}); against DPO it ${d.lower > 0 ? 'wins' : d.upper < 0 ? 'loses' : 'is not told apart'} (${showMean(d)}).`,
      findings,
      figures: [
        {
          suffix: '',
          svg: intervalFigure({
            title: 'Methods with one budget, judged by people they never saw',
            axis: `value: agreement - ${PRICE} KL`,
            level: 0.95,
            oneColor: true,
            reference: { label: 'logging policy', value: meanOf(have.get('logging')!.map(pricedValue)).mean },
            rows: ranked
              .filter(({ plan }) => plan !== 'logging')
              .flatMap(({ plan, m }) => [
                {
                  target: plan,
                  estimator: 'value',
                  estimate: m.mean,
                  lower: barOf(m)?.lower ?? null,
                  upper: barOf(m)?.upper ?? null,
                },
              ]),
          }),
          caption: 'Means over seeds with 95 % intervals.',
        },
      ],
      sections: [
        {
          title: 'All methods',
          body: `120 outer steps of 200 rounds from the logging policy on; of three learning rates the one that the validation rounds estimate best (agreement - ${PRICE} KL, snips), for every method alike. "pope gradient" is the policy gradient of T10, "pope" the bound of T8 raised by minorise-maximise, both anchored with tau ${PRICE}; coverage has tau 0.25. A GRPO-style loss is not in this package and was not run. Policies are tables over statements. *Match with the groups* is minus the Jensen-Shannon divergence of the opinions from the sizes of the groups of voters, the distributional form (nats; 0: as the voters are). The mean over seeds with its 95 % interval:\n\n${planTable(all, columns)}`,
        },
        ...(transformers.length === 0
          ? []
          : [
              {
                title: 'A transformer over the same statements',
                body: `Two layers of width 48, pre-trained on the statements but every eighth, then fitted to the log ("start"); every method goes on from there for 40 outer steps at one learning rate. The loss is of the statements that pre-training never saw: general ability, in nats a token.\n\n${markdownTable(
                  [
                    'policy',
                    'agreement',
                    'KL to the log',
                    'opinion entropy',
                    'match with the groups',
                    'worst group',
                    'loss of unseen text',
                  ],
                  ['start', ...words].map((plan) => {
                    const own = transformers.filter((r) => r.plan === plan);
                    return [
                      plan,
                      ...[
                        own.map((r) => r.utility),
                        own.map((r) => r.kl),
                        own.map((r) => r.classEntropy),
                        own.map((r) => r.distribution),
                        own.map((r) => r.worstGroup),
                        own.map((r) => r.textLoss),
                      ].map((values) => showMean(meanOf(values))),
                    ];
                  }),
                )}`,
              },
            ]),
      ],
    };
  },
};

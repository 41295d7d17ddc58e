import { intervalFigure } from '../report/index.js';
import { type PolicyRecord, PRICE, policyCells } from './policy-cells.js';
import { byPlan, figures, paired, policyTable, pricedValue } from './policy-tables.js';
import type { PolicyPlan } from './policy-training.js';
import type { Finding, Study } from './study.js';
import { meanOf, showMean } from './summary.js';

export const baselinePlans: readonly PolicyPlan[] = [
  { name: 'sft', objective: 'sft', diversity: 'none', tau: 0 },
  { name: 'reward-weighted', objective: 'reward-weighted', diversity: 'none', tau: 0 },
  { name: 'dpo', objective: 'dpo', diversity: 'none', tau: 0 },
  { name: 'utility only', objective: 'utility', diversity: 'none', tau: 0 },
  { name: 'pope gradient', objective: 'policy-gradient', diversity: 'anchored', tau: PRICE },
  { name: 'pope', objective: 'pope', diversity: 'anchored', tau: PRICE },
  { name: 'pope coverage', objective: 'pope', diversity: 'coverage', tau: 0.25 },
];

const OTHERS = ['sft', 'reward-weighted', 'dpo', 'utility only', 'pope gradient', 'pope coverage'];

export const baselines: Study = {
  name: 'baselines',
  question:
    'Against imitation, reward weighting and DPO, with the same budget, start and choice of learning rate: what does POPE give and what does it take?',
  needs: [],
  version: 1,
  cells: async (options) => policyCells(baselinePlans, options),
  page(records) {
    const all = records as readonly PolicyRecord[];
    const have = byPlan(all);
    const name = `value (agreement - ${PRICE} KL)`;
    const against = (other: string, figure = pricedValue) => paired(all, 'pope', other, figure);
    const findings: Finding[] = [
      ...OTHERS.filter((other) => have.has(other)).map((other): Finding => {
        const d = against(other);
        return {
          holds: d.lower > 0 ? 'yes' : d.upper < 0 ? 'no' : 'unclear',
          text: `POPE (anchored, minorise-maximise) has more value than ${other}: ${showMean(d)} (agreement ${showMean(against(other, figures['agreement']!))}, KL ${showMean(against(other, figures['KL to the log']!))}).`,
        };
      }),
      ...['dpo', 'utility only', 'pope'].map((other): Finding => {
        const d = paired(all, 'pope coverage', other, figures['opinion entropy']!);
        return {
          holds: d.lower > 0 ? 'yes' : d.upper < 0 ? 'no' : 'unclear',
          text: `POPE with coverage voices wider opinions than ${other}: ${showMean(d)} nats, worst group ${showMean(paired(all, 'pope coverage', other, figures['worst group']!))}, agreement ${showMean(paired(all, 'pope coverage', other, figures['agreement']!))}.`,
        };
      }),
    ];
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
            reference: { label: 'logging policy', value: meanOf(have.get('logging')!.map(pricedValue)).mean },
            rows: ranked
              .filter(({ plan }) => plan !== 'logging')
              .flatMap(({ plan, m }) => [
                { target: plan, estimator: 'value', estimate: m.mean, lower: m.lower, upper: m.upper },
              ]),
          }),
          caption: 'Means over seeds with 95 % intervals.',
        },
      ],
      sections: [
        {
          title: 'All methods',
          body: `120 outer steps of 200 rounds from the logging policy on; of three learning rates the one that the validation rounds estimate best (agreement - ${PRICE} KL, snips), for every method alike. "pope gradient" is the policy gradient of T10, "pope" the bound of T8 raised by minorise-maximise, both anchored with tau ${PRICE}; coverage has tau 0.25. KTO- and GRPO-style losses are not in this package and were not run. Policies are tables over statements: there is no language ability to lose; \`pope demo\` shows it for a transformer. The mean over seeds with its 95 % interval:\n\n${policyTable(all, ['agreement', 'KL to the log', name, 'opinion entropy', 'worst group', 'win rate'])}`,
        },
      ],
    };
  },
};

import { seriesPanels } from '../report/index.js';
import { type PolicyRecord, policyCells } from './policy-cells.js';
import { byPlan, figures, paired, policyTable } from './policy-tables.js';
import type { PolicyPlan } from './policy-training.js';
import type { Finding, Study } from './study.js';
import { meanOf, showMean } from './summary.js';

const TAUS = [0.05, 0.1, 0.25, 0.5, 1, 2, 4];
const KINDS = ['anchored', 'surprisal', 'coverage'] as const;
const plans: readonly PolicyPlan[] = [
  { name: 'utility only', objective: 'utility', diversity: 'none', tau: 0 },
  ...KINDS.map((diversity): PolicyPlan => ({ name: `${diversity} only`, objective: 'diversity', diversity, tau: 1 })),
  ...KINDS.flatMap((diversity) =>
    TAUS.map((tau): PolicyPlan => ({ name: `${diversity}, tau ${tau}`, objective: 'pope', diversity, tau })),
  ),
];

export const ablation: Study = {
  name: 'ablation',
  question:
    'What do utility, diversity and their sum each do to a policy, for each form of diversity and as tau grows, judged by the votes of people whom training never saw?',
  needs: [],
  version: 1,
  cells: async (options) =>
    policyCells(options.size === 'quick' ? plans.filter(({ tau }) => tau === 0 || tau === 0.5) : plans, options),
  page(records) {
    const all = records as readonly PolicyRecord[];
    const have = byPlan(all);
    const taus = TAUS.filter((tau) => have.has(`anchored, tau ${tau}`));
    const difference = (plan: string, other: string, name: string) => paired(all, plan, other, figures[name]!);
    const word = (holds: boolean | null): Finding['holds'] => (holds === null ? 'unclear' : holds ? 'yes' : 'no');
    const sign = ({ lower, upper }: { lower: number; upper: number }): boolean | null =>
      lower > 0 ? true : upper < 0 ? false : null;
    const gain = difference('utility only', 'logging', 'agreement');
    const narrowed = difference('utility only', 'logging', 'opinion entropy');
    const findings: Finding[] = [
      {
        holds: word(sign(gain)),
        text: `Raising utility alone raises the agreement of people it never saw: by ${showMean(gain)}.`,
      },
      {
        claim: 'collapse',
        holds: word(sign({ lower: -narrowed.upper, upper: -narrowed.lower })),
        text: `Utility alone narrows opinions: their entropy changes by ${showMean(narrowed)} nats, the worst group's agreement by ${showMean(difference('utility only', 'logging', 'worst group'))}.`,
      },
      ...KINDS.flatMap((kind): Finding[] => {
        const tau = taus.includes(0.25) ? 0.25 : taus[0]!;
        const name = `${kind}, tau ${tau}`;
        if (!have.has(name)) return [];
        const wider = difference(name, 'utility only', 'opinion entropy');
        const cost = difference(name, 'utility only', 'agreement');
        const worst = difference(name, 'utility only', 'worst group');
        return [
          {
            claim: 'pluralism',
            holds: word(sign(wider)),
            text: `With ${kind} diversity (tau ${tau}) opinions are wider than with utility alone: entropy ${showMean(wider)} nats, at ${showMean(cost)} of agreement; worst group ${showMean(worst)}.`,
          },
        ];
      }),
      ...(taus.includes(4)
        ? [
            {
              holds: word(sign(difference('anchored, tau 4', 'logging', 'agreement'))),
              text: `At tau 4 the anchored policy still agrees more than the logger: ${showMean(difference('anchored, tau 4', 'logging', 'agreement'))}.`,
            } satisfies Finding,
            {
              holds: word(sign(difference('surprisal, tau 4', 'logging', 'agreement'))),
              text: `At tau 4 the surprisal policy still agrees more than the logger: ${showMean(difference('surprisal, tau 4', 'logging', 'agreement'))}. Surprisal rewards what is rare, good or not.`,
            } satisfies Finding,
          ]
        : []),
    ];
    const panel = (title: string, axis: string, name: string) => ({
      title,
      axis,
      series: KINDS.map((kind) => ({
        name: kind,
        points: taus.map((tau) => {
          const m = meanOf(have.get(`${kind}, tau ${tau}`)!.map(figures[name]!));
          return { x: Math.log10(tau), y: m.mean, lower: m.lower, upper: m.upper };
        }),
      })),
      reference: meanOf(have.get('logging')!.map(figures[name]!)).mean,
    });
    const widest = KINDS.map((kind) => ({
      kind,
      m: difference(`${kind}, tau ${taus.includes(0.25) ? 0.25 : taus[0]!}`, 'utility only', 'opinion entropy'),
    })).sort((a, b) => b.m.mean - a.m.mean)[0]!;
    return {
      sentence: `Utility alone raises held-out agreement by ${showMean(gain)} and changes the entropy of opinions by ${showMean(narrowed)} nats; of the forms of diversity ${widest.kind} widens opinions most (${showMean(widest.m)} nats against utility alone, tau ${taus.includes(0.25) ? 0.25 : taus[0]!}).`,
      findings,
      figures: [
        {
          suffix: '',
          svg: seriesPanels({
            title: 'Utility plus tau times diversity',
            xAxis: 'tau',
            xPowers: true,
            panels: [
              panel('Agreement of held-out people', 'share of votes', 'agreement'),
              panel('Entropy of opinions', 'nats', 'opinion entropy'),
              panel('Agreement of the worst group', 'share of votes', 'worst group'),
              panel('KL to the logging policy', 'nats', 'KL to the log'),
            ],
          }),
          caption: 'Means over seeds with 95 % intervals; dashed: the logging policy.',
        },
      ],
      sections: [
        {
          title: 'All policies',
          body: `Policies are softmax tables over the 24 statements of each of 11 Polis conversations, trained from the logging policy on; slates of three statements, the votes of 60 % of the participants (a quarter of them chooses the learning rate, by the same rule for all), judged exactly by every vote of the other 40 %. Means over ${new Set(all.map(({ seed }) => seed)).size} seeds with 95 % intervals. The forms \`slate\` and \`distribution\` can be estimated but not trained.\n\n${policyTable(all, ['agreement', 'KL to the log', 'opinion entropy', 'worst group', 'distinct bigrams', 'self-BLEU'])}`,
        },
      ],
    };
  },
};

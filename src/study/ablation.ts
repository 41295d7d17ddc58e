import { captionPart } from './ablation-captions.js';
import { formPart } from './ablation-forms.js';
import { tauPanels } from './ablation-panels.js';
import { ablationPlans, comparedTau, KINDS, TAUS } from './ablation-plans.js';
import { type CaptionRecord, captionCells } from './caption-cells.js';
import { type DiversityForm, type FormRecord, formRecords } from './diversity-forms.js';
import { type PolicyRecord, policyCells } from './policy-cells.js';
import { byPlan, figures, paired, planTable } from './policy-tables.js';
import type { Finding, Json, Study } from './study.js';
import { above, below, showMean } from './summary.js';

type PolisRecord = PolicyRecord & { readonly forms: Readonly<Record<DiversityForm, FormRecord>> };
const isCaption = (record: Json): record is CaptionRecord => (record as { readonly part?: Json }).part === 'captions';

const polisFigures: Readonly<Record<string, (record: PolisRecord) => number>> = {
  agreement: figures['agreement']!,
  'KL to the log': figures['KL to the log']!,
  'entropy of statements': ({ forms }) => forms.surprisal.exact,
  'entropy of opinions': figures['opinion entropy']!,
  'slate entropy': ({ forms }) => forms.slate.exact,
  'match with the groups': ({ forms }) => forms.distribution.exact,
  'worst group': figures['worst group']!,
  'distinct bigrams': figures['distinct bigrams']!,
  'self-BLEU': figures['self-BLEU']!,
};

export const ablation: Study = {
  name: 'ablation',
  question:
    'What do utility, diversity and their sum each do to a policy, for each form of diversity and as tau grows, judged by the votes of people whom training never saw?',
  needs: ['caption-contest'],
  version: 4,
  async cells(options) {
    const some = options.size === 'quick' ? ablationPlans.filter(({ tau }) => tau === 0 || tau === 0.5) : ablationPlans;
    return [
      ...policyCells(some, options, (setting, logProbs, seed) => ({
        part: 'polis',
        forms: formRecords(setting, logProbs, seed),
      })),
      ...captionCells(some, options),
    ];
  },
  page(records) {
    const captions = records.filter(isCaption);
    const all = records.filter((record): record is PolisRecord => !isCaption(record));
    const have = byPlan(all);
    const taus = TAUS.filter((tau) => have.has(`anchored, tau ${tau}`));
    const tau = comparedTau(taus);
    const difference = (plan: string, other: string, name: string) => paired(all, plan, other, figures[name]!);
    const gain = difference('utility only', 'logging', 'agreement');
    const narrowed = difference('utility only', 'logging', 'opinion entropy');
    const findings: Finding[] = [
      {
        holds: above(gain),
        text: `Raising utility alone raises the agreement of people it never saw: by ${showMean(gain)}.`,
      },
      {
        claim: 'collapse',
        holds: below(narrowed),
        text: `Utility alone narrows opinions: their entropy changes by ${showMean(narrowed)} nats, the worst group's agreement by ${showMean(difference('utility only', 'logging', 'worst group'))}.`,
      },
      ...KINDS.flatMap((kind): Finding[] => {
        const name = `${kind}, tau ${tau}`;
        if (!have.has(name)) return [];
        const wider = difference(name, 'utility only', 'opinion entropy');
        const cost = difference(name, 'utility only', 'agreement');
        const worst = difference(name, 'utility only', 'worst group');
        return [
          {
            claim: 'pluralism',
            holds: above(wider),
            text: `With ${kind} diversity (tau ${tau}) opinions are wider than with utility alone: entropy ${showMean(wider)} nats, at ${showMean(cost)} of agreement; worst group ${showMean(worst)}.`,
          },
        ];
      }),
      ...(taus.includes(4)
        ? [
            {
              holds: above(difference('anchored, tau 4', 'logging', 'agreement')),
              text: `At tau 4 the anchored policy still agrees more than the logger: ${showMean(difference('anchored, tau 4', 'logging', 'agreement'))}.`,
            } satisfies Finding,
            {
              holds: above(difference('surprisal, tau 4', 'logging', 'agreement')),
              text: `At tau 4 the surprisal policy still agrees more than the logger: ${showMean(difference('surprisal, tau 4', 'logging', 'agreement'))}. Surprisal rewards what is rare, good or not.`,
            } satisfies Finding,
          ]
        : []),
    ];
    const caption = captionPart(captions, taus);
    const form = formPart({ Polis: all, captions });
    const widest = KINDS.map((kind) => ({
      kind,
      m: difference(`${kind}, tau ${tau}`, 'utility only', 'opinion entropy'),
    })).sort((a, b) => b.m.mean - a.m.mean)[0]!;
    return {
      sentence: `Utility alone raises held-out agreement by ${showMean(gain)} and changes the entropy of opinions by ${showMean(narrowed)} nats; of the forms of diversity ${widest.kind} widens opinions most (${showMean(widest.m)} nats against utility alone, tau ${tau}). ${caption.sentence} ${form.sentence}`,
      findings: [...findings, ...caption.findings, ...form.findings],
      figures: [
        {
          suffix: '',
          svg: tauPanels('Polis: utility plus tau times diversity', all, taus, [
            ['Agreement of held-out people', 'share of votes', figures['agreement']!],
            ['Entropy of opinions', 'nats', figures['opinion entropy']!],
            ['Agreement of the worst group', 'share of votes', figures['worst group']!],
            ['KL to the logging policy', 'nats', figures['KL to the log']!],
          ]),
          caption: 'Polis: means over seeds with 95 % intervals; dashed: the logging policy.',
        },
        caption.figure,
      ],
      sections: [
        {
          title: 'Polis: all policies',
          body: `Policies are softmax tables over the 24 statements of each of 11 Polis conversations, trained from the logging policy on; slates of three statements, the votes of 60 % of the participants (a quarter of them chooses the learning rate, by the same rule for all), judged exactly by every vote of the other 40 %. Means over ${new Set(all.map(({ seed }) => seed)).size} seeds with 95 % intervals. *Match with the groups* is minus the Jensen-Shannon divergence of the opinions from the sizes of the groups of voters (nats).\n\n${planTable(all, polisFigures)}`,
        },
        caption.section,
        form.section,
      ],
    };
  },
};

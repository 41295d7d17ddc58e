import { tauPanels } from './ablation-panels.js';
import { comparedTau, KINDS } from './ablation-plans.js';
import type { CaptionRecord } from './caption-cells.js';
import { paired, planTable } from './policy-tables.js';
import type { Finding, StudyFigure, StudyPage } from './study.js';
import { above, below, showMean } from './summary.js';

const captionFigures: Readonly<Record<string, (record: CaptionRecord) => number>> = {
  quality: ({ utility }) => utility,
  'KL to the log': ({ forms }) => -forms.anchored.exact,
  'entropy of captions': ({ forms }) => forms.surprisal.exact,
  'entropy of classes': ({ forms }) => forms.coverage.exact,
  'slate entropy': ({ forms }) => forms.slate.exact,
  'match with preferences': ({ forms }) => forms.distribution.exact,
  'distinct bigrams': ({ distinctBigrams }) => distinctBigrams,
  'self-BLEU': ({ selfBleu }) => selfBleu,
};

/** The ablation on caption text. */
export function captionPart(
  records: readonly CaptionRecord[],
  taus: readonly number[],
): { sentence: string; findings: Finding[]; figure: StudyFigure; section: StudyPage['sections'][number] } {
  const difference = (plan: string, other: string, name: string) => paired(records, plan, other, captionFigures[name]!);
  const tau = comparedTau(taus);
  const largest = taus.at(-1)!;
  const gain = difference('utility only', 'logging', 'quality');
  const narrowed = difference('utility only', 'logging', 'entropy of captions');
  return {
    sentence: `On captions utility alone raises quality by ${showMean(gain)} and changes their entropy by ${showMean(narrowed)} nats.`,
    findings: [
      {
        holds: above(gain),
        text: `Captions: raising utility alone raises the quality that the other half of the votes sees: by ${showMean(gain)} (share better than "unfunny").`,
      },
      {
        claim: 'collapse',
        holds: below(narrowed),
        text: `Captions: utility alone narrows what is said: the entropy of captions changes by ${showMean(narrowed)} nats, that of their classes by ${showMean(difference('utility only', 'logging', 'entropy of classes'))}, self-BLEU by ${showMean(difference('utility only', 'logging', 'self-BLEU'))}.`,
      },
      ...KINDS.map((kind): Finding => {
        const plan = `${kind}, tau ${tau}`;
        // what each is made to widen: the classes, or the captions
        const name = kind === 'coverage' ? 'entropy of classes' : 'entropy of captions';
        const other = kind === 'coverage' ? 'entropy of captions' : 'entropy of classes';
        const wider = difference(plan, 'utility only', name);
        return {
          claim: 'pluralism',
          holds: above(wider),
          text: `Captions: ${kind} diversity (tau ${tau}) widens what is said against utility alone: ${name} ${showMean(wider)} nats, ${other} ${showMean(difference(plan, 'utility only', other))}, at ${showMean(difference(plan, 'utility only', 'quality'))} of quality.`,
        };
      }),
      ...KINDS.map((kind): Finding => {
        const left = difference(`${kind}, tau ${largest}`, 'logging', 'quality');
        return {
          holds: above(left),
          text: `Captions: at tau ${largest} the ${kind} policy still has more quality than the logger: ${showMean(left)}.`,
        };
      }),
    ],
    figure: {
      suffix: 'captions',
      svg: tauPanels('Captions: utility plus tau times diversity', records, taus, [
        ['Quality, judged by the other half of the votes', 'share better than "unfunny"', captionFigures['quality']!],
        ['Entropy of captions', 'nats', captionFigures['entropy of captions']!],
        ['Entropy of classes', 'nats', captionFigures['entropy of classes']!],
        ['Self-BLEU of drawn captions', 'BLEU', captionFigures['self-BLEU']!],
      ]),
      caption: 'Captions: means over seeds with 95 % intervals; dashed: the logging policy.',
    },
    section: {
      title: 'Captions: all policies',
      body: `Policies over captions of the New Yorker contest (200 of each of six contests), in slates of three; half of the votes make the log, the other half judges. Classes come from the logged half: \`disliked\` (the third with the lowest mean score), of the others \`divided\` (the half where fewer say "somewhat funny") and \`liked\`. *Match with preferences* is minus the Jensen-Shannon divergence from the share of each class in what people like (nats).\n\n${planTable(records, captionFigures)}`,
    },
  };
}

import { type DiversityForm, diversityForms, type FormRecord } from './diversity-forms.js';
import { markdownTable } from './render-page.js';
import type { Finding, StudyPage } from './study.js';
import { above, meanOf, percent, shareOf, showMean } from './summary.js';

/** A policy with its forms of diversity, exact and estimated. */
export interface WithForms {
  readonly forms: Readonly<Record<DiversityForm, FormRecord>>;
}

const estimatorOf: Readonly<Record<DiversityForm, string>> = {
  surprisal: 'snips',
  anchored: 'snips',
  coverage: 'snips, classes pooled',
  slate: 'joint_ips',
  distribution: 'plug-in, classes pooled',
};

/** How well the validation log tells each form of diversity of the trained policies. */
export function formPart(parts: Readonly<Record<string, readonly WithForms[]>>): {
  sentence: string;
  findings: Finding[];
  section: StudyPage['sections'][number];
} {
  const all = Object.values(parts).flat();
  const supported = (form: DiversityForm, of: readonly WithForms[]): readonly FormRecord[] =>
    of.map(({ forms }) => forms[form]).filter(({ verdict, lower }) => verdict === 'supported' && lower !== null);
  /** Whether the interval, moved by `by` of the bias that the tool tells, holds the exact value. */
  const holds = ({ exact, lower, upper, bias }: FormRecord, by: number): boolean =>
    lower! <= exact + by * bias && exact + by * bias <= upper!;
  const share = (records: readonly FormRecord[], by = 0) =>
    shareOf(records.filter((record) => holds(record, by)).length, records.length);
  const shares = diversityForms.flatMap((form) => {
    const records = supported(form, all);
    return records.length === 0 ? [] : [`${form} ${percent(share(records).mean)}`];
  });
  return {
    sentence: `Of supported policies the 95 % interval of a form of diversity holds its exact value in: ${shares.join(', ')}.`,
    findings: diversityForms.flatMap((form): Finding[] => {
      const records = supported(form, all);
      if (records.length === 0) return [];
      const held = share(records);
      return [
        {
          claim: 'prediction',
          holds: above(held, 0.9),
          text: `The 95 % interval of the ${form} diversity (${estimatorOf[form]}) holds its exact value in at least 90 % of supported policies: ${percent(held.mean)} (${percent(held.lower)} to ${percent(held.upper)}) of ${records.length}.`,
        },
      ];
    }),
    section: {
      title: 'The five forms, estimated',
      body: `Each policy's diversity in every form, as \`evaluate\` finds it on the validation log that chose the learning rate, beside the exact value. \`slate\` is a reward of a whole slate and takes the joint weight (E1); \`distribution\` compares with the sizes of the groups of voters (Polis) or with what people like (captions). Training offers neither: \`slate\` rewards a whole slate, \`distribution\` a whole policy. The last column moves the interval by the bias that the tool tells of estimated classes. Where the verdict is weak or refused the tool says so itself.\n\n${markdownTable(
        [
          'data',
          'form',
          'estimator',
          'policies',
          'of them supported',
          'estimate less exact (supported)',
          'interval holds',
          'moved by `diversity_bias`',
        ],
        Object.entries(parts).flatMap(([part, own]) =>
          diversityForms.map((form) => {
            const records = supported(form, own);
            return [
              part,
              form,
              estimatorOf[form],
              String(own.length),
              String(records.length),
              records.length === 0 ? '' : showMean(meanOf(records.map((r) => r.estimate! - r.exact))),
              records.length === 0 ? '' : percent(share(records).mean),
              records.length === 0 || records.every(({ bias }) => bias === 0) ? '' : percent(share(records, 1).mean),
            ];
          }),
        ),
      )}`,
    },
  };
}

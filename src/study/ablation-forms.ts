import { type DiversityForm, diversityForms, type FormRecord } from './diversity-forms.js';
import { markdownTable } from './render-page.js';
import type { Finding, StudyPage } from './study.js';
import { above, type Mean, meanOfGroups, percent, shareOfGroups, showMean } from './summary.js';

/** A policy with its forms of diversity, exact and estimated. */
export interface WithForms {
  /** Of the log: policies of one seed and part are estimated from the same. */
  readonly seed: number;
  readonly forms: Readonly<Record<DiversityForm, FormRecord>>;
}

const estimatorOf: Readonly<Record<DiversityForm, string>> = {
  surprisal: 'snips',
  anchored: 'snips',
  coverage: 'snips, classes pooled',
  slate: 'joint_ips',
  distribution: 'plug-in, classes pooled',
};

type Which = 'plain' | 'corrected';
type OnLog = FormRecord & { readonly log: string };

/** How well the validation log tells each form of diversity of the trained policies. */
export function formPart(parts: Readonly<Record<string, readonly WithForms[]>>): {
  sentence: string;
  findings: Finding[];
  section: StudyPage['sections'][number];
} {
  const logs = Object.entries(parts).map(([part, own]) =>
    own.map(({ seed, forms }) => ({ log: `${part}, seed ${seed}`, forms })),
  );
  const all = logs.flat();
  const supported = (form: DiversityForm, of: typeof all): readonly OnLog[] =>
    of.map(({ log, forms }) => ({ log, ...forms[form] })).filter(({ verdict }) => verdict === 'supported');
  const given = (records: readonly OnLog[], which: Which): readonly OnLog[] =>
    records.filter((record) => record[which] !== null && record[which].lower !== null);
  const share = (records: readonly OnLog[], which: Which): Mean =>
    shareOfGroups(
      given(records, which).map(({ log, exactOnLog, [which]: own }) => ({
        group: log,
        value: own!.lower! <= exactOnLog && exactOnLog <= own!.upper! ? 1 : 0,
      })),
    );
  const cells = (records: readonly OnLog[], which: Which): string[] => {
    if (records.length === 0 || records[0]![which] === null) return ['', '', ''];
    const count = given(records, which).length;
    const off = records.flatMap(({ log, exactOnLog, [which]: own }) =>
      own!.estimate === null ? [] : [{ group: log, value: own!.estimate - exactOnLog }],
    );
    return [showMean(meanOfGroups(off)), String(count), count === 0 ? '' : percent(share(records, which).mean)];
  };
  const best = (form: DiversityForm): Which =>
    all.some(({ forms }) => forms[form].corrected !== null) ? 'corrected' : 'plain';
  const shares = diversityForms.flatMap((form) => {
    const records = supported(form, all);
    const ways = best(form) === 'plain' ? (['plain'] as const) : (['plain', 'corrected'] as const);
    return ways
      .filter((which) => given(records, which).length > 0)
      .map(
        (which) =>
          `${form}${ways.length === 1 ? '' : which === 'plain' ? ' as it is' : ' bias-corrected'} ${percent(share(records, which).mean)}`,
      );
  });
  return {
    sentence: `Where the tool gives a supported policy a 95 % interval of its diversity, that holds the exact value in: ${shares.join(', ')}; bias-corrected ones are given to more policies.`,
    findings: diversityForms.flatMap((form) =>
      (['plain', 'corrected'] as const).flatMap((which): Finding[] => {
        const records = supported(form, all);
        if (records.length === 0 || records[0]![which] === null) return [];
        const held = share(records, which);
        const count = given(records, which).length;
        const way = best(form) === 'plain' ? '' : which === 'plain' ? ', as it is' : ', bias-corrected';
        return [
          {
            claim: 'prediction',
            holds: above(held, 0.9),
            text: `The 95 % interval of the ${form} diversity (${estimatorOf[form]}${way}) holds its exact value in at least 90 % of supported policies that get one: ${count === 0 ? 'none does' : `${percent(held.mean)} (${percent(held.lower)} to ${percent(held.upper)}) of ${count}, on ${held.n} ${held.n === 1 ? 'log' : 'logs'}`}${count === records.length ? '' : `; ${records.length - count} supported ones are given no interval`}.`,
          },
        ];
      }),
    ),
    section: {
      title: 'The five forms, estimated',
      body: `Each policy's diversity in every form, as \`evaluate\` finds it on the validation log that chose the learning rate, beside the exact value. \`slate\` is a reward of a whole slate and takes the joint weight (E1); \`distribution\` compares with the sizes of the groups of voters (Polis) or with what people like (captions). Training offers neither: \`slate\` rewards a whole slate, \`distribution\` a whole policy. Policies of one seed share a log: intervals of means and shares are over the logs. The exact value is that of the contexts as often as the validation log has them. Where the bias of estimated classes is more than half the standard error, or cannot be told, the tool withholds the interval; the last columns take the bias off (\`--bias-corrected\`). Where the verdict is weak or refused the tool says so itself.\n\n${markdownTable(
        [
          'data',
          'form',
          'estimator',
          'policies',
          'of them supported',
          'estimate less exact (supported)',
          'given an interval',
          'it holds',
          'corrected: estimate less exact',
          'given an interval',
          'it holds',
        ],
        Object.keys(parts).flatMap((part, i) =>
          diversityForms.map((form) => {
            const own = logs[i]!;
            const records = supported(form, own);
            return [
              part,
              form,
              estimatorOf[form],
              String(own.length),
              String(records.length),
              ...cells(records, 'plain'),
              ...cells(records, 'corrected'),
            ];
          }),
        ),
      )}`,
    },
  };
}

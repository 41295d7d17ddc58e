import { intervalFigure, seriesPanels } from '../report/index.js';
import type { FormEstimate } from './diversity-forms.js';
import { captionExtreme, type ExtremeRecord, polisExtreme } from './extremes-cells.js';
import { paired } from './policy-tables.js';
import type { PolicyPlan } from './policy-training.js';
import { markdownTable } from './render-page.js';
import { seedsOf } from './seeds.js';
import type { Cell, Finding, Json, Study } from './study.js';
import { above, barOf, type Mean, meanOf, percent, shareOfGroups, show, showMean } from './summary.js';
import { type SurveyRecord, surveyExtreme } from './survey-cells.js';

/** Of four answers each. */
const SURVEY_ROUNDS = [10, 50] as const;
const TAUS = [0.02, 0.05, 0.1, 0.25, 1, 4];
const logging: PolicyPlan = { name: 'logging', objective: 'sft', diversity: 'none', tau: 0 };
const utility: PolicyPlan = { name: 'utility only', objective: 'utility', diversity: 'none', tau: 0 };
const pope = (diversity: 'coverage' | 'surprisal' | 'anchored', tau: number): PolicyPlan => ({
  name: `${diversity}, tau ${tau}`,
  objective: 'pope',
  diversity,
  tau,
});
const polisPlans = [logging, utility, pope('anchored', 0.1), pope('coverage', 0.25)];
const captionPlans = [
  logging,
  utility,
  ...TAUS.map((tau) => pope('surprisal', tau)),
  ...TAUS.map((tau) => pope('anchored', tau)),
];

const showEstimate = ({ estimate, lower, upper }: FormEstimate): string =>
  estimate === null
    ? ''
    : `${show(estimate)}${lower === null ? ', no interval' : ` [${show(lower)}, ${show(upper!)}]`}`;

/** The corrected estimate and its ends, less the exact value. */
function lessExact({ corrected, exact }: SurveyRecord): FormEstimate {
  const less = (x: number | null): number | null => (x === null ? null : x - exact);
  return { estimate: less(corrected.estimate), lower: less(corrected.lower), upper: less(corrected.upper) };
}

const isSurvey = (record: Json): record is readonly SurveyRecord[] => Array.isArray(record);

export const extremes: Study = {
  name: 'extremes',
  question:
    'Where groups are far apart, and where hundreds of answers are good: does the diversity term keep quality, when does it turn into noise, and does an alarm say so?',
  needs: ['caption-contest', 'global-opinions'],
  version: 3,
  async cells(options) {
    const quick = options.size === 'quick';
    const some = quick ? captionPlans.filter(({ tau }) => tau === 0 || tau === 0.1) : captionPlans;
    return seedsOf(options).flatMap((seed): Cell<Json>[] => [
      ...(['contested', 'agreed'] as const).flatMap((part) =>
        polisPlans.map(
          (plan): Cell<Json> => ({
            key: `${part}, ${plan.name}, seed ${seed}`,
            run: () => polisExtreme(part, plan, seed, options),
          }),
        ),
      ),
      ...some.map(
        (plan): Cell<Json> => ({
          key: `captions, ${plan.name}, seed ${seed}`,
          run: () => captionExtreme(plan, seed, options),
        }),
      ),
      ...(quick ? [SURVEY_ROUNDS[0]] : SURVEY_ROUNDS).map(
        (rounds): Cell<Json> => ({
          key: `survey, ${rounds} rounds a question, seed ${seed}`,
          run: () => surveyExtreme(seed, rounds, options),
        }),
      ),
    ]);
  },
  page(records) {
    const surveys = records.filter(isSurvey).flat();
    const all = records.filter((r): r is ExtremeRecord => !isSurvey(r));
    const of = (part: string, plan: string): readonly ExtremeRecord[] =>
      all.filter((r) => r.part === part && r.plan === plan);
    const figure = (part: string, plan: string, f: (r: ExtremeRecord) => number): Mean => meanOf(of(part, plan).map(f));
    const pairedIn = (part: string, plan: string, other: string, f: (r: ExtremeRecord) => number): Mean => {
      const own = all.filter((r) => r.part === part);
      return paired(own, plan, other, f);
    };
    const parts = ['contested', 'agreed'] as const;
    const polis = parts.flatMap((part): Finding[] => {
      const worst = pairedIn(part, 'coverage, tau 0.25', 'utility only', (r) => r.worstGroup);
      return [
        {
          holds: above(worst),
          text: `${part === 'contested' ? 'Contested' : 'Agreed'} topics: coverage (tau 0.25) leaves the worst group better off than utility alone: ${showMean(worst)} of agreement, at ${showMean(pairedIn(part, 'coverage, tau 0.25', 'utility only', (r) => r.utility))} of the mean.`,
        },
      ];
    });
    const taus = TAUS.filter((tau) => of('captions', `surprisal, tau ${tau}`).length > 0);
    const better = taus.filter(
      (tau) => pairedIn('captions', `surprisal, tau ${tau}`, 'logging', (r) => r.utility).lower > 0,
    );
    const worse = taus.filter(
      (tau) => pairedIn('captions', `surprisal, tau ${tau}`, 'logging', (r) => r.utility).upper < 0,
    );
    const undecided = taus.filter((tau) => !better.includes(tau) && !worse.includes(tau));
    const alarmed = worse.filter((tau) => {
      const own = of('captions', `surprisal, tau ${tau}`);
      return own.filter(({ alarms }) => alarms.length > 0).length * 2 > own.length;
    });
    const surveyRounds = [...new Set(surveys.map(({ rounds }) => rounds))];
    const most = surveyRounds.at(-1);
    const bySurvey = [...new Set(surveys.map(({ policy }) => policy))].map((policy) => ({
      policy,
      own: surveys.filter((s) => s.policy === policy && s.rounds === most),
    }));
    const surveyOf = (policy: string) => surveys.filter((s) => s.policy === policy);
    const given = (of: readonly SurveyRecord[], which: 'plain' | 'corrected') =>
      of.filter((s) => s[which].lower !== null);
    const holds = (s: SurveyRecord, which: 'plain' | 'corrected'): boolean =>
      s[which].lower! <= s.exact && s.exact <= s[which].upper!;
    const held = (of: readonly SurveyRecord[], which: 'plain' | 'corrected') =>
      given(of, which).filter((s) => holds(s, which)).length;
    const counts = (which: 'plain' | 'corrected') =>
      surveyRounds
        .map((rounds) => {
          const own = surveys.filter((s) => s.rounds === rounds);
          const there = given(own, which).length;
          return `${there} of ${own.length} at ${4 * rounds} answers a question${there === 0 ? '' : `, of which ${held(own, which)} hold`}`;
        })
        .join('; ');
    // policies of one seed share a log
    const allGiven = (['plain', 'corrected'] as const).flatMap((which) =>
      given(surveys, which).map((s) => ({ group: `${s.rounds}, ${s.seed}`, value: holds(s, which) ? 1 : 0 })),
    );
    const findings: Finding[] = [
      ...polis,
      {
        claim: 'pluralism',
        holds: better.length === taus.length ? 'yes' : worse.length > 0 ? 'no' : 'unclear',
        text: `Captions: a policy with surprisal keeps more quality than the logger: at tau ${better.length === 0 ? 'none' : better.join(', ')}${worse.length === 0 ? '' : `; less at ${worse.join(', ')}`}${undecided.length === 0 ? '' : `; not told apart from it at ${undecided.join(', ')}`}.`,
      },
      {
        holds: worse.length === 0 ? 'unclear' : alarmed.length === worse.length ? 'yes' : 'no',
        text: `Captions: an alarm says where surprisal has turned into noise: ${worse.length === 0 ? 'at no tau is quality shown to be below that of the logger' : `in most runs at ${alarmed.length} of the ${worse.length} taus where quality is below that of the logger`}.`,
      },
      ...(surveys.length === 0
        ? []
        : [
            {
              holds:
                meanOf(surveyOf('the majority answer').map((s) => s.exact)).mean <
                meanOf(surveyOf('as people answer').map((s) => s.exact)).mean
                  ? 'yes'
                  : 'no',
              text: `Surveys: the majority's answer has the most agreement (${show(meanOf(surveyOf('the majority answer').map((s) => s.agreement)).mean)} against ${show(meanOf(surveyOf('as people answer').map((s) => s.agreement)).mean)}) and is further from what people answer: distribution diversity ${show(meanOf(surveyOf('the majority answer').map((s) => s.exact)).mean)} against ${show(meanOf(surveyOf('as people answer').map((s) => s.exact)).mean)} nats.`,
            } satisfies Finding,
            {
              holds: allGiven.length === 0 ? 'unclear' : above(shareOfGroups(allGiven), 0.9),
              text: `Surveys: where the tool gives an interval of the distribution diversity at all, it holds the exact value in at least 90 %. As they are, intervals are given for ${counts('plain')}; with --bias-corrected, for ${counts('corrected')}. The others are withheld, because the bias of estimated classes is more than half the standard error, or cannot be told.`,
            } satisfies Finding,
          ]),
    ];
    const first = figure('captions', 'utility only', (r) => r.utility);
    const panel = (title: string, axis: string, f: (r: ExtremeRecord) => number) => ({
      title,
      axis,
      reference: figure('captions', 'logging', f).mean,
      series: ['surprisal', 'anchored'].map((kind) => ({
        name: kind,
        points: taus.map((tau) => {
          const m = figure('captions', `${kind}, tau ${tau}`, f);
          return { x: Math.log10(tau), y: m.mean, ...barOf(m) };
        }),
      })),
    });
    const row = (part: string, plan: string): string[] => [
      plan,
      showMean(figure(part, plan, (r) => r.utility)),
      ...(part === 'captions' ? [] : [showMean(figure(part, plan, (r) => r.worstGroup))]),
      showMean(figure(part, plan, (r) => r.entropy)),
      showMean(figure(part, plan, (r) => r.lowHalf)),
      percent(of(part, plan).filter(({ alarms }) => alarms.length > 0).length / Math.max(1, of(part, plan).length)),
    ];
    const plansOf = (part: string): string[] => [
      ...new Set(all.filter((r) => r.part === part).map(({ plan }) => plan)),
    ];
    return {
      sentence: `With ${200} captions to choose from, surprisal keeps quality above the logger's (${show(figure('captions', 'logging', (r) => r.utility).mean)}; utility alone ${show(first.mean)}) ${better.length === 0 ? 'at no tau tried' : `up to tau ${better.at(-1)!}`}${worse.length === 0 ? '' : `, and less from tau ${worse[0]}, which alarms ${alarmed.length === worse.length ? 'tell' : 'mostly do not tell'}`}${undecided.length === 0 ? '' : ` (not told apart from it at ${undecided.join(', ')})`}; on contested topics coverage changes the worst group's agreement by ${showMean(pairedIn('contested', 'coverage, tau 0.25', 'utility only', (r) => r.worstGroup))}.`,
      findings,
      figures: [
        {
          suffix: '',
          svg: seriesPanels({
            title: 'Captions: hundreds of good answers',
            xAxis: 'tau',
            xPowers: true,
            referenceLabel: 'logging policy',
            panels: [
              panel('Quality, judged by the other half of the votes', 'share better than "unfunny"', (r) => r.utility),
              panel('Probability on the less liked half', 'share', (r) => r.lowHalf),
            ],
          }),
          caption: 'Means over seeds with 95 % intervals; dashed: the logging policy.',
        },
        ...(surveys.length === 0
          ? []
          : [
              {
                suffix: 'survey',
                svg: intervalFigure({
                  title: 'Distance from what people answer: estimate less exact value',
                  axis: 'distribution diversity, estimate less exact (nats)',
                  reference: { label: 'exact', value: 0 },
                  level: 0.95,
                  rows: bySurvey.flatMap(({ policy, own }) =>
                    own.map((s) => ({
                      target: policy,
                      estimator: `seed ${s.seed}`,
                      ...lessExact(s),
                      refused: s.verdict === 'refused',
                    })),
                  ),
                }),
                caption: `Bias-corrected estimates from ${4 * most!} answers a question, less the exact value, with 95 % intervals where the tool gives one.`,
              },
            ]),
      ],
      sections: [
        ...parts.map((part) => ({
          title: part === 'contested' ? 'Contested topics' : 'Agreed topics',
          body: `The four Polis conversations whose groups are ${part === 'contested' ? 'furthest apart' : 'nearest'} (mean over statements of the largest difference of agreement).\n\n${markdownTable(
            ['policy', 'agreement', 'worst group', 'entropy of opinions', 'less liked half', 'runs with an alarm'],
            plansOf(part).map((plan) => row(part, plan)),
          )}`,
        })),
        {
          title: 'Captions',
          body: `200 captions of each of six contests; half of the votes make the log, the other half judges.\n\n${markdownTable(
            ['policy', 'quality', 'entropy of captions', 'less liked half', 'runs with an alarm'],
            plansOf('captions').map((plan) => row('captions', plan)),
          )}`,
        },
        {
          title: 'Surveys (GlobalOpinionQA)',
          body: `The mean over countries of the answers to each question is what a policy should match; the log shows answers uniformly; the table is of ${4 * (most ?? 0)} answers a question. The form \`distribution\` can be estimated but not trained.\n\n${markdownTable(
            [
              'policy',
              'agreement',
              'distribution diversity, exact',
              'estimate (first seed)',
              'told bias',
              'corrected',
              'verdict',
            ],
            bySurvey.map(({ policy, own }) => [
              policy,
              show(own[0]!.agreement),
              show(own[0]!.exact),
              showEstimate(own[0]!.plain),
              show(own[0]!.bias),
              showEstimate(own[0]!.corrected),
              own[0]!.verdict,
            ]),
          )}`,
        },
      ],
    };
  },
};

import { intervalFigure } from '../report/index.js';
import { parseCsvRows } from './csv-rows.js';
import { markdownTable } from './render-page.js';
import { captionReplay, obdPairs, obdReplay, type ReplayRecord } from './replay-records.js';
import type { Cell, Finding, Study } from './study.js';
import { above, meanOf, percent, shareOf, show, showMean } from './summary.js';

const CAPTIONS = 'caption-contest/captions-two-policies.csv.gz';
const captionColumns = [
  'contest',
  ...['adaptive', 'uniform'].flatMap((arm) => ['unfunny', 'somewhat_funny', 'funny'].map((level) => `${arm}_${level}`)),
];

export const replay: Study = {
  name: 'replay',
  question:
    'Two policies ran side by side on the same people. Does the log of one, reweighted, give what the other earned, and does the tool refuse where it cannot?',
  needs: ['caption-contest', 'obd'],
  version: 1,
  async cells(options) {
    const contests = options.size === 'quick' ? ['512'] : Array.from({ length: 10 }, (_, i) => String(510 + i));
    const pairs = options.size === 'quick' ? [['men', 'random', 'bts']] : obdPairs;
    let captions: Promise<readonly Readonly<Record<string, string>>[]> | undefined;
    const rowsOf = (): typeof captions & object =>
      (captions ??= options.read(CAPTIONS).then((text) => parseCsvRows(text, CAPTIONS, captionColumns)));
    return [
      ...contests.map(
        (contest): Cell<ReplayRecord> => ({
          key: `contest ${contest}`,
          run: async () =>
            captionReplay(
              contest,
              (await rowsOf()).filter((row) => row['contest'] === contest),
              options,
            ),
        }),
      ),
      ...pairs.map(
        ([campaign, from, to]): Cell<ReplayRecord> => ({
          key: `obd ${campaign} ${from} to ${to}`,
          run: () => obdReplay(campaign!, from!, to!, options),
        }),
      ),
    ];
  },
  page(records) {
    const all = records as readonly ReplayRecord[];
    const captions = all.filter(({ set }) => set === 'captions');
    const obd = all.filter(({ set }) => set === 'obd');
    const covered = (r: ReplayRecord): boolean => Math.abs(zOf(r)) <= 1.959964;
    const errors = captions.map((r) => Math.abs(r.estimate! - r.truth));
    const plain = captions.map((r) => Math.abs(r.logged - r.truth));
    const saved = meanOf(captions.map((_, i) => plain[i]! - errors[i]!));
    const signed = meanOf(captions.map((r) => r.estimate! - r.truth));
    const hit = shareOf(captions.filter(covered).length, captions.length);
    const refused = obd.filter(({ verdict }) => verdict === 'refused');
    const kept = obd.filter(({ verdict }) => verdict !== 'refused');
    const missed = kept.filter((r) => !covered(r));
    const overlooked = captions.filter((r) => !covered(r) && r.verdict === 'supported');
    const findings: Finding[] = [
      {
        holds: above(saved),
        text: `Captions: reweighting brings the adaptive arm nearer to the uniform arm than its plain mean is: the error falls by ${showMean(saved)} (share of votes that are "funny"; paired over ${saved.n} contests).`,
      },
      {
        claim: 'prediction',
        holds: above(hit, 0.95),
        text: `Captions: the 95 % interval of the difference holds 0 in ${captions.filter(covered).length} of ${captions.length} contests (${percent(hit.lower)} to ${percent(hit.upper)}).`,
      },
      {
        holds: signed.lower > 0 || signed.upper < 0 ? 'no' : 'unclear',
        text: `Captions: the estimate is unbiased; its error is ${showMean(signed)}. A bandit stops showing what was unlucky early, so plain propensities of an adaptive log push down what it dropped.`,
      },
      {
        holds: overlooked.length === 0 ? 'yes' : 'no',
        text: `Captions: the verdict warns where an interval misses. ${overlooked.length} of the ${captions.length - captions.filter(covered).length} that miss are called "supported": weights and sample sizes look sound, and nothing in the log says that its propensities changed with the outcomes.`,
      },
      ...obd.map(
        (r): Finding => ({
          // a refusal of what would have been right is no proof of anything
          holds: r.verdict === 'refused' ? (covered(r) ? 'unclear' : 'yes') : covered(r) ? 'yes' : 'no',
          text: `Open Bandit ${r.name}: ${r.verdict === 'refused' ? `refused (effective sample size ${show(r.effectiveSampleSize)} of ${r.rounds}, the largest weight alone ${percent(r.maxWeightShare)} of all); the estimate would have been ${show(r.estimate ?? Number.NaN)} [${show(r.lower ?? Number.NaN)}, ${show(r.upper ?? Number.NaN)}] beside ${show(r.truth)}` : `${r.verdict}; ${show(r.estimate!)} [${show(r.lower!)}, ${show(r.upper!)}] beside ${show(r.truth)}`}.`,
        }),
      ),
    ];
    const sentence = `Over ${captions.length} caption contests reweighting ${saved.lower > 0 ? 'cuts' : saved.upper < 0 ? 'raises' : 'changes'} the error from ${show(meanOf(plain).mean)} to ${show(meanOf(errors).mean)} (share of funny votes) and the intervals cover ${captions.filter(covered).length} times; of ${obd.length} Open Bandit replays ${refused.length} ${refused.length === 1 ? 'is' : 'are'} refused and ${missed.length === 0 ? 'none of the others misses' : `${missed.length} of the others ${missed.length === 1 ? 'misses' : 'miss'}`} the on-policy value.`;
    const table = (rows: readonly ReplayRecord[]): string =>
      markdownTable(
        [
          'replay',
          'rounds',
          'mean of the log',
          'reweighted',
          'interval',
          'the policy itself',
          'difference / error',
          'verdict',
        ],
        rows.map((r) => [
          r.name,
          String(r.rounds),
          show(r.logged, 4),
          r.estimate === null ? '' : show(r.estimate, 4),
          r.lower === null ? '' : `[${show(r.lower, 4)}, ${show(r.upper!, 4)}]`,
          `${show(r.truth, 4)} ± ${show(1.96 * r.truthError, 2)}`,
          r.estimate === null ? '' : zOf(r).toFixed(1),
          r.verdict,
        ]),
      );
    const figureOf = (rows: readonly ReplayRecord[], title: string, axis: string): string =>
      intervalFigure({
        title,
        axis,
        level: 0.95,
        truthLabel: 'mean of the policy itself',
        rows: rows.flatMap((r) => [
          {
            target: r.name,
            estimator: 'reweighted',
            estimate: r.estimate,
            lower: r.lower,
            upper: r.upper,
            truth: r.truth,
            refused: r.verdict === 'refused',
          },
          { target: r.name, estimator: 'mean of the log', estimate: r.logged, lower: null, upper: null },
        ]),
      });
    return {
      sentence,
      findings,
      figures: [
        ...(captions.length > 0
          ? [
              {
                suffix: '',
                svg: figureOf(captions, 'The adaptive arm, reweighted to uniform', 'share of votes that are "funny"'),
                caption:
                  'Each contest: the adaptive arm reweighted to uniform with its 95 % interval, its plain mean, and (diamond) the mean of the uniform arm.',
              },
            ]
          : []),
        ...(obd.length > 0
          ? [
              {
                suffix: 'obd',
                svg: figureOf(obd, 'Open Bandit: one policy from the log of the other', 'clicks a round'),
                caption:
                  'Each replay with its 95 % interval; grey where it is refused. Diamond: the click rate of the policy itself when it ran.',
              },
            ]
          : []),
      ],
      sections: [
        {
          title: 'Caption contests 510 to 519',
          body: `A vote is a round; the reward is 1 for "funny". The propensity of a caption is its share of the adaptive arm's votes, since a round's own was not recorded: IPS and SNIPS then agree. "difference / error" is the difference from the policy itself over the standard error of both.\n\n${table(captions)}`,
        },
        {
          title: 'Open Bandit',
          body: `10,000 logged impressions a campaign and policy, propensities recorded. The table of Thompson sampling (bts) was simulated by its authors' code and does not follow its drift over time.\n\n${table(obd)}`,
        },
      ],
    };
  },
};

/** Difference from the policy itself in standard errors of both. */
function zOf({ estimate, lower, upper, truth, truthError }: ReplayRecord): number {
  const own = (upper! - lower!) / 2 / 1.959964;
  return (estimate! - truth) / Math.hypot(own, truthError);
}

import { type SeriesPanel, seriesPanels } from '../report/index.js';
import { type Design, type EstimatorsRecord, estimatorsCell } from './estimators-cells.js';
import { markdownTable } from './render-page.js';
import type { Cell, Finding, Study } from './study.js';
import { above, barOf, type Mean, meanOf, percent, shareOf, show, showMean } from './summary.js';

const SLATES = [1, 2, 3, 4];
const DIVERGENCES = [0.25, 0.5, 1, 2];
const CORRELATIONS = [-0.8, 0, 0.8];
const together = { dodge: true, referenceLabel: 'what a 95 % interval promises' } as const;
/** Drawn in the figures; the table has all. */
const DRAWN = ['ips', 'snips', 'clipped_ips', 'dr', 'dm', 'joint_ips'];

export const estimators: Study = {
  name: 'estimators',
  question:
    'On problems whose truth is known, how wrong is each estimator and how often does its interval hold the value, as slates grow, the target strays, and rewards go with or against the way it strays?',
  needs: [],
  version: 1,
  async cells({ size, seed }) {
    const designs: Design[] = SLATES.flatMap((slate) =>
      DIVERGENCES.flatMap((divergence) => CORRELATIONS.map((correlation) => ({ slate, divergence, correlation }))),
    );
    const some =
      size === 'quick' ? designs.filter(({ slate, divergence }) => slate <= 2 && divergence <= 0.5) : designs;
    return some.map(
      (design, i): Cell<EstimatorsRecord> => ({
        key: `slate ${design.slate}, divergence ${design.divergence}, correlation ${design.correlation}`,
        run: () => estimatorsCell(design, size === 'quick' ? 8 : 200, seed * 1000 + i),
      }),
    );
  },
  page(records) {
    const all = records as readonly EstimatorsRecord[];
    const names = [...new Set(all.flatMap(({ estimators }) => Object.keys(estimators)))];
    const coverageOf = (name: string, some = all): Mean => {
      const own = some.flatMap((r) => (r.estimators[name] === undefined ? [] : [r.estimators[name]]));
      return shareOf(
        own.reduce((sum, e) => sum + e.covered, 0),
        own.reduce((sum, e) => sum + e.intervals, 0),
      );
    };
    const slates = [...new Set(all.map(({ slate }) => slate))];
    const divergences = [...new Set(all.map(({ divergence }) => divergence))];
    const ratioAt = (slate: number): Mean =>
      meanOf(all.filter((r) => r.slate === slate).map((r) => Math.log10(r.jointOverDecomposed)));
    const last = slates.at(-1)!;
    const grown = ratioAt(last);
    const worst = all.flatMap((r) => r.bounds.filter(({ variance, bound }) => bound > variance * (1 + 1e-9)));
    const pairs = all.flatMap(({ bounds }) => bounds);
    const near = all.filter(({ divergence }) => divergence <= 0.5);
    const far = all.filter(({ divergence }) => divergence >= 2);
    const judged = (name: string, some: readonly EstimatorsRecord[], label: string): Finding[] => {
      if (some.length === 0 || !some.some((r) => r.estimators[name] !== undefined)) return [];
      const share = coverageOf(name, some);
      return [
        {
          holds: share.lower >= 0.93 ? 'yes' : share.upper < 0.93 ? 'no' : 'unclear',
          text: `The 95 % interval of ${name} holds the value in at least 93 % of logs ${label}: ${percent(share.mean, 1)} (${percent(share.lower, 1)} to ${percent(share.upper, 1)}).`,
        },
      ];
    };
    const biasOf = (name: string): Finding[] => {
      const own = all.flatMap((r) =>
        r.estimators[name] === undefined ? [] : [r.estimators[name].bias / r.estimators[name].biasError],
      );
      const outside = own.filter((z) => Math.abs(z) > 3).length;
      return own.length === 0
        ? []
        : [
            {
              holds: outside <= Math.max(1, 0.01 * own.length) ? 'yes' : 'no',
              text: `${name} shows no bias beyond three of its simulation errors but for ${outside} of ${own.length} designs (0.3 % of them do so by chance).`,
            },
          ];
    };
    const findings: Finding[] = [
      {
        claim: 'bound',
        holds: worst.length === 0 ? 'yes' : 'no',
        text: `The bound of T4 is never above the exact variance: ${worst.length} of ${pairs.length} problems break it.`,
      },
      {
        claim: 'decomposition',
        holds: above(grown),
        text: `Decomposed weights have less variance than joint ones where slates are long: at ${last} responses the joint variance is ${show(10 ** grown.mean)} times as large (${grown.n === 1 ? '' : `${show(10 ** grown.lower)} to ${show(10 ** grown.upper)}, `}over ${grown.n} ${grown.n === 1 ? 'design' : 'designs'}; exact).`,
      },
      ...biasOf('ips'),
      ...biasOf('dr'),
      ...judged('ips', near, 'of near targets (logits astray by at most 0.5)'),
      ...judged('ips', far, 'of far targets (astray by 2)'),
      ...judged('dr', near, 'of near targets'),
      ...judged('dr', far, 'of far targets'),
      ...judged('dm', all, '(it takes its reward model for true)'),
    ];
    const sentence = `On ${all.length} designs decomposed weights beat joint ones by ${show(10 ** grown.mean)} in variance at ${last} responses a slate and T4 ${worst.length === 0 ? 'always holds' : 'fails'}; intervals of ips hold the value in ${percent(coverageOf('ips', near).mean, 1)} of near logs${far.length === 0 ? '' : ` and ${percent(coverageOf('ips', far).mean, 1)} of far ones`}.`;
    const by = (
      x: (r: EstimatorsRecord) => number,
      xs: readonly number[],
      y: (r: EstimatorsRecord, name: string) => number | undefined,
    ) =>
      DRAWN.filter((name) => names.includes(name)).map((name) => ({
        name,
        points: xs.map((at) => {
          const m = meanOf(all.filter((r) => x(r) === at).flatMap((r) => y(r, name) ?? []));
          return { x: at, y: m.mean, ...barOf(m) };
        }),
      }));
    const coverageShare = (r: EstimatorsRecord, name: string) => {
      const own = r.estimators[name];
      return own === undefined || own.intervals === 0 ? undefined : own.covered / own.intervals;
    };
    const pair = (label: string, x: (r: EstimatorsRecord) => number, xs: readonly number[]): SeriesPanel[] => [
      {
        title: `Root mean squared error by ${label}`,
        axis: 'reward',
        series: by(x, xs, (r, name) => r.estimators[name]?.rmse),
      },
      {
        title: `Interval holds the value, by ${label}`,
        axis: 'share of logs',
        reference: 0.95,
        series: by(x, xs, coverageShare).filter(({ name }) => name !== 'dm'),
      },
    ];
    const panels = pair('slate', (r) => r.slate, slates);
    const divergencePanels = pair('divergence', (r) => r.divergence, divergences);
    const correlationPanels = pair('correlation', (r) => r.correlation, [...new Set(all.map((r) => r.correlation))]);
    const geometric = (values: readonly number[]): number =>
      Math.exp(values.reduce((sum, v) => sum + Math.log(v), 0) / values.length);
    const boundPanel: SeriesPanel = {
      title: 'Variance of one weighted reward (T4)',
      axis: 'reward squared',
      log: true,
      series: [
        { name: 'variance, exact', pick: (b: { variance: number; bound: number }) => b.variance },
        { name: 'lower bound of T4', pick: (b: { variance: number; bound: number }) => b.bound },
      ].map(({ name, pick }) => ({
        name,
        points: divergences.map((at) => ({
          x: at,
          y: geometric(
            all
              .filter((r) => r.divergence === at)
              .flatMap((r) => r.bounds.map(pick))
              .filter((v) => v > 0),
          ),
        })),
      })),
    };
    return {
      sentence,
      findings,
      figures: [
        {
          suffix: 'slate',
          svg: seriesPanels({ title: 'As slates grow', xAxis: 'responses a slate', panels, ...together }),
          caption:
            'Means over the designs with their 95 % intervals, side by side where they agree. dm, which takes its reward model for true, holds the value too rarely to be drawn on the right: see the table.',
        },
        {
          suffix: 'divergence',
          svg: seriesPanels({
            title: 'As the target strays',
            xAxis: 'standard deviation of the change of logits',
            panels: divergencePanels,
            ...together,
          }),
          caption:
            'Means over the designs with their 95 % intervals, side by side where they agree; dm on the left only.',
        },
        {
          suffix: 'correlation',
          svg: seriesPanels({
            title: 'As rewards go with the way in which the target strays',
            xAxis: 'correlation of rewards and direction',
            panels: correlationPanels,
            ...together,
          }),
          caption:
            'Means over the designs with their 95 % intervals, side by side where they agree; dm on the left only.',
        },
        {
          suffix: 'bound',
          svg: seriesPanels({
            title: 'The variance and its lower bound',
            xAxis: 'standard deviation of the change of logits',
            panels: [boundPanel],
          }),
          caption: 'Exact, by enumeration; geometric means over the problems.',
        },
      ],
      sections: [
        {
          title: 'Every estimator',
          body: `${all[0]!.repetitions} problems a design (${all.length} designs: slates of ${slates.join(', ')}, divergence ${divergences.join(', ')}, correlation ${CORRELATIONS.join(', ')}), each with a log of ${all[0]!.rounds} rounds: three contexts, six responses, votes of 0 or 1. Intervals of Student's t at 95 %; the reward model knows about two thirds of the truth. Mean of the absolute bias over designs, of the error, and of the share of intervals that hold the value.\n\n${markdownTable(
            ['estimator', 'absolute bias', 'root mean squared error', 'interval holds the value', 'near', 'far'],
            names.map((name) => {
              const own = all.flatMap((r) => (r.estimators[name] === undefined ? [] : [r.estimators[name]]));
              const cover = (some: readonly EstimatorsRecord[]): string =>
                some.some((r) => (r.estimators[name]?.intervals ?? 0) > 0)
                  ? percent(coverageOf(name, some).mean, 1)
                  : '';
              return [
                name,
                show(meanOf(own.map((e) => Math.abs(e.bias))).mean),
                show(meanOf(own.map((e) => e.rmse)).mean),
                cover(all),
                cover(near),
                cover(far),
              ];
            }),
          )}`,
        },
        {
          title: 'Joint over decomposed variance',
          body: `Exact variance of one round, slates with equal weights. Geometric means over designs.\n\n${markdownTable(
            ['responses', 'joint / decomposed'],
            slates.map((slate) => [
              String(slate),
              showMean({
                mean: 10 ** ratioAt(slate).mean,
                lower: 10 ** ratioAt(slate).lower,
                upper: 10 ** ratioAt(slate).upper,
                n: ratioAt(slate).n,
              }),
            ]),
          )}`,
        },
        {
          title: 'Refusals',
          body: markdownTable(
            ['divergence', 'KL(target, logger), nats', 'logs refused'],
            divergences.map((at) => {
              const own = all.filter((r) => r.divergence === at);
              return [
                String(at),
                show(meanOf(own.map(({ kl }) => kl)).mean),
                percent(own.reduce((s, r) => s + r.refused, 0) / own.reduce((s, r) => s + r.repetitions, 0), 1),
              ];
            }),
          ),
        },
      ],
    };
  },
};

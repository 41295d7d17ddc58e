import { intervalFigure } from '../report/index.js';
import { ARENA_TARGETS, type ArenaRecord, arenaCell } from './arena-cells.js';
import { type PropensityRecord, propensityCell } from './propensity-cells.js';
import { mistakes } from './propensity-mistakes.js';
import { markdownTable } from './render-page.js';
import type { Cell, Finding, Json, Study } from './study.js';
import { below, percent, shareOf, show } from './summary.js';

const isArena = (record: Json): record is ArenaRecord =>
  typeof record === 'object' && record !== null && 'target' in record;

export const propensity: Study = {
  name: 'propensity',
  question:
    'What happens when the recorded propensities are wrong: does the estimate stay right, do the bands of T2 and T13 hold the value, and do verdict and tipping point warn?',
  needs: ['arena-llm-log'],
  version: 3,
  async cells(options) {
    const repetitions = options.size === 'quick' ? 10 : 10_000;
    return [
      ...mistakes.map(
        (mistake, i): Cell<Json> => ({
          key: mistake.name,
          run: () => propensityCell(mistake, repetitions, options.seed * 100 + i),
        }),
      ),
      ...ARENA_TARGETS.map((target): Cell<Json> => ({ key: `arena ${target}`, run: () => arenaCell(target, options) })),
    ];
  },
  page(records) {
    const arena = records.filter(isArena);
    const all = records.filter((r): r is PropensityRecord => !isArena(r));
    const biased = (r: PropensityRecord): boolean => Math.abs(r.bias) > 3 * r.biasError;
    const wrong = all.filter((r) => shareOf(r.covered, r.repetitions).upper < 0.93);
    const warned = (r: PropensityRecord): boolean => (r.weak + r.refused) / r.repetitions >= 0.5;
    const silent = wrong.filter((r) => !warned(r));
    // too few logs to tell whether their intervals miss
    const undecided = all.filter((r) => {
      const { lower, upper } = shareOf(r.covered, r.repetitions);
      return r.mistake !== 'none' && lower < 0.93 && upper >= 0.93 && !warned(r);
    });
    const bands = all.filter(({ bands }) => bands > 0);
    const banded = { hit: bands.reduce((s, r) => s + r.bandCovered, 0), of: bands.reduce((s, r) => s + r.bands, 0) };
    const bandShare = shareOf(banded.hit, Math.max(1, banded.of));
    const plainShare = shareOf(
      bands.reduce((s, r) => s + r.ipsBandCovered, 0),
      Math.max(1, banded.of),
    );
    const of = (name: string): PropensityRecord | undefined => all.find(({ mistake }) => mistake === name);
    const [inSample, crossed] = [of('counted, in sample'), of('counted, cross-fitted')];
    const lost = Math.abs(crossed?.bias ?? 0) - Math.abs(inSample?.bias ?? 0);
    const reach = 2 * Math.hypot(crossed?.biasError ?? 0, inSample?.biasError ?? 0);
    const findings: Finding[] = [
      {
        holds: bandShare.lower >= 0.93 ? 'yes' : bandShare.upper < 0.93 ? 'no' : 'unclear',
        text: `Where the largest error is within the tabled eta, the T13 band (widened by the interval's reach) holds the value: ${percent(bandShare.mean, 1)} of ${banded.of} logs.`,
      },
      {
        holds: plainShare.lower >= 0.93 ? 'yes' : plainShare.upper < 0.93 ? 'no' : 'unclear',
        text: `The same of the T2 band, about ips: ${percent(plainShare.mean, 1)} of ${banded.of} logs.`,
      },
      {
        claim: 'propensities',
        holds: silent.length > 0 ? 'no' : undecided.length > 0 ? 'unclear' : 'yes',
        text: `The verdict warns where intervals miss: ${wrong.length === 0 ? 'no mistake is shown to push coverage below 93 %' : silent.length === 0 ? 'all that push coverage below 93 % are called weak or refused in most logs' : `it stays "supported" in most logs under ${silent.map(({ mistake }) => `"${mistake}"`).join(', ')}, although coverage falls to ${silent.map((r) => percent(r.covered / r.repetitions)).join(', ')}`}${undecided.length === 0 ? '' : `; of ${undecided.length} more it is not told whether they do`}.`,
      },
      ...all
        .filter((r) => {
          // the ratio of two such errors is known to one part in the root of the number of logs
          const ratio = r.rmse / (of('none')?.rmse ?? Number.POSITIVE_INFINITY);
          return r.mistake !== 'none' && ratio * (1 - 2 / Math.sqrt(r.repetitions)) > 1.2;
        })
        .map(
          (r): Finding => ({
            holds: 'no',
            text: `"${r.mistake}" costs nothing: its error is ${show(r.rmse / of('none')!.rmse, 2)} times that with the right propensities, coverage ${percent(r.covered / r.repetitions)}, weak or refused in ${percent((r.weak + r.refused) / r.repetitions)} of logs.`,
          }),
        ),
      ...all.filter(biased).map(
        (r): Finding => ({
          holds: 'no',
          text: `Under "${r.mistake}" the estimate is unbiased: its bias is ${show(r.bias)} (simulation error ${show(r.biasError, 2)}), coverage ${percent(r.covered / r.repetitions)}.`,
        }),
      ),
      ...(inSample !== undefined && crossed !== undefined
        ? [
            {
              holds: below({ mean: lost, lower: lost - reach, upper: lost + reach, n: 2 }, crossed.rmse / 10),
              text: `Cross-fitting adds less bias than a tenth of the error: bias ${show(crossed.bias)} against ${show(inSample.bias)} in sample, error ${show(crossed.rmse)} against ${show(inSample.rmse)}.`,
            } satisfies Finding,
          ]
        : []),
      ...arena.map((r): Finding => {
        const miss =
          r.lower === null ||
          r.upper === null ||
          r.truth + 1.96 * r.truthError < r.lower ||
          r.truth - 1.96 * r.truthError > r.upper;
        return {
          // a refusal of what would have been right is no proof of anything
          holds: r.verdict === 'refused' ? (miss ? 'yes' : 'unclear') : miss ? 'no' : 'yes',
          text: `Arena, ${r.target}: ${r.same} of ${r.rounds} weights are exactly 1, the largest is ${show(Math.exp(r.largest))} times off; mean weight ${show(r.meanWeight ?? Number.NaN)}, effective sample size ${show(r.effectiveSampleSize)}. Estimate ${show(r.estimate ?? Number.NaN, 4)} [${show(r.lower ?? Number.NaN, 4)}, ${show(r.upper ?? Number.NaN, 4)}], fresh answers ${show(r.truth, 4)}: ${r.verdict}${r.verdict === 'refused' ? (miss ? ', rightly' : ', although it would have been right') : miss ? ', and wrong' : ', and right'}.`,
        };
      }),
    ];
    const sentence = `Of ${all.length - 1} ways to record propensities wrongly ${wrong.length} ${wrong.length === 1 ? 'pushes' : 'push'} the coverage of 95 % intervals below 93 %${wrong.length === 0 ? '' : `, and the verdict sees ${wrong.length - silent.length} of them`}${undecided.length === 0 ? '' : ` (of ${undecided.length} more it is not told)`}; the T13 band holds the value in ${percent(bandShare.mean, 1)} of the logs whose errors lie within it.`;
    return {
      sentence,
      findings,
      figures: [
        {
          suffix: '',
          svg: intervalFigure({
            title: 'Bias by how propensities were recorded',
            axis: 'bias of the self-normalised estimate (reward)',
            level: 0.997,
            oneColor: true,
            reference: { label: 'no bias', value: 0 },
            rows: all.map((r) => ({
              target: r.mistake,
              estimator: `coverage ${percent(r.covered / r.repetitions)}, error ${show(r.rmse, 2)}`,
              estimate: r.bias,
              lower: r.bias - 3 * r.biasError,
              upper: r.bias + 3 * r.biasError,
            })),
          }),
          caption:
            'Mean error over logs with three simulation errors on both sides; beside each the share of 95 % intervals that hold the value, and the root mean squared error.',
        },
        ...(arena.length === 0
          ? []
          : [
              {
                suffix: 'arena',
                svg: intervalFigure({
                  title: 'A real log: three targets of one language model',
                  axis: 'mean judge score (0 to 1)',
                  level: 0.95,
                  truthLabel: 'mean of fresh answers',
                  rows: arena.map((r) => ({
                    target: r.target,
                    estimator: r.verdict === 'supported' ? 'snips' : `snips, ${r.verdict}`,
                    estimate: r.estimate,
                    lower: r.lower,
                    upper: r.upper,
                    truth: r.truth,
                    refused: r.verdict === 'refused',
                  })),
                }),
                caption:
                  "Self-normalised estimates with 95 % intervals; grey where refused. Diamond: the mean of the target's own fresh answers.",
              },
            ]),
      ],
      sections: [
        {
          title: 'Wrong on purpose',
          body: `${all[0]!.repetitions} logs each of 600 rounds of generated problems (three contexts, six responses, logits astray by 0.5). Errors in nats a response: the mean, and the largest of a log. Every log has a problem of its own, over which biases of either sign cancel; the root mean squared error ("error") does not. "overlooked": intervals that miss under the verdict "supported". Tipping point: the median eta at which the finding "better than the logger" would fall, where there is one.\n\n${markdownTable(
            [
              'recorded',
              'mean error',
              'largest',
              'bias',
              'error',
              'coverage',
              'T13 band holds',
              'T2 band holds',
              'its width',
              'weak',
              'refused',
              'overlooked',
              'tipping point',
            ],
            all.map((r) => [
              r.mistake,
              show(r.meanError),
              show(r.largestError),
              show(r.bias),
              show(r.rmse),
              percent(r.covered / r.repetitions, 1),
              r.bands === 0 ? 'beyond eta 0.5' : `${r.bandCovered} of ${r.bands}`,
              r.bands === 0 ? '' : String(r.ipsBandCovered),
              r.bands === 0 ? '' : show(r.bandWidth),
              percent(r.weak / r.repetitions),
              percent(r.refused / r.repetitions),
              String(r.overlooked),
              r.tippingPoint === null ? '' : show(r.tippingPoint),
            ]),
          )}\n\n${mistakes.map(({ name, law }) => `- **${name}**: ${law}.`).join('\n')}`,
        },
        {
          title: 'The same model scored twice',
          body: `The arena log of a language model behind a service: "clone" is the logging policy itself with another seed, so that every weight should be 1. Scores are of a model judge.\n\n${markdownTable(
            [
              'target',
              'weights of exactly 1',
              'mean weight',
              'effective sample size',
              'estimate',
              'interval',
              'fresh answers',
              'verdict',
              'tipping point',
            ],
            arena.map((r) => [
              r.target,
              `${r.same} of ${r.rounds}`,
              show(r.meanWeight ?? Number.NaN),
              show(r.effectiveSampleSize),
              show(r.estimate ?? Number.NaN, 4),
              r.lower === null ? '' : `[${show(r.lower, 4)}, ${show(r.upper!, 4)}]`,
              `${show(r.truth, 4)} ± ${show(1.96 * r.truthError, 2)}`,
              r.verdict,
              r.tippingPoint === null ? '' : show(r.tippingPoint),
            ]),
          )}`,
        },
      ],
    };
  },
};

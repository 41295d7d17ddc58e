// How often intervals of coverage and distribution hold the exact value where class probabilities are estimated, by seeded
// simulation: the table of docs/decisions/0015-intervals-of-estimated-classes.md.
//   node bench/estimated-classes.mjs           (some minutes, to standard output)
//   node bench/estimated-classes.mjs --quick   a tenth of the logs
import { fromSource } from './from-source.mjs';

const LOGS = process.argv.includes('--quick') ? 20 : 200;
const even = { prompts: 20, classes: 3, each: 60 };
/** `skew`: spread of the classes' logits; `alike`: rounds of a cluster, or responses of a slate, that say the same. */
const settings = [
  { name: '20 prompts of 20', ...even, each: 20 },
  { name: '20 prompts of 60', ...even },
  { name: '200 prompts of 12', ...even, prompts: 200, each: 12 },
  { name: '200 prompts of 24', ...even, prompts: 200, each: 24 },
  { name: '20 of 60, six classes', ...even, classes: 6 },
  { name: '60 of 60, six skewed classes', ...even, prompts: 60, classes: 6, skew: 1.2 },
  { name: '60 of 200, six skewed classes', ...even, prompts: 60, classes: 6, each: 200, skew: 1.2 },
  { name: '20 of 100 in clusters of 4 alike', ...even, each: 100, clusters: 4 },
  { name: '20 of 100 in clusters of 10 alike', ...even, each: 100, clusters: 10 },
  { name: '20 of 60, slates of 3 alike', ...even, slate: 3 },
  { name: '20 of 100, 60 % without feedback', ...even, each: 100, missing: 0.6 },
];

async function main({ evaluate, logFromRecords, categorical, normal, seededRandom, uniform }) {
  const softmax = (z) => {
    const e = z.map(Math.exp);
    const total = e.reduce((s, v) => s + v, 0);
    return e.map((v) => v / total);
  };
  const entropy = (p) => -p.reduce((s, v) => s + (v > 0 ? v * Math.log(v) : 0), 0);
  const exactOf = {
    coverage: ({ target }) => entropy(target),
    distribution: ({ target, wanted }) =>
      (entropy(target) + entropy(wanted)) / 2 - entropy(target.map((v, c) => (v + wanted[c]) / 2)),
  };
  console.log('| log | form | estimate less exact | standard error | given as it is | of which hold | corrected: estimate less exact | given | of which hold |');
  console.log('| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |');
  for (const [place, s] of settings.entries()) {
    const random = seededRandom(place + 1);
    const names = Array.from({ length: s.classes }, (_, c) => `c${c}`);
    const worlds = Array.from({ length: s.prompts }, () => {
      const z = names.map(() => (s.skew ?? 0.5) * normal(random));
      return {
        logging: softmax(z),
        target: softmax(z.map((v) => v + 0.5 * normal(random))),
        wanted: softmax(names.map(() => 0.7 * normal(random))),
      };
    });
    const recordsOf = () => worlds.flatMap(({ logging, target, wanted }, x) => {
      let said = 0;
      return Array.from({ length: s.each }, (_, i) => {
        if (s.clusters === undefined || i % s.clusters === 0) said = categorical(random, logging);
        const feedback = s.missing === undefined || uniform(random) >= s.missing ? { up: 1 } : {};
        const response = {
          text: names[said],
          opinion: names[said],
          propensity: logging[said],
          target_log_prob: { new: Math.log(target[said]) },
          feedback,
        };
        return {
          prompt: `x${x}`,
          ...(s.clusters && { cluster: `${x}-${Math.floor(i / s.clusters)}` }),
          opinion_distribution: Object.fromEntries(names.map((name, c) => [name, wanted[c]])),
          responses: Array.from({ length: s.slate ?? 1 }, () => response),
        };
      });
    });
    const all = { coverage: [], distribution: [] };
    for (let k = 0; k < LOGS; k++) {
      const log = logFromRecords(recordsOf());
      for (const diversity of Object.keys(all)) {
        const [plain, corrected] = [false, true].map((biasCorrected) =>
          evaluate(log, {
            signals: [{ name: 'up', transform: 'identity', weight: 1 }],
            diversity,
            estimators: ['snips'],
            biasCorrected,
          }).targets.new.diversity.snips);
        all[diversity].push({ plain, corrected });
      }
    }
    for (const [diversity, logs] of Object.entries(all)) {
      const exact = worlds.reduce((sum, world) => sum + exactOf[diversity](world), 0) / s.prompts;
      const mean = (of) => logs.reduce((sum, log) => sum + of(log), 0) / logs.length;
      const cells = ['plain', 'corrected'].map((which) => {
        const given = logs.filter((log) => log[which].lower !== null);
        const held = given.filter((log) => log[which].lower <= exact && exact <= log[which].upper).length;
        return {
          off: mean((log) => log[which].estimate - exact).toFixed(4),
          given: given.length,
          held: given.length === 0 ? '' : `${((100 * held) / given.length).toFixed(0)} %`,
        };
      });
      const [plain, corrected] = cells;
      const error = mean((log) => log.plain.std_error).toFixed(4);
      console.log(
        `| ${s.name} | ${diversity} | ${plain.off} | ${error} | ${plain.given} of ${LOGS} | ${plain.held} | ${corrected.off} | ${corrected.given} of ${LOGS} | ${corrected.held} |`,
      );
    }
  }
}

await main(await fromSource('src/pope/index.ts', 'src/data/index.ts', 'src/random/index.ts'));

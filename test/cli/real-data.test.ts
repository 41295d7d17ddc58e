import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { jsonl, pope, workFolder } from './harness.js';

// The logs lie beside the repository and may not be passed on; where they are not, these tests say so and are skipped.
const data = fileURLToPath(new URL('../../../shared/data/', import.meta.url));
const here = existsSync(data);
const title = (text: string): string => (here ? text : `${text} (skipped: ${data} is not here)`);
const guide = new URL('../../docs/guide/', import.meta.url);
const { write } = workFolder();

interface Converters {
  arenaRounds(folder: string): unknown[];
  obdRounds(folder: string, logger: string, campaign: string, target: string): unknown[];
}
const converters = async (): Promise<Converters> => ({
  ...(await import(new URL('convert-arena.mjs', guide).href)),
  ...(await import(new URL('convert-obd.mjs', guide).href)),
});
const evaluated = async (...argv: string[]) =>
  JSON.parse((await pope('evaluate', ...argv, '--json', '--quiet')).stdout);

describe.skipIf(!here)(title('the language-model log of a real arena'), () => {
  it('supports the clone weakly and refuses parallel and unhelpful, with reasons', async () => {
    const { arenaRounds } = await converters();
    const { targets } = await evaluated(write('arena.jsonl', jsonl(arenaRounds(`${data}arena-llm-log`))));
    const { clone, parallel, unhelpful } = targets;
    // figures of the data's README, computed by others: ips 1.0800, snips 0.8422, fresh draws 0.8491 +- 0.0039
    expect(clone.utility.ips.estimate).toBeCloseTo(1.08, 4);
    expect(clone.utility.snips.estimate).toBeCloseTo(0.8422, 4);
    expect(clone.utility.snips.lower).toBeLessThan(0.8491);
    expect(clone.utility.snips.upper).toBeGreaterThan(0.8491);
    expect(clone.diagnostics.mean_weight).toBeCloseTo(1.282, 3);
    expect(clone.diagnostics.effective_sample_size).toBeCloseTo(214.6, 1);
    expect(['supported', 'weak']).toContain(clone.verdict.level);
    expect(parallel.verdict.level).toBe('refused');
    expect(parallel.verdict.reasons.join()).toMatch(/effective sample size is 3\.42, below/);
    expect(unhelpful.verdict.level).toBe('refused');
    expect(unhelpful.verdict.reasons.join()).toMatch(/mean weight is 0\.00429/);
  });

  it('--strict says so with exit 3', async () => {
    const { arenaRounds } = await converters();
    const log = write('arena.jsonl', jsonl(arenaRounds(`${data}arena-llm-log`)));
    expect((await pope('evaluate', log, '--strict', '--estimators', 'ips')).code).toBe(3);
  });
});

describe.skipIf(!here)(title('the open bandit data'), () => {
  it('men, random to bts: equals another implementation to 1e-9', async () => {
    const { obdRounds } = await converters();
    const log = write('men.jsonl', jsonl(obdRounds(`${data}obd`, 'random', 'men', 'bts')));
    const reference = JSON.parse(readFileSync(`${data}obp-reference/obd-estimates.json`, 'utf8')).men.random_to_bts;
    const value = (estimator: string, lambda?: number): number =>
      reference.estimates.find(
        (e: { estimator: string; hyperparameters: { lambda_?: number }; reward_model?: string }) =>
          e.estimator === estimator && e.hyperparameters.lambda_ === lambda && e.reward_model !== 'logistic',
      ).value;
    for (const [clip, cut, shrink] of [
      [1, 0.5, 0.1],
      [5, 1, 1],
      [20, 5, 10],
      [20, 20, 1000],
    ]) {
      const argv = ['--clip', `${clip}`, '--switch', `${cut}`, '--shrink', `${shrink}`, '--diversity', 'none'];
      const { utility, diagnostics, verdict } = (await evaluated(log, ...argv)).targets.bts;
      const expected = {
        ips: value('IPW'),
        snips: value('SNIPW'),
        clipped_ips: value('IPW', clip),
        dm: value('DM'),
        dr: value('DR'),
        sndr: value('SNDR'),
        switch_dr: value('SwitchDR', cut),
        dros: value('DRos', shrink),
      };
      for (const [key, target] of Object.entries(expected))
        expect(utility[key].estimate / target - 1, key).toBeCloseTo(0, 9);
      const ips = reference.estimates.find((e: { estimator: string }) => e.estimator === 'IPW');
      expect(utility.ips.std_error).toBeCloseTo(ips.round_std_population / Math.sqrt(9999), 12);
      expect(diagnostics.effective_sample_size).toBeCloseTo(reference.weights.effective_sample_size, 6);
      expect(diagnostics.mean_weight).toBeCloseTo(reference.weights.mean, 10);
      expect(verdict.level).toBe('supported');
    }
  });

  it('men, random to bts: the bootstrap interval agrees within its own error', async () => {
    const { obdRounds } = await converters();
    const log = write('men.jsonl', jsonl(obdRounds(`${data}obd`, 'random', 'men', 'bts')));
    const argv = ['--diversity', 'none', '--interval', 'bootstrap', '--resamples', '500', '--estimators', 'ips'];
    const { utility } = (await evaluated(log, ...argv)).targets.bts;
    // the other's 10,000 resamples: [0.00245, 0.00708]; an end of 500 resamples has a standard error near 0.00014
    expect(Math.abs(utility.ips.lower - 0.00245)).toBeLessThan(4 * 0.00014);
    expect(Math.abs(utility.ips.upper - 0.00708)).toBeLessThan(4 * 0.00014);
  });

  it('women, bts to random: refused, with two responses carrying all', async () => {
    const { obdRounds } = await converters();
    const log = write('women.jsonl', jsonl(obdRounds(`${data}obd`, 'bts', 'women', 'uniform')));
    const { diagnostics, verdict } = (await evaluated(log, '--diversity', 'none')).targets.uniform;
    expect(verdict.level).toBe('refused');
    expect(diagnostics.effective_sample_size).toBeLessThan(3);
    expect(verdict.reasons[0]).toMatch(/effective sample size is 2\.08, below/);
  });
});
